"""Single trials, one after the other, by one provider whose processes stay: for test runners."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_env.bridge import Loop
from runner_env.providers.host import Host
from runner_env.settings import Settings
from runner_env.skills.config import ConfigSources, load_config
from runner_env.skills.discovery import load_cases
from runner_env.skills.patches import Patch, provider_patches
from runner_env.skills.plan import plan_of
from runner_env.skills.run import How, provider_for, run_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner_env.providers.model import Provider
    from runner_env.skills.config import Config
    from runner_env.skills.plan import Plan, Trial
    from runner_env.skills.report import SkillReport


@dataclass(frozen=True, slots=True)
class Wishes:
    """Settings that go before those of the config; what is empty is left to it.

    Attributes:
        config: the config file, relative to the root.
        provider: a command that speaks the provider protocol; also the variable `SKILLTEST_PROVIDER`.
        platforms: agent programs.
        models: models.
    """

    config: str = ""
    provider: str = ""
    platforms: Sequence[str] = ()
    models: Sequence[str] = ()


class SingleTrials:
    """Plans files and runs their trials. Not for several threads.

    Args:
        root: what relative paths are relative to, and where the provider's commands start.
        wishes: settings.

    Raises:
        DefinitionError: the config cannot be used.
    """

    def __init__(self, root: Path, wishes: Wishes) -> None:
        self._root = root
        self._settings = Settings.from_environ()
        self._config = self._load(wishes)
        self._loop = Loop()
        self._provider: Provider | None = None

    def plan(self, file: Path) -> Plan:
        """The trials of the case in `file`.

        Raises:
            DefinitionError: the case or its skill cannot be used.
        """
        return plan_of(self._config, load_cases([os.path.relpath(file, self._root)], [], self._root))

    def run(self, plan: Plan, trial: Trial) -> SkillReport:
        """Run one trial of a plan; it has evidence of its own.

        Raises:
            ProviderError: a call failed, and the config says to abort.
            EvidenceError: evidence could not be written.
        """
        return self._loop.run(self._run(replace(plan, trials=(trial,))))

    def close(self) -> None:
        """End the provider. Idempotent."""
        provider, self._provider = self._provider, None
        if provider is not None:
            self._loop.run(provider.aclose())
        self._loop.close()

    async def _run(self, plan: Plan) -> SkillReport:
        if self._provider is None:
            self._provider = provider_for(self._config, Host(self._root, self._settings.environ))
        paths = [one.case.origin.file for one in plan.cases if one.case.origin]
        inputs = {"cwd": str(self._root), "paths": paths}
        report = await run_plan(plan, How(self._settings, self._root, self._provider, inputs=inputs))
        return replace(report, runs=tuple(report.runs))

    def _load(self, wishes: Wishes) -> Config:
        command = wishes.provider or self._settings.environ.get("SKILLTEST_PROVIDER") or None
        flags = provider_patches(command, None, None, None)
        lists = {"platforms": wishes.platforms, "models": wishes.models}
        flags += [Patch((name,), list(values), f"skilltest_{name}") for name, values in lists.items() if values]
        environ = self._settings.environ
        return load_config(ConfigSources(environ, self._root, file=wishes.config or None, flags=flags))
