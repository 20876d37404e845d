"""The only reader of the process environment: one frozen value, taken once at the edge."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "RUNNER_ENV_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the surroundings ask for.

    Attributes:
        home: where runs, caches and state live (`RUNNER_ENV_HOME`; default: the user's state directory).
        environ: the process environment itself, for the parts of it that a stage may see.
    """

    home: Path
    environ: Mapping[str, str] = field(repr=False)

    @property
    def runs_dir(self) -> Path:
        """One directory for each run."""
        return self.home / "runs"

    @property
    def scratch_dir(self) -> Path:
        """What runs have for themselves while they last."""
        return self.home / "scratch"

    @property
    def cache_dir(self) -> Path:
        """What package managers fetched, a folder for each target."""
        return self.home / "cache"

    @property
    def sandbox(self) -> str:
        """The sandbox level asked for (`RUNNER_ENV_SANDBOX`); empty if none is."""
        return self.environ.get(_PREFIX + "SANDBOX", "")

    @property
    def network(self) -> str:
        """The network asked for (`RUNNER_ENV_NETWORK`); empty if none is."""
        return self.environ.get(_PREFIX + "NETWORK", "")

    @property
    def targets_dir(self) -> Path:
        """Clones of remote targets."""
        return self.home / "targets"

    @property
    def workspaces_dir(self) -> Path:
        """Copies of targets that runs work in."""
        return self.home / "workspaces"

    @property
    def agents_dir(self) -> Path:
        """What agent programs have while they work, copies of targets included."""
        return self.home / "agents"

    @property
    def authoring_dir(self) -> Path:
        """What is recorded of contracts that were written before there was a run: a directory each."""
        return self.home / "authoring"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `environ` (default: this process's own environment)."""
        env = dict(os.environ if environ is None else environ)
        home = env.get(_PREFIX + "HOME")
        return cls(home=Path(home).expanduser().resolve() if home else _default_home(env), environ=env)


def _default_home(env: Mapping[str, str]) -> Path:
    state = env.get("XDG_STATE_HOME")
    if state and Path(state).is_absolute():
        return Path(state) / "runner-env"
    from platformdirs import user_state_path

    return user_state_path("runner-env", appauthor=False)
