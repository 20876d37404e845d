"""Wilson intervals against published values, and as they must behave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.scoring import wilson

COUNTS = st.integers(0, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)
        # 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_values(successes: int, trials: int, low: float, high: float) -> None:
    """The bounds agree with published ones to four places."""
    interval = wilson(successes, trials)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_nothing_is_known_without_trials() -> None:
    """No trials make no share, least of all zero."""
    assert wilson(0, 0) is None


@pytest.mark.parametrize(("successes", "trials", "confidence"), [(-1, 2, 0.95), (3, 2, 0.95), (1, 2, 1.0), (1, 2, 0.0)])
def test_senseless_numbers(successes: int, trials: int, confidence: float) -> None:
    """Counts that cannot be are refused."""
    with pytest.raises(ValueError, match=f"{successes} of {trials}"):
        wilson(successes, trials, confidence=confidence)


@given(COUNTS)
def test_the_share_lies_inside(counts: tuple[int, int]) -> None:
    """The interval lies in [0, 1] around the share, is mirrored by failures, and narrower for less confidence."""
    successes, trials = counts
    interval, mirrored = wilson(successes, trials), wilson(trials - successes, trials)
    if interval is None or mirrored is None:
        assert trials == 0
        return
    assert 0 <= interval.low <= interval.share <= interval.high <= 1
    assert interval.low == pytest.approx(1 - mirrored.high)
    less = wilson(successes, trials, confidence=0.8)
    assert less is not None
    assert less.high - less.low < interval.high - interval.low
