"""What a command and all it started use, looked at a few times a second, where the kernel does not bound it."""

from __future__ import annotations

import os
import resource
import time

from runner_env.guest import tree

_EVERY_S, _CLOSE_S = 0.25, 0.05
_COST = 20
"""Looking takes at most one part in so many of the time."""

_MIB = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """Looks at the descendants of this process.

    Args:
        memory: bytes that they may have in memory together, shared pages counted once; 0: any.
        processes: how many there may be at a time; 0: any.
        files: how many files each of them may have open, which the kernel sees to; 0: any.

    Attributes:
        due: when to look next, on the monotonic clock.
        at_file_limit: as `open_files_limit: 64 open files in a process, 64 allowed`, if one was seen there; or "".
    """

    def __init__(self, memory: int, processes: int, files: int = 0) -> None:
        self._memory = memory
        self._processes = processes
        self._files = files
        self.at_file_limit = ""
        self.due = time.monotonic() + _EVERY_S if memory or processes else float("inf")

    def excess(self) -> str:
        """Which limit is exceeded, with the figures, as `memory_limit: 700 MiB in memory, 500 MiB allowed`; or ""."""
        begun = time.monotonic()
        below = tree.descendants(os.getpid())
        if self._files and max(map(_open_files, below), default=0) >= self._files:
            self.at_file_limit = f"open_files_limit: {self._files} open files in a process, {self._files} allowed"
        used = sum(map(_resident, below)) if self._memory else 0
        reason = ""
        if self._processes and len(below) > self._processes:
            reason = f"process_limit: {len(below)} processes, {self._processes} allowed"
        elif used > self._memory:
            used = sum(map(_proportional, below))
            if used > self._memory:
                reason = f"memory_limit: {used // _MIB} MiB in memory, {self._memory // _MIB} MiB allowed"
        now = time.monotonic()
        close = 2 * used > self._memory or 2 * len(below) > self._processes
        self.due = now + max(_CLOSE_S if close else _EVERY_S, _COST * (now - begun))
        return reason


def bound_files(most: int) -> None:
    """Let this process and its descendants open at most so many files each; a lower bound stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = most if hard == resource.RLIM_INFINITY else min(hard, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if soft == resource.RLIM_INFINITY else min(soft, hard), hard))


def _open_files(pid: int) -> int:
    """How many files a process has open; 0 where the kernel does not say at once (before Linux 6.2)."""
    try:
        return os.stat(f"/proc/{pid}/fd").st_size  # noqa: PTH116 - pathlib is slow to load
    except OSError:
        return 0


def _resident(pid: int) -> int:
    """Bytes in memory, shared pages included (proc_pid_statm(5)): at least what `_proportional` says, and cheap."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - pathlib is slow to load
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    """Bytes in memory, each shared page divided by those who share it (proc_pid_smaps_rollup(5))."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123 - pathlib is slow to load
            return sum(int(line.split()[1]) << 10 for line in file if line.startswith(b"Pss:"))
    except ProcessLookupError:
        return 0
    except OSError:  # an old kernel, or out of sight
        return _resident(pid)
