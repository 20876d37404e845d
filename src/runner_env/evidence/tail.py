"""The end of a stream that has no known end, on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner_env.evidence.places import CHUNK, create_file

if TYPE_CHECKING:
    from collections.abc import Iterator


class TailFiles:
    """The last bytes of a stream, in two files that take turns.

    When one is full, the other is emptied and goes on. So the two never hold more than twice `capacity` bytes, never
    less than the last `capacity`, and, unlike a ring, are readable as they are after a crash.

    Args:
        dir_fd: their folder; the caller may close it.
        name: the stream's file; theirs are `<name>.tail0` and `<name>.tail1`, made when first needed.
        capacity: bytes, at least 1.
    """

    def __init__(self, dir_fd: int, name: str, capacity: int) -> None:
        self._dir_fd = os.dup(dir_fd)
        self._names = (f"{name}.tail0", f"{name}.tail1")
        self._fds = [-1, -1]
        self._fill = [0, 0]
        self._current = 0
        self._capacity = capacity
        self._written = 0

    @property
    def kept(self) -> int:
        """Bytes at hand."""
        return min(self._capacity, sum(self._fill))

    @property
    def dropped(self) -> int:
        """Bytes that were written and have made room for later ones."""
        return self._written - self.kept

    def write(self, data: memoryview) -> None:
        """Take the next bytes. Raises `OSError`; what was taken before stays."""
        while data:
            room = self._capacity - self._fill[self._current]
            if not room:
                self._current ^= 1
            if not room or self._fds[self._current] < 0:
                self._start()
                continue
            done = os.write(self._fds[self._current], data[:room])
            self._fill[self._current] += done
            self._written += done
            data = data[done:]

    def last(self, n: int) -> Iterator[bytes]:
        """The last `n` bytes, at most `kept`, in pieces of at most 1 MiB. Raises `OSError`."""
        newer = min(n, self._fill[self._current])
        for index, count in ((self._current ^ 1, n - newer), (self._current, newer)):
            end = self._fill[index]
            for start in range(end - count, end, CHUNK):
                yield os.pread(self._fds[index], min(CHUNK, end - start), start)

    def close(self, *, remove: bool) -> None:
        """Close the files, and remove them if what they hold is kept elsewhere. Raises `OSError`."""
        for fd, name in zip(self._fds, self._names, strict=True):
            if fd >= 0:
                os.close(fd)
                if remove:
                    os.unlink(name, dir_fd=self._dir_fd)
        os.close(self._dir_fd)

    def _start(self) -> None:
        index = self._current
        if self._fds[index] < 0:
            self._fds[index] = create_file(self._dir_fd, self._names[index], os.O_APPEND)
        os.ftruncate(self._fds[index], 0)
        self._fill[index] = 0
