"""One start of one program, as the rules see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from runner_env.execution.policy.markers import literal

GIT_VALUES = ("-C", "-c", "--git-dir", "--work-tree", "--namespace")
DOCKER_VALUES = ("-H", "--host", "-c", "--context", "--config", "-l", "--log-level")
"""Options of `git` and `docker` before the verb that take a value as the next word, for `Invocation.subcommands`."""


class Hit(NamedTuple):
    """A rule that applies: its stable name and what it has found."""

    pattern: str
    message: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """A program and its arguments, evaluated as far as reading allows, with markers.

    Attributes:
        name: the program without its directory; empty for a program of the repository itself.
        args: its arguments.
        cwd: where it is started; None if unknown.
        root: the repository.
        feed: what standard input holds, None if nothing is fed to it.
        in_script: whether a script of the repository starts it.
        in_task: whether a task of the project (a target of its makefile, a package script) starts it.
        exported: names of the variables that it is known to see.
    """

    name: str
    args: tuple[str, ...]
    cwd: str | None
    root: str
    feed: str | None = None
    in_script: bool = False
    in_task: bool = False
    exported: frozenset[str] = frozenset()

    @property
    def options(self) -> list[str]:
        """The arguments before `--` that begin with a dash."""
        end = self.args.index("--") if "--" in self.args else len(self.args)
        return [word for word in self.args[:end] if word.startswith("-") and len(word) > 1]

    @property
    def operands(self) -> list[str]:
        """The arguments that are no options; after `--`, all."""
        end = self.args.index("--") if "--" in self.args else len(self.args)
        return [word for word in self.args[:end] if not word.startswith("-")] + list(self.args[end + 1 :])

    def has_short(self, letters: str) -> bool:
        """Whether a one-letter option among `letters` is given, alone or in a cluster."""
        return any(not word.startswith("--") and set(letters) & set(word[1:]) for word in self.options)

    def has_long(self, name: str, shortest: int) -> bool:
        """Whether long option `name` is given, perhaps cut to at least `shortest` letters, as GNU programs allow."""
        given = (word[2:].split("=", 1)[0] for word in self.options if word.startswith("--"))
        return any(len(word) >= shortest and name.startswith(word) for word in given)

    def subcommands(self, valued: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The operands, not counting the values of the options named in `valued`."""
        found, skip = list[str](), False
        for word in self.args:
            if skip or word in valued:
                skip = not skip
            elif not word.startswith("-"):
                found.append(literal(word))
        return tuple(found)
