"""From cells to one score and one verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.core import Verdict
from runner_env.scoring.intervals import Interval, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.scoring.cells import Cell


@dataclass(frozen=True, slots=True)
class SuiteScore:
    """What all cells amount to.

    Attributes:
        planned: trials there should be.
        passed: trials that passed.
        failed: trials that failed.
        verdict: of the whole.
    """

    planned: int
    passed: int
    failed: int
    verdict: Verdict

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
        """Share of the planned trials that were scored, 0 to 1."""
        return self.scored / self.planned if self.planned else 0.0

    @property
    def share(self) -> float | None:
        """Share of the scored trials that passed; None if none was scored, which is not 0."""
        return self.passed / self.scored if self.scored else None

    @property
    def interval(self) -> Interval | None:
        """`share` with its 95 % Wilson interval, taking trials as independent, which repeats of a case are not."""
        return wilson(self.passed, self.scored)


def score_suite(cells: Sequence[Cell], *, min_coverage: float = 1.0) -> SuiteScore:
    """The score of a suite.

    An unscored trial counts neither as passed nor as failed. The suite is `unscored` if the share of trials that were
    scored is below `min_coverage`, or if none was; otherwise `failed` if a trial failed; otherwise `passed`.

    Raises:
        ValueError: `min_coverage` is not between 0 and 1.
    """
    if not 0 <= min_coverage <= 1:
        raise ValueError(f"min_coverage is {min_coverage}")
    planned = sum(cell.planned for cell in cells)
    passed, failed = sum(cell.passed for cell in cells), sum(cell.failed for cell in cells)
    scored = passed + failed
    # Divided, not multiplied: 7 of 100 is 0.07, but 0.07 times 100 is a little more than 7.
    if not scored or scored / planned < min_coverage:
        verdict = Verdict.UNSCORED
    else:
        verdict = Verdict.FAILED if failed else Verdict.PASSED
    return SuiteScore(planned, passed, failed, verdict)
