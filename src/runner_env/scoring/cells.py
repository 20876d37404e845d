"""From trials to cells: all repeats of one case on one platform with one model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.core import Verdict
from runner_env.scoring.intervals import Interval, wilson
from runner_env.scoring.repeats import pass_at_k, pass_hat_k

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class CellKey:
    """Which cell of the matrix. `case` must tell cases apart, so it is a key and not merely a name."""

    case: str
    platform: str
    model: str


@dataclass(frozen=True, slots=True)
class ScoredTrial:
    """What became of one trial."""

    key: CellKey
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Cell:
    """The trials of one cell, counted.

    Attributes:
        key: which cell.
        planned: trials there should be.
        passed: trials that passed.
        failed: trials that failed.
    """

    key: CellKey
    planned: int
    passed: int
    failed: int

    @property
    def scored(self) -> int:
        """Trials about which something is known."""
        return self.passed + self.failed

    @property
    def unscored(self) -> int:
        """Trials about which nothing is known, or that never ran."""
        return self.planned - self.scored

    @property
    def coverage(self) -> float:
        """Share of the planned trials that were scored, 0 to 1; 0 if none was planned."""
        return self.scored / self.planned if self.planned else 0.0

    @property
    def interval(self) -> Interval | None:
        """Share of the scored trials that passed, with its 95 % Wilson interval; None if none was scored."""
        return wilson(self.passed, self.scored)

    @property
    def verdict(self) -> Verdict:
        """`unscored` if a trial is missing, else `failed` if one failed, else `passed`."""
        if self.unscored or not self.planned:
            return Verdict.UNSCORED
        return Verdict.FAILED if self.failed else Verdict.PASSED

    def pass_at(self, k: int) -> float | None:
        """The probability that one of `k` tries passes; see `repeats.pass_at_k`."""
        return pass_at_k(self.scored, self.passed, k)

    def pass_hat(self, k: int) -> float | None:
        """The probability that all of `k` tries pass; see `repeats.pass_hat_k`."""
        return pass_hat_k(self.scored, self.passed, k)


def cells_of(planned: Iterable[CellKey], trials: Iterable[ScoredTrial]) -> tuple[Cell, ...]:
    """The cells in the order in which `planned` first names them.

    Args:
        planned: the key of every trial there should be, once for each.
        trials: those that ended, in any order.

    Raises:
        ValueError: there are more trials of a cell than were planned, so something was counted twice.
    """
    expected = Counter(planned)
    ended = Counter((trial.key, trial.verdict) for trial in trials)
    seen: Counter[CellKey] = Counter()
    for (key, _), count in ended.items():
        seen[key] += count
    for key, count in seen.items():
        if count > expected[key]:
            raise ValueError(f"{count} trials of {key}, of which {expected[key]} were planned")
    return tuple(
        Cell(key, count, ended[key, Verdict.PASSED], ended[key, Verdict.FAILED]) for key, count in expected.items()
    )
