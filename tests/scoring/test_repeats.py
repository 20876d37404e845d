"""pass@k and pass^k against counting every choice."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.scoring import pass_at_k, pass_hat_k


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_by_counting(numbers: tuple[int, int, int]) -> None:
    """Both agree with drawing every set of k tries out of those that were made."""
    trials, passed, k = numbers
    draws = list(combinations([True] * passed + [False] * (trials - passed), k))
    assert pass_at_k(trials, passed, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_hat_k(trials, passed, k) == pytest.approx(sum(map(all, draws)) / len(draws))


def test_too_few_trials() -> None:
    """With fewer trials than k nothing unbiased can be said."""
    assert pass_at_k(2, 2, 3) is None
    assert pass_hat_k(0, 0, 1) is None


@pytest.mark.parametrize(("trials", "passed", "k"), [(2, 3, 1), (2, -1, 1), (2, 1, 0)])
def test_senseless_numbers(trials: int, passed: int, k: int) -> None:
    """Counts that cannot be are refused."""
    with pytest.raises(ValueError, match=f"k is {k}"):
        pass_at_k(trials, passed, k)
