"""One output stream on its way to the disk: masked, bounded, counted, in flat memory."""

from __future__ import annotations

import hashlib
import os
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING

from runner_env.core import Capture
from runner_env.evidence.places import PLAIN_FILE, create_file, opened
from runner_env.evidence.tail import TailFiles
from runner_env.formats.disk import disk_error, on_disk, write_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner_env.text.masking import StreamMasker

OMITTED = "\n[... {} bytes omitted ...]\n"
"""The line between the kept head and the kept tail; the newlines are part of it."""


class CaptureFile:
    """Where a command's output goes. `RunDir.capture` makes it.

    One thread writes; others may ask for `size` and `tail` meanwhile. The stored file is the first half of the limit,
    a line that says how many bytes were left out, and the last half. Until `close`, what may become the last half
    lies in `<name>.tail0` and `<name>.tail1`; a crash leaves them behind, readable.

    A disk that takes no more bytes is no reason to stop the command: the rest is counted and dropped, and
    `Capture.error` says so.

    Args:
        dir_fd: the folder; the caller may close it.
        path: the new file in it.
        reference: how the evidence calls it.
        masker: what is applied to each byte before it is stored.
        limit_bytes: most bytes of the stream to keep, at least 2.

    Attributes:
        path: the file.
        reference: the same, POSIX, relative to the run directory.
        arrived: told how many masked bytes came, each time some did; whoever opens the capture may set it.

    Raises:
        ValueError: `limit_bytes` is less than 2.
        OSError: the file cannot be made.
    """

    def __init__(self, dir_fd: int, path: Path, reference: str, masker: StreamMasker, limit_bytes: int) -> None:
        if limit_bytes < 2:
            raise ValueError(f"limit_bytes is {limit_bytes}; it must be at least 2")
        self.path = path
        self.reference = reference
        self._masker = masker
        self._head_limit = limit_bytes // 2
        self._lock = Lock()
        self._digest = hashlib.sha256()
        self._head = self._seen = self._total = self._size = 0
        self._error: str | None = None
        self._done: Capture | None = None
        self.arrived: Callable[[int], None] | None = None
        self._fd = create_file(dir_fd, path.name)
        self._tail = TailFiles(dir_fd, path.name, limit_bytes - self._head_limit)

    @property
    def total(self) -> int:
        """Bytes that the command has written so far."""
        return self._total

    @property
    def size(self) -> int:
        """Bytes that the stored file has, or would have if it were closed now."""
        return self._size

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the stream; never fails for want of disk space.

        Raises:
            ValueError: the capture is closed.
        """
        with self._lock:
            if self._done is not None:
                raise ValueError(f"{self.reference} is closed")
            self._total += len(data)
            self._store(self._masker.feed(data))

    def tail(self, n: int) -> tuple[bytes, int, int]:
        """The last bytes of what is stored, at most `n`, and the half-open range they have in the stored file.

        While the capture is open, the range is that of a file closed now, and a tail does not reach back across the
        end of the head.

        Raises:
            EvidenceError: they cannot be read back.
        """
        with self._lock, on_disk("read", self.path):
            if self._done is not None:
                with opened(self.path, PLAIN_FILE) as fd:
                    data = _last(fd, n, self._size)
            elif self._tail.kept:
                data = b"".join(self._tail.last(min(n, self._tail.kept)))
            else:
                data = _last(self._fd, n, self._head)
            return data, self._size - len(data), self._size

    def stored(self, start: int, end: int | None) -> list[tuple[int, int]]:
        """Where bytes `start` to `end` (None: the end) of the masked stream lie in the stored file, once it is closed.

        Returns:
            Offset and length of up to three parts; the middle one is the line that stands for what was left out.
        """
        end = self._seen if end is None else end
        dropped, mark = self._tail.dropped, len(self._mark())
        parts = [(start, end)]
        if dropped:
            shift = mark - dropped
            gap = [(self._head, self._head + mark)] if start <= self._head < end else []
            parts = [(start, min(end, self._head)), *gap, (max(start, self._head + dropped) + shift, end + shift)]
        return [(first, last - first) for first, last in parts if 0 <= first < last <= self._size]

    def close(self) -> Capture:
        """Put the stored file together and say what became of the stream. A second call says the same.

        If the disk has no room for that, the stored file ends with the head, and `<name>.tail0` and `.tail1` stay.

        Raises:
            EvidenceError: the disk is worse than full.
        """
        with self._lock:
            if self._done is None:
                self._store(self._masker.flush())
                joined = self._join()
                self._release(keep_tail=not joined)
                stored = self._head + (self._tail.kept if joined else 0)
                omitted, masked = self._seen - stored, self._masker.count
                sha256 = self._digest.hexdigest()
                self._done = Capture(self.reference, self._total, omitted, masked, sha256, self._error)
            return self._done

    def _store(self, visible: bytes | memoryview) -> None:
        self._seen += len(visible)
        if self.arrived is not None:
            self.arrived(len(visible))
        if self._error is None:
            try:
                self._tail.write(self._store_head(memoryview(visible)))
            except OSError as error:
                self._fail(error)
            self._size = self._head + len(self._mark()) + self._tail.kept

    def _store_head(self, data: memoryview) -> memoryview:
        while data and self._head < self._head_limit:
            done = os.write(self._fd, data[: self._head_limit - self._head])
            self._digest.update(data[:done])
            self._head += done
            data = data[done:]
        return data

    def _mark(self) -> bytes:
        return OMITTED.format(self._tail.dropped).encode("ascii") if self._tail.dropped else b""

    def _join(self) -> bool:
        digest = self._digest.copy()
        try:
            for piece in chain((self._mark(),), self._tail.last(self._tail.kept)):
                write_all(self._fd, piece)
                digest.update(piece)
        except OSError as error:
            self._fail(error)
            with on_disk("cut", self.path):
                os.ftruncate(self._fd, self._head)
            self._size = self._head
            return False
        self._digest = digest
        return True

    def _release(self, *, keep_tail: bool) -> None:
        try:
            self._tail.close(remove=not keep_tail)
            os.close(self._fd)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if self._error is None:
            self._error = disk_error("go on recording", self.path.name, error).message


def _last(fd: int, n: int, size: int) -> bytes:
    return os.pread(fd, n, max(0, size - n))
