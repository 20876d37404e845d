"""McNemar's exact test."""

from __future__ import annotations

from itertools import product

import pytest

from runner_env.scoring import mcnemar, mcnemar_of


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [
        # Exact binomial tails: 2 * P(X <= min | n, 1/2), at most 1.
        (0, 0, 1.0),
        (1, 1, 1.0),
        (0, 5, 0.0625),
        (5, 0, 0.0625),
        (1, 9, 0.021484375),
        (2, 8, 0.109375),
        (0, 6, 0.03125),
    ],
)
def test_known_values(first: int, second: int, p_value: float) -> None:
    """The p-value is the two-sided binomial one and does not depend on the order of the sides."""
    assert mcnemar(first, second) == p_value == mcnemar(second, first)


@pytest.mark.parametrize("pairs", [1, 2, 5, 8])
def test_by_counting(pairs: int) -> None:
    """It is the share of all coin sequences that are at least as lopsided."""
    for fewer in range(pairs // 2 + 1):
        heads = [sum(coins) for coins in product((0, 1), repeat=pairs)]
        lopsided = sum(min(h, pairs - h) <= fewer for h in heads) / len(heads)
        assert mcnemar(fewer, pairs - fewer) == pytest.approx(lopsided)


def test_thousands_of_pairs() -> None:
    """Numbers beyond what a float holds are no trouble."""
    assert 0 < mcnemar(2400, 2600) < 0.01
    assert mcnemar(2500, 2500) == 1.0


def test_only_common_cases_count() -> None:
    """Cases that one side has no result for say nothing about a difference."""
    first = {"a": True, "b": True, "c": False, "d": True, "only": True}
    second = {"a": False, "b": True, "c": False, "d": False, "other": False}
    test = mcnemar_of(first, second)
    assert (test.only_first, test.only_second, test.both, test.neither, test.p_value) == (2, 0, 1, 1, 0.5)


def test_negative_counts() -> None:
    """Counts that cannot be are refused."""
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)
