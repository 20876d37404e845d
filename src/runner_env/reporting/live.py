"""One line at the foot of a terminal that says what is going on, redrawn until it is cleared."""

from __future__ import annotations

import os
import threading
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_REDRAW_S = 0.5
_CLEAR = "\r\x1b[K"


class LiveLine:
    """Draws a line that changes, and lines above it that stay. Errors of the stream (`OSError`) go to the caller.

    Args:
        stream: a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text: Callable[[], str] | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def show(self, text: Callable[[], str] | None) -> None:
        """Show what `text` returns now and every half second from now on; None shows nothing."""
        with self._lock:
            self._text = text
            self._draw()
        if self._thread is None:
            self._thread = threading.Thread(target=self._redraw, name="live line", daemon=True)
            self._thread.start()

    def above(self, line: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._stream.write(f"{_CLEAR}{line}\n")
            self._draw()

    def close(self) -> None:
        """Clear the line and stop redrawing."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._text = None
            self._draw()

    def _redraw(self) -> None:
        while not self._ended.wait(_REDRAW_S):
            with self._lock:
                try:
                    self._draw()
                except OSError:
                    return  # the terminal is gone: there is nobody left to tell

    def _draw(self) -> None:
        text = self._text() if self._text else ""
        self._stream.write(_CLEAR + clipped(text, columns(self._stream) - 1))
        self._stream.flush()


def columns(stream: TextIO) -> int:
    """How wide the terminal is; 80 where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def clipped(text: str, width: int) -> str:
    """As much of the beginning of `text` as fits into `width` terminal cells (Chinese characters take two)."""
    used = 0
    for index, character in enumerate(text):
        if not unicodedata.combining(character):
            used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > width:
            return text[:index]
    return text
