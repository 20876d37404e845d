"""Where the output of an outside program goes: into bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_TAIL_BYTES = 1 << 16


class Collected:
    """Keeps all that is written, up to a limit.

    Args:
        limit: bytes.
        on_overflow: called once, as soon as more was written.
        on_line: called with each whole line as it comes, without its end; None: lines are not told apart.

    Attributes:
        overflowed: whether more than the limit was written; what is kept is then worth nothing.
    """

    def __init__(
        self, limit: int, on_overflow: Callable[[], object], on_line: Callable[[bytes], object] | None = None
    ) -> None:
        self.overflowed = False
        self._limit = limit
        self._on_overflow = on_overflow
        self._on_line = on_line
        self._kept = bytearray()
        self._told = 0

    def write(self, data: memoryview | bytes) -> None:
        """Take the next bytes."""
        if self.overflowed:
            return
        if len(self._kept) + len(data) > self._limit:
            self.overflowed = True
            self._kept.clear()
            self._on_overflow()
            return
        searched = len(self._kept)
        self._kept += data
        if self._on_line is not None:
            self._tell(self._on_line, searched)

    def text(self) -> str:
        """All that was written; what is not UTF-8 becomes U+FFFD."""
        return self._kept.decode("utf-8", "replace")

    def forget(self) -> None:
        """Drop the lines that were told of, so that the limit holds for what comes next."""
        del self._kept[: self._told]
        self._told = 0

    def _tell(self, on_line: Callable[[bytes], object], searched: int) -> None:
        while (end := self._kept.find(b"\n", max(searched, self._told))) >= 0:
            line = bytes(self._kept[self._told : end])
            self._told = end + 1
            on_line(line)


class Tail:
    """Keeps the last 64 KiB of what is written."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def write(self, data: memoryview | bytes) -> None:
        """Take the next bytes."""
        self._kept += data
        if len(self._kept) > 2 * _TAIL_BYTES:
            del self._kept[:-_TAIL_BYTES]

    def text(self) -> str:
        """What is kept, without white space around it; what is not UTF-8 becomes U+FFFD."""
        return self._kept[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
