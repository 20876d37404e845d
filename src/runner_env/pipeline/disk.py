"""Watching how much a run adds to the disk, at next to no cost while that is little."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

MIB = 1 << 20
_BLOCK = 512
_TICK_S = 0.05
"""By how much the clock of a file system may lag behind."""

_COST = 20
"""Walking through the workspace takes at most one part in so many of the time."""


class DiskWatch:
    """Compares the disk with what it was when this was made.

    First the file systems are asked how much of them is free, which costs microseconds: a run cannot have added more
    than what is missing there. Only where that is too much, somebody else may have done it, so the files below the
    folders that changed since then are summed up. A file that was there before and was changed counts with all of its
    size; files elsewhere, and deleted ones that are still open, do not count.

    Args:
        roots: the workspace, and whatever else the run may write to.
        most: bytes that may be added.
        clock: seconds since the epoch.
    """

    def __init__(self, roots: Sequence[Path], most: int, clock: Callable[[], float] = time.time) -> None:
        self._roots = tuple(roots)
        self._most = most
        self._free = _free(self._roots)
        self._since = clock()
        self._walk_at = 0.0

    def exceeded(self) -> str:
        """As `disk_limit: 190 MiB added on the disk, 50 MiB allowed`; empty if it is not."""
        now = _free(self._roots)
        missing = sum(max(0, free - now.get(system, 0)) for system, free in self._free.items())
        if missing <= self._most or time.monotonic() < self._walk_at:
            return ""
        begun = time.monotonic()
        added = sum(sum(_allocated(root, self._since - _TICK_S)) for root in self._roots)
        ended = time.monotonic()
        self._walk_at = ended + _COST * (ended - begun)
        if added <= self._most:
            return ""
        return f"disk_limit: {added // MIB} MiB added on the disk, {self._most // MIB} MiB allowed"


def _allocated(folder: Path, since: float) -> Iterator[int]:
    todo = [str(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        todo.append(entry.path)
                    elif status.st_ctime >= since:
                        yield status.st_blocks * _BLOCK
        except OSError:  # removed meanwhile, or not to be read
            continue


def _free(folders: Sequence[Path]) -> dict[int, int]:
    """Free bytes by file system; those of folders that are gone are left out."""
    found: dict[int, int] = {}
    for folder in folders:
        try:
            system, status = folder.stat().st_dev, os.statvfs(folder)
        except OSError:
            continue
        found[system] = status.f_bfree * status.f_frsize
    return found
