"""Who is told what a text would start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runner_env.core import Where
    from runner_env.execution.policy.invocation import Hit, Invocation


class Judge(Protocol):
    """Is told everything, in order; `where` is None outside scripts."""

    def program(self, inv: Invocation, *, own: bool, where: Where | None) -> None:
        """A program start; `own` if the text defines a function of that name."""

    def stripped(self, inv: Invocation, where: Where | None) -> None:
        """A program start as it would be if the unknown words before it were empty."""

    def text(self, texts: tuple[str, ...], where: Where | None) -> None:
        """One command or pipeline, as written and, for a simple command, as evaluated."""

    def hit(self, hit: Hit, *, hard: bool, where: Where | None) -> None:
        """A rule broken by something other than a program start; `hard` if it belongs to the hard deny."""
