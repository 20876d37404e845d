"""Whether the target itself stayed as it was while an agent worked on its copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from runner_env.authoring import tree
from runner_env.authoring.leftovers import ARTIFACTS, FOLDER, is_byproduct, is_inner_git
from runner_env.core import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class TargetWatch:
    """A target at one moment: its own files, and what git takes programs from.

    What git ignores, caches and installed packages are not looked at; the outputs of stages are.

    Attributes:
        root: the target.
    """

    root: Path
    _ignored: frozenset[str]
    _before: Mapping[str, tree.Entry]

    @classmethod
    def begin(cls, root: Path, ignored: frozenset[str]) -> Self:
        """Look at the target now.

        Args:
            root: the target.
            ignored: what git ignores in it, see `ignored_by_git`.

        Raises:
            tree.TooManyEntries: it is too large to be watched.
            OSError: it cannot be read.
        """
        return cls(root, ignored, tree.entries(root, lambda path: _is_let_be(path, ignored)))

    def changed(self) -> tuple[str, ...]:
        """The paths, sorted, that are no longer what they were.

        Raises:
            tree.TooManyEntries, OSError: as `begin`.
        """
        now = tree.entries(self.root, lambda path: _is_let_be(path, self._ignored))
        return tuple(tree.changed(self._before, now))


def escaped(paths: tuple[str, ...]) -> Finding:
    """What it means that the target changed meanwhile: nobody can tell who it was, so nothing is taken over."""
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    message = f"The target was changed while the agent worked on its copy: {', '.join(paths[:_MOST_NAMED])}{more}."
    hint = "Look at these files. If it was you, run it again; if not, run agents in a sandbox and without a shell."
    return Finding("agent_escaped", message, None, hint)


def _is_let_be(path: str, ignored: frozenset[str]) -> bool:
    if path == ".git" or path.startswith(".git/"):
        return is_inner_git(path)
    if path == ARTIFACTS or is_byproduct(path):
        return True
    return path in ignored and path != FOLDER and not path.startswith(f"{FOLDER}/")
