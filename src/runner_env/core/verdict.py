"""What a run amounts to, and the exit code that says so."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_BAD_INPUT = 2
"""Exit code when nothing was run, because what was handed in cannot be used."""


class Verdict(StrEnum):
    """The judgement on a run.

    `failed` blames the target; `unscored` blames nobody: trouble of infrastructure, agent or model, or a doubt.
    """

    PASSED = "passed"
    FAILED = "failed"
    UNSCORED = "unscored"

    @property
    def exit_code(self) -> int:
        """The process exit code: 0 passed, 1 failed, 3 unscored (2 is bad input)."""
        return {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.UNSCORED: 3}[self]

    @classmethod
    def worst(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """The one that counts when several hold: a doubt outweighs a failure, a failure outweighs a pass."""
        seen = set(verdicts)
        return next((v for v in (cls.UNSCORED, cls.FAILED) if v in seen), cls.PASSED)
