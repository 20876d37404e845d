"""Usage, its sums and what is not known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner_env.core import Usage, UsageSource

COUNTS = st.none() | st.integers(0, 10**9)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, st.none(), st.sampled_from(UsageSource))


def test_unknown_is_not_zero() -> None:
    """What nobody reported stays unknown in a sum; a reported zero stays a zero."""
    total = Usage.total([None, Usage(input_tokens=0), Usage(cost_usd=0.5)])
    assert total == Usage(input_tokens=0, cost_usd=0.5)
    assert total.output_tokens is None
    assert Usage.total([None]).is_empty


def test_a_claim_makes_the_sum_a_claim() -> None:
    """The weakest source counts; an empty side does not."""
    observed = Usage(input_tokens=1, source=UsageSource.OBSERVED)
    claimed = Usage(input_tokens=1, source=UsageSource.CLAIMED)
    assert (observed + claimed).source is UsageSource.CLAIMED
    assert (observed + Usage()).source is UsageSource.OBSERVED


@given(st.lists(USAGES, max_size=5))
def test_a_sum_is_the_sum_of_what_is_known(usages: list[Usage]) -> None:
    """Each field by itself; the order does not matter."""
    known = [usage.input_tokens for usage in usages if usage.input_tokens is not None]
    total = Usage.total(usages)
    assert total.input_tokens == (sum(known) if known else None)
    assert Usage.total(reversed(usages)) == total
