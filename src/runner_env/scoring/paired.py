"""Whether two models differ, judged by the same cases."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Cases that only one side passed, and how likely such a difference is by chance.

    Attributes:
        only_first: passed by the first side alone.
        only_second: passed by the second side alone.
        both: passed by both.
        neither: passed by neither.
        p_value: two-sided, exact.
    """

    only_first: int
    only_second: int
    both: int
    neither: int
    p_value: float


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's test in its exact form, which is a sign test of the discordant pairs.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947) 153-157; exact by the binomial distribution. 1.0 if no pair is discordant.

    Raises:
        ValueError: a count is negative.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"negative counts: {only_first}, {only_second}")
    pairs, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(pairs, count) for count in range(fewer + 1))
    # As integers, because 2**pairs has no float beyond a thousand pairs.
    return min(1.0, 2 * tail / (1 << pairs))


def mcnemar_of(first: Mapping[_Key, bool], second: Mapping[_Key, bool]) -> PairedTest:
    """Compare two sides on the cases that both have a result for; the others say nothing about a difference."""
    pairs = [(first[key], second[key]) for key in first if key in second]
    one, two = pairs.count((True, False)), pairs.count((False, True))
    return PairedTest(one, two, pairs.count((True, True)), pairs.count((False, False)), mcnemar(one, two))
