"""Small pieces of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.reporting.words import indented, one_line, seconds


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.00 s"),
        (0.0449, "0.04 s"),
        (3.24, "3.2 s"),
        (75.4, "75 s"),
        (99.7, "100 s"),
        (725.2, "12 min 05 s"),
        (3599.9, "1 h 00 min"),
        (11_220.0, "3 h 07 min"),
    ],
)
def test_seconds(value: float, shown: str) -> None:
    """Durations have as many digits as a person needs."""
    assert seconds(value) == shown


@given(st.text(max_size=300), st.integers(1, 300))
def test_one_line_is_one_printable_line(text: str, limit: int) -> None:
    """Whatever the text, the result is a single line within its limit, which any encoding of Unicode takes."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    line.encode()


def test_indented() -> None:
    """Later lines are set apart from what begins a line of its own."""
    assert indented("a\nb\r\nc\n", "  ") == "a\n  b\n  c"
