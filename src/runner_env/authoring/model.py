"""What a contract by rules is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VENV = ".aider_fsm/venv"
"""Where a contract by rules puts its Python packages, relative to the repository."""

TOOLS = ".aider_fsm/tools"
"""Where it puts programs of Node that are not on the machine."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the bootstrap, and what to say about it."""

    command: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A command that can be the evaluation.

    Attributes:
        command: as it is run.
        runner: the program that does the work, as far as it can be told.
        source: `path:line` of the file that states it.
        stated: the command as it stands there.
        before: what the same place wants to be run first.
        workdir: POSIX, relative to the repository; empty: its root.
        env: variables for it.
    """

    command: str
    runner: str
    source: str
    stated: str
    before: tuple[str, ...] = ()
    workdir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole contract, before it is written.

    Attributes:
        option: the evaluation's command.
        steps: of the bootstrap.
        builds: commands before the evaluation's own, in each run.
        boot_env: variables for every stage, as `bootstrap.yml` has them.
        files: further files below `.aider_fsm/`, by path relative to the repository.
        others: commands to try in place of the option's, in order.
        amended: what was changed after a run, oldest first.
    """

    option: Option
    steps: tuple[Step, ...] = ()
    builds: tuple[str, ...] = ()
    boot_env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    others: tuple[Option, ...] = ()
    amended: tuple[str, ...] = ()
