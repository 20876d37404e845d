"""What a command and all it started use, looked at a few times a second, where the kernel does not bound it."""

from __future__ import annotations

import os
import resource
import time

from runner_env.guest import tree

_EVERY_S, _CLOSE_S = 0.25, 0.05
_COST = 20
"""Looking takes at most one part in so many of the time."""

_FIRST = 1
"""The keeper of a box with namespaces of its own, shared memory included."""

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
        self._own_shared = os.getppid() == _FIRST
        self._shared_before = self._shared()
        self.due = time.monotonic() + _EVERY_S if memory or processes else float("inf")

    def excess(self) -> str:
        """Which limit is exceeded, with the figures, as `memory_limit: 700 MiB in memory, 500 MiB allowed`; or ""."""
        begun = time.monotonic()
        below = tree.descendants(os.getpid())
        if self._files and max(map(_open_files, below), default=0) >= self._files:
            self.at_file_limit = f"open_files_limit: {self._files} open files in a process, {self._files} allowed"
        shared = max(0, self._shared() - self._shared_before)
        used = sum(map(_resident, below)) + shared if self._memory else 0
        reason = ""
        if self._processes and len(below) > self._processes:
            reason = f"process_limit: {len(below)} processes, {self._processes} allowed"
        elif used > self._memory:
            found = [_proportional(pid) for pid in below]
            used = sum(whole for whole, _ in found) + max(0, shared - sum(mapped for _, mapped in found))
            if used > self._memory:
                reason = f"memory_limit: {used // _MIB} MiB in memory, {self._memory // _MIB} MiB allowed"
        now = time.monotonic()
        close = 2 * used > self._memory or 2 * len(below) > self._processes
        self.due = now + max(_CLOSE_S if close else _EVERY_S, _COST * (now - begun))
        return reason

    def _shared(self) -> int:
        """Bytes in the shared memory of the box, if it has its own; others' is not for this run to answer for."""
        if not self._own_shared:
            return 0
        try:
            found = os.statvfs("/dev/shm")
        except OSError:
            return 0
        return (found.f_blocks - found.f_bfree) * found.f_frsize


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


def _proportional(pid: int) -> tuple[int, int]:
    """Bytes in memory, each shared page divided by those who share it, and how much of it is shared memory.

    See proc_pid_smaps_rollup(5).
    """
    found = {b"Pss:": 0, b"Pss_Shmem:": 0}
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123 - pathlib is slow to load
            for line in file:
                name, *rest = line.split()
                if name in found:
                    found[name] = int(rest[0]) << 10
    except ProcessLookupError:
        return 0, 0
    except OSError:  # an old kernel, or out of sight
        return _resident(pid), 0
    return found[b"Pss:"], found[b"Pss_Shmem:"]
