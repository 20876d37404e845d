"""Who descends from a process, and the end of all of them. Used in the keeper, in minders and on the host."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable
else:
    import _signal as signal

PATIENCE_S = 10.0
"""How long killed processes may take to be gone before they count as unendable (uninterruptible, another user's)."""


class Death:
    """One reaped child: `code` as `subprocess` has it (-n for signal n); processor seconds; peak memory in KiB."""

    __slots__ = ("code", "cpu_s", "max_rss_kib", "pid")

    def __init__(self, pid: int, code: int, cpu_s: float, max_rss_kib: int) -> None:
        self.pid = pid
        self.code = code
        self.cpu_s = cpu_s
        self.max_rss_kib = max_rss_kib


def reap() -> tuple[list[Death], bool]:
    """Collect every child that has ended, without waiting.

    Returns:
        The deaths, and whether any child is left.
    """
    deaths: list[Death] = []
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return deaths, False
        if pid == 0:
            return deaths, True
        cpu_s = usage.ru_utime + usage.ru_stime
        deaths.append(Death(pid, os.waitstatus_to_exitcode(status), cpu_s, usage.ru_maxrss))


def descendants(root: int) -> list[int]:
    """Every process below `root`, parents first; zombies among them."""
    children_of = _listed_children if _kernel_lists_children() else _scanned_children()
    found: list[int] = []
    todo = [root]
    while todo:
        fresh = children_of(todo.pop())
        found += fresh
        todo += fresh
    return found


def living(pids: Iterable[int]) -> list[int]:
    """Those of `pids` that still run (a zombie does not)."""
    return [pid for pid in pids if _stat(pid)[0] not in b"ZX"]


def signal_each(pids: Iterable[int], number: int) -> None:
    """Send a signal to each; who is gone or out of reach is left out."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def some_left() -> bool:
    """Collect every child that has ended; whether any other is left."""
    return reap()[1]


def end_children(pause: Callable[[float], object], some_left: Callable[[], bool] = some_left) -> tuple[int, bool]:
    """Kill every descendant of this process (a subreaper) until the kernel says that no child is left.

    Args:
        pause: waits for at most so many seconds, or until a child ends.
        some_left: reaps, and says whether a child is left.

    Returns:
        How many processes were killed, and whether all are gone.
    """
    killed: set[int] = set()
    deadline = time.monotonic() + PATIENCE_S
    while some_left():
        victims = living(descendants(os.getpid()))
        signal_each(victims, signal.SIGKILL)
        # who is new may have children that this round did not see: look again at once
        if killed.issuperset(victims):
            pause(0.01)
        killed.update(victims)
        if time.monotonic() > deadline:
            return len(killed), False
    return len(killed), True


def _kernel_lists_children() -> bool:
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # noqa: PTH110 - pathlib is slow to load


def _listed_children(pid: int) -> list[int]:
    """Children by thread (proc_pid_task_children(5)); a process that is gone has none."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - pathlib is slow to load
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123 - pathlib is slow to load
                found += map(int, file.read().split())
        except OSError:
            continue
    return found


def _scanned_children() -> Callable[[int], list[int]]:
    table: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib is slow to load
        if name.isdigit():
            table.setdefault(_stat(int(name))[1], []).append(int(name))
    return lambda pid: table.get(pid, [])


def _stat(pid: int) -> tuple[bytes, int]:
    """State and parent of a process (proc_pid_stat(5)); `X` and -1 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib is slow to load
            fields = file.read().rpartition(b") ")[2].split()
    except OSError:
        return b"X", -1
    return (fields[0], int(fields[1])) if fields else (b"X", -1)
