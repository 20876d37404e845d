"""Verdicts and exit codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.core import EXIT_BAD_INPUT, Verdict

VERDICTS = st.sampled_from(list(Verdict))


@pytest.mark.parametrize(("verdict", "code"), [("passed", 0), ("failed", 1), ("unscored", 3)])
def test_exit_codes(verdict: str, code: int) -> None:
    """The one table: 0 passed, 1 failed, 2 bad input, 3 unscored."""
    assert Verdict(verdict).exit_code == code
    assert EXIT_BAD_INPUT == 2


def test_nothing_against_it_is_a_pass() -> None:
    """Without any finding the verdict is passed; whether anything ran is judged elsewhere."""
    assert Verdict.worst([]) is Verdict.PASSED


@given(st.lists(VERDICTS, min_size=1))
def test_a_doubt_outweighs_a_failure_outweighs_a_pass(verdicts: list[Verdict]) -> None:
    """The worst one counts, in whatever order they come."""
    order = [Verdict.UNSCORED, Verdict.FAILED, Verdict.PASSED]
    assert Verdict.worst(verdicts) is min(verdicts, key=order.index)
