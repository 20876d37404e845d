"""A skills repository as a target: the contract that a directory with `skilltest.yaml` amounts to.

Nothing of it is written down by hand: its rollout runs the cases with the model that is asked for, its evaluation
counts the trials. Both are commands like those of any contract (`runner_env.skills.stages`), so that sandbox, limits,
evidence and verification are the same.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from typing import TYPE_CHECKING

from runner_env.contract.model import CommandSpec, Contract, MetricsSpec, Security, StageName, StageSpec
from runner_env.core import Finding, Verdict, Where
from runner_env.skills.config import DEFAULT_FILE, ConfigSources, load_config
from runner_env.skills.plan import load_plan

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.skills.config import Config
    from runner_env.skills.plan import Plan

METRICS = ".aider_fsm/metrics.json"
_CASES = "cases"
_SUFFIXES = (".skilltest.yaml", ".skilltest.yml")
_KEYS = {"claude-code": "ANTHROPIC_API_KEY", "codex": "OPENAI_API_KEY"}
"""What agent programs are logged in with where the user's home, which a stage does not see, cannot do it."""


def is_skills_repository(root: Path) -> bool:
    """Whether `root` has a `skilltest.yaml`."""
    return (root / DEFAULT_FILE).is_file()


def case_paths(root: Path) -> list[str]:
    """Where the cases of a skills repository are, relative to `root`: its folder `cases`, then each `*.skilltest.yaml`.

    The latter are found wherever they lie, but not in hidden folders, nor in `cases` itself.
    """
    found = [_CASES] if (root / _CASES).is_dir() else []
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name != "node_modules")
        here = os.path.relpath(folder, root)
        if here != _CASES:
            found += [os.path.normpath(os.path.join(here, name)) for name in sorted(files) if name.endswith(_SUFFIXES)]  # noqa: PTH118 - a report shows the path as it is spelled
    return found


def repository_plan(root: Path, config: Config) -> Plan:
    """The trials of a skills repository. Raises as `load_plan`."""
    return load_plan(config, case_paths(root), [], root)


def skills_contract(root: Path) -> Contract:
    """The contract of a skills repository; its config and all of its cases are read for that.

    Raises:
        DefinitionError: one of them cannot be used, or there is no case.
    """
    config = load_config(ConfigSources(environ={}, cwd=root))
    plan = repository_plan(root, config)
    where = Where(DEFAULT_FILE, 1, 1)
    stages = {name: _stage(name, where) for name in (StageName.ROLLOUT, StageName.EVALUATION)}
    cases = "one case" if len(plan.cases) == 1 else f"{len(plan.cases)} cases"
    message = f"The target is a skills repository: rollout runs its {cases}, evaluation counts."
    hint = "A pipeline.yml would be used in place of this."
    return Contract(
        file=DEFAULT_FILE,
        sha256=hashlib.sha256((root / DEFAULT_FILE).read_bytes()).hexdigest(),
        security=Security(secrets=_secrets(config)),
        stages=stages,
        evaluation_metrics=MetricsSpec(METRICS, ("ok", "coverage"), (0.0, 1.0), where),
        notes=(Finding("skills_repository", message, where, hint, verdict=Verdict.PASSED), *config.notes),
    )


def _stage(name: StageName, where: Where) -> StageSpec:
    # -P: a file of the target must not stand in for a module of the runner
    command = f"{shlex.quote(sys.executable)} -P -m runner_env.skills.stages {name}"
    return StageSpec(name, (CommandSpec(command, where),), {}, None, None, 0, where)


def _secrets(config: Config) -> tuple[str, ...]:
    from runner_env.providers.oneharness_options import OneharnessOptions
    from runner_env.wire import anthropic, openai_chat

    names = set()
    if isinstance(config.provider, OneharnessOptions):
        asked = {*config.platforms, config.provider.judge_harness}
        names |= {_KEYS[platform] for platform in asked if platform in _KEYS}
    if config.judge is not None:
        usual = anthropic if config.judge.vendor == "anthropic" else openai_chat
        names.add(config.judge.api_key_env or usual.KEY_VARIABLE)
    return tuple(sorted(names))
