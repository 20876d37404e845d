"""Suites: one score, one verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.core import Verdict
from runner_env.scoring import Cell, CellKey, score_suite

KEY = CellKey("a", "p", "m")


def _cell(planned: int, passed: int, failed: int) -> Cell:
    return Cell(KEY, planned, passed, failed)


@pytest.mark.parametrize(
    ("cells", "floor", "verdict"),
    [
        ([(2, 2, 0), (1, 1, 0)], 1.0, Verdict.PASSED),
        ([(2, 2, 0), (1, 0, 1)], 1.0, Verdict.FAILED),
        ([(2, 1, 0), (1, 0, 1)], 1.0, Verdict.UNSCORED),
        ([(2, 1, 0), (2, 1, 1)], 0.75, Verdict.FAILED),
        ([(2, 1, 0), (2, 2, 0)], 0.75, Verdict.PASSED),
        ([(2, 0, 0)], 0.0, Verdict.UNSCORED),
        ([], 0.0, Verdict.UNSCORED),
        ([(100, 7, 0)], 0.07, Verdict.PASSED),
    ],
)
def test_the_verdict(cells: list[tuple[int, int, int]], floor: float, verdict: Verdict) -> None:
    """Too little coverage, or nothing scored, is unscored; otherwise one failure is a failure."""
    assert score_suite([_cell(*cell) for cell in cells], min_coverage=floor).verdict is verdict


def test_the_share_is_of_scored_trials() -> None:
    """An unscored trial counts neither as passed nor as failed; no scored trial makes no share."""
    score = score_suite([_cell(4, 1, 1)], min_coverage=0.5)
    assert (score.share, score.coverage, score.unscored) == (0.5, 0.5, 2)
    assert score_suite([_cell(4, 0, 0)]).share is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), max_size=5), st.floats(0, 1))
def test_no_pass_out_of_doubt(counts: list[tuple[int, int, int]], floor: float) -> None:
    """A suite passes only if something passed, nothing failed, and the coverage is reached."""
    score = score_suite([_cell(p + f + u, p, f) for p, f, u in counts], min_coverage=floor)
    if score.verdict is Verdict.PASSED:
        assert score.passed
        assert not score.failed
        assert score.coverage >= floor
    if score.verdict is Verdict.FAILED:
        assert score.failed
        assert score.coverage >= floor


@pytest.mark.parametrize("floor", [-0.1, 1.1, float("nan")])
def test_a_senseless_floor(floor: float) -> None:
    """A floor that is no share is refused."""
    with pytest.raises(ValueError, match="min_coverage"):
        score_suite([], min_coverage=floor)
