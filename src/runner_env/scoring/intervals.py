"""How far a share of successes can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with the interval it lies in, all of them from 0 to 1."""

    share: float
    low: float
    high: float
    confidence: float = 0.95


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Interval | None:
    """The Wilson score interval of a share, which stays sensible for few trials and for shares of 0 and 1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212,
    without correction for continuity.

    Args:
        successes: from 0 to `trials`.
        trials: how many there were.
        confidence: the probability of the interval, between 0 and 1.

    Returns:
        None if there were no trials: then nothing is known.

    Raises:
        ValueError: the numbers make no sense.
    """
    if not 0 <= successes <= trials or not 0 < confidence < 1:
        raise ValueError(f"{successes} of {trials} at confidence {confidence}")
    if trials == 0:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = successes / trials, z * z / trials
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(share, low, high, confidence)
