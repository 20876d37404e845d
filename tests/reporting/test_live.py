"""The line that is redrawn."""

from __future__ import annotations

import io
import os
import pty
import time
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.reporting.live import LiveLine, clipped, columns


@pytest.mark.parametrize(
    ("text", "width", "shown"), [("abc", 2, "ab"), ("基准x", 4, "基准"), ("基准x", 3, "基"), ("é", 1, "é")]
)
def test_clipped(text: str, width: int, shown: str) -> None:
    """A line is cut where the terminal ends, counted in cells, never inside a character."""
    assert clipped(text, width) == shown


@given(st.text(max_size=50), st.integers(0, 60))
@settings(max_examples=100)
def test_clipped_is_a_beginning(text: str, width: int) -> None:
    """Whatever the text, a beginning of it is shown, all of it if it surely fits."""
    shown = clipped(text, width)
    assert text.startswith(shown)
    assert shown == text or 2 * len(text) > width


def test_columns_of_a_real_terminal() -> None:
    """The width is the terminal's own; 80 where there is none."""
    leader, follower = pty.openpty()
    with os.fdopen(leader), os.fdopen(follower, "w") as terminal:
        import termios

        termios.tcsetwinsize(follower, (20, 43))
        assert columns(terminal) == 43
    assert columns(io.StringIO()) == 80


def test_redraws_by_itself() -> None:
    """The line shows the time going by although nothing happens."""
    stream, ticks = io.StringIO(), count()
    line = LiveLine(stream)
    line.show(lambda: f"tick {next(ticks)}")
    deadline = time.monotonic() + 10
    while "tick 1" not in stream.getvalue() and time.monotonic() < deadline:
        time.sleep(0.02)
    line.close()
    assert "tick 1" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")
