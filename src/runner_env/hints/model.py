"""What a file states, and what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Purpose(StrEnum):
    """What a hint is for."""

    TEST = "test"
    EVALUATE = "evaluate"
    BENCHMARK = "benchmark"


class Origin(StrEnum):
    """Which kind of file states a candidate."""

    README = "readme"
    DOCS = "docs"
    CI = "ci"
    TASK = "task"
    """A task of a task runner: Makefile, package.json script, tox environment, nox session, just recipe, …"""
    MANIFEST = "manifest"
    """What a manifest implies without naming a command: Cargo.toml with tests, go.mod with `_test.go` files, …"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Shell text that a file states, before it is judged.

    Attributes:
        text: as a person would type it in `workdir`: one line, or several (a CI step), without a prompt sign.
        path: the file, POSIX, relative to the repository.
        line: from 1.
        origin: which kind of file it is.
        name: what the file calls it: a task, job and step, or the headings above, outermost first, joined by " > ".
        context: prose beside it: the sentence before a code block, a task's description.
        workdir: where it is to be run, POSIX, relative to the repository; empty: its root.
        before: commands stated before it in the same place (earlier CI steps, earlier lines of a block).
        resolved: what a task finally runs, its own commands in order with variables filled in; empty for commands
            that are not tasks, and for tasks that cannot be looked into.
        values: for matrix and other expressions in `text`, as written there: what they can stand for, the best first.
        env: variables that the file sets for it.
        runner: the task runner or program that a source knows to be behind it (`make`, `npm`, `tox`); empty: unknown.
        platform: the only operating system that it is stated for, if that is not Linux: `windows` or `macos`.
        certainty: 0 to 1, how sure the source is that it is meant at all; below 1 for what a manifest implies.
        in_prose: whether a document states it inside a sentence or a table, not in a block of its own.
    """

    text: str
    path: str
    line: int
    origin: Origin
    name: str = ""
    context: str = ""
    workdir: str = ""
    before: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    runner: str = ""
    platform: str = ""
    certainty: float = 1.0
    in_prose: bool = False


@dataclass(frozen=True, slots=True)
class Hint:
    """One official command.

    Attributes:
        command: one atomic shell command, to be run in `workdir`.
        purpose: what it is for.
        source: `path:line` of the file that states it.
        runner: the program that does the work (`pytest`, `cargo`, `jest`), as far as it can be told; else empty.
        confidence: 0 to 1, how sure it is that the authors mean this command for this purpose.
        prerequisites: commands to run before it, in order.
        workdir: POSIX, relative to the repository; empty: its root.
        env: variables to set for it.
    """

    command: str
    purpose: Purpose
    source: str
    runner: str
    confidence: float
    prerequisites: tuple[str, ...] = ()
    workdir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
