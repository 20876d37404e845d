"""Emphasis on a terminal that wants it, and nothing everywhere else."""

from __future__ import annotations

from dataclasses import dataclass

from runner_env.core import Verdict

_COLOURS = {Verdict.PASSED: "32", Verdict.FAILED: "31", Verdict.UNSCORED: "33"}


@dataclass(frozen=True, slots=True)
class Style:
    """Adds terminal colours, or returns text as it is.

    Attributes:
        colour: whether to add any.
    """

    colour: bool = False

    def bold(self, text: str) -> str:
        """A heading."""
        return self._painted(text, "1")

    def dim(self, text: str) -> str:
        """What matters less than the rest."""
        return self._painted(text, "2")

    def verdict(self, text: str, verdict: Verdict) -> str:
        """`text` in the colour of `verdict`."""
        return self._painted(text, _COLOURS[verdict])

    def big_verdict(self, text: str, verdict: Verdict) -> str:
        """As `verdict`, and bold."""
        return self._painted(text, f"1;{_COLOURS[verdict]}")

    def _painted(self, text: str, codes: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if self.colour else text
