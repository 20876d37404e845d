"""What a judge is asked, and what it answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from runner_env.core import Usage


class JudgeKind(StrEnum):
    """What sort of judgement is wanted."""

    BOOLEAN = "boolean"
    NUMERIC = "numeric"


@dataclass(frozen=True, slots=True)
class JudgeQuery:
    """A criterion and the sort of judgement.

    Attributes:
        kind: yes or no, or a number.
        criterion: what is to be judged.
        scale: lowest and highest number, inclusive; None for a boolean.
    """

    kind: JudgeKind
    criterion: str
    scale: tuple[float, float] | None = None

    @classmethod
    def boolean(cls, criterion: str) -> JudgeQuery:
        """Whether `criterion` is satisfied."""
        return cls(JudgeKind.BOOLEAN, criterion)

    @classmethod
    def numeric(cls, criterion: str, low: float, high: float) -> JudgeQuery:
        """How well `criterion` is satisfied, from `low` to `high`."""
        return cls(JudgeKind.NUMERIC, criterion, (low, high))


@dataclass(frozen=True, slots=True)
class JudgeVerdict:
    """A judgement, and what it was read from.

    Attributes:
        value: a bool for a boolean query; a finite float as the judge said it, not yet clamped, for a numeric one.
        reason: the judge's own words; empty if it gave none.
        raw: the reply before it was parsed, so that the verdict can be derived again.
        usage: what the call consumed; None: not reported.
    """

    value: bool | float
    reason: str
    raw: str
    usage: Usage | None = None
