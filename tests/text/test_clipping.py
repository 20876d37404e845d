"""Clipping keeps both ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner_env.text.clipping import head_tail


@given(st.text(max_size=200), st.integers(0, 220))
def test_the_limit_holds(text: str, limit: int) -> None:
    """The result is never longer than the limit, and short text is untouched."""
    clipped = head_tail(text, limit)
    assert len(clipped) <= limit
    assert len(text) > limit or clipped == text


def test_both_ends_stay_and_the_gap_is_counted() -> None:
    """Beginning and end are kept; the note says how much is missing."""
    clipped = head_tail("a" * 500 + "z" * 500, 100)
    head, note, tail = clipped.split("\n")
    assert set(head) == {"a"}
    assert set(tail) == {"z"}
    assert note == f"[... {1000 - len(head) - len(tail)} characters omitted ...]"
