"""Cells: trials counted by case, platform and model."""

from __future__ import annotations

import pytest

from runner_env.core import Verdict
from runner_env.scoring import Cell, CellKey, ScoredTrial, cells_of

A, B = CellKey("a", "p", "m"), CellKey("b", "p", "m")


def test_counting() -> None:
    """Cells come in the planned order whatever ended first; trials that never ran are unscored."""
    trials = [ScoredTrial(B, Verdict.PASSED), ScoredTrial(A, Verdict.FAILED), ScoredTrial(A, Verdict.UNSCORED)]
    first, second = cells_of([A, A, A, B], trials)
    assert first == Cell(A, planned=3, passed=0, failed=1)
    assert (first.scored, first.unscored, first.coverage, first.verdict) == (1, 2, 1 / 3, Verdict.UNSCORED)
    assert (second.verdict, second.coverage, second.pass_at(1), second.pass_hat(2)) == (Verdict.PASSED, 1.0, 1.0, None)


@pytest.mark.parametrize(
    ("planned", "passed", "failed", "verdict"),
    [(2, 2, 0, "passed"), (2, 1, 1, "failed"), (2, 1, 0, "unscored"), (2, 0, 1, "unscored"), (0, 0, 0, "unscored")],
)
def test_the_verdict_of_a_cell(planned: int, passed: int, failed: int, verdict: str) -> None:
    """A doubt outweighs a failure, a failure a pass; nothing planned is a doubt too."""
    assert Cell(A, planned, passed, failed).verdict == verdict


def test_an_unscored_trial_is_in_no_share() -> None:
    """The share of passes is that of scored trials, and unknown if there are none."""
    interval = Cell(A, planned=4, passed=1, failed=1).interval
    assert interval is not None
    assert interval.share == 0.5
    assert Cell(A, planned=4, passed=0, failed=0).interval is None


@pytest.mark.parametrize("planned", [[A], []])
def test_more_trials_than_planned(planned: list[CellKey]) -> None:
    """A trial that was counted twice, or that nobody planned, is refused."""
    with pytest.raises(ValueError, match="2 trials of"):
        cells_of(planned, [ScoredTrial(A, Verdict.PASSED), ScoredTrial(A, Verdict.FAILED)])
