"""Answers the listener of a command's filter, and tells which programs run: each call waits while it is looked at.

Every call goes on as if nobody had asked. Judge by `image`, never by `exec`: what a program asks to execute may still
be changed by another of its threads, or fail; `image` is noted when the new program's C library starts up
(set_tid_address), and `/proc/PID/exe` then is what the kernel runs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct

from runner_env.guest.memory import Memory
from runner_env.guest.seccomp import BY_ARCH, OPEN_FOR_WRITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner_env.guest.events import EventLog

_RECEIVE, _SEND, _SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082104
_CONTINUE, _SYNC_WAKE_UP = 1, 1
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_BURST = 64
_MOST_BYTES = 64 << 10
_FORKED_NO_EXEC = 0x40
_AT_FDCWD = 0xFFFFFF9C
_PATHS: dict[str, tuple[tuple[int | None, int], ...]] = {
    "open": ((None, 0),),
    "openat": ((0, 1),),
    "creat": ((None, 0),),
    "openat2": ((0, 1),),
    "rename": ((None, 0), (None, 1)),
    "renameat": ((0, 1), (2, 3)),
    "renameat2": ((0, 1), (2, 3)),
    "link": ((None, 0), (None, 1)),
    "linkat": ((0, 1), (2, 3)),
    "truncate": ((None, 0),),
    "truncate64": ((None, 0),),
}
"""For each call the arguments that hold a directory (None: the working directory) and a path in it."""


class Tracer:
    """Serves one listener.

    Args:
        listener: its descriptor; closed when no process is left, or by `close`.
        log: takes the events.
        root: only writes below this directory are told; empty: all.
        starting: whether the command is still to be spawned by another thread of this process.

    Attributes:
        open: whether it listens.
        starting: as above; whoever waits for that thread says when it is over.
    """

    def __init__(self, listener: int, log: EventLog, root: bytes = b"", *, starting: bool = False) -> None:
        self.open = True
        self.starting = starting
        self._listener = listener
        self._log = log
        self._root = root
        self._stacks: dict[int, bytes] = {}
        self._asked: dict[int, bytes] = {}
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)
        try:
            fcntl.ioctl(listener, _SET_FLAGS, _SYNC_WAKE_UP)  # Linux 6.6: wake the caller on this processor
        except OSError:
            return

    def fileno(self) -> int:
        """The descriptor to poll before `serve`."""
        return self._listener

    def serve(self) -> None:
        """Answer calls that wait.

        Raises:
            OSError: the listener does not work any more: from now on the command's calls fail.
        """
        for _ in range(_BURST):
            ready = self._poll.poll(0)
            if not ready:
                return
            if not ready[0][1] & select.POLLIN:
                self.close()
                return
            self._answer()

    def close(self) -> None:
        """Stop listening: whoever asks from now on is refused (ENOSYS). Idempotent."""
        if self.open:
            self.open = False
            os.close(self._listener)

    def _answer(self) -> None:
        notification = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, notification)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):  # the caller was killed before
                return
            raise
        ident, tid, _, number, arch, _, *arguments = _NOTIFICATION.unpack(notification)
        try:
            event = self._describe(tid, arch, number, arguments)
        except (OSError, ValueError, IndexError, OverflowError) as error:
            event = ("unread", tid, 0, str(error))
        try:
            fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(ident, 0, 0, _CONTINUE))
        except OSError as error:
            if error.errno == errno.ENOENT:  # killed meanwhile: what was read may be about another process
                return
            raise
        if event is not None:
            self._log.put(*event)

    def _describe(self, tid: int, arch: int, number: int, arguments: list[int]) -> tuple | None:  # type: ignore[type-arg]
        abi = BY_ARCH[arch]
        call, proc = abi.name_of[number], f"/proc/{tid}"
        if abi.pointer == 4:
            arguments = [argument & 0xFFFFFFFF for argument in arguments]
        pid, parent = _family(proc)
        who: int | str = tid
        if self.starting and parent == os.getpid() and _has_not_executed(proc):
            if call == "exit_group":  # nothing could be executed: that is said elsewhere
                return None
            who, proc = "self", "/proc/self"  # it runs in this process's memory, which is out of reach by its own name
        if call == "set_tid_address":
            return self._image(proc, pid, parent)
        if call == "exit_group":
            return self._exit(proc, pid, parent, arguments[0] & 255)
        with Memory(who, _MOST_BYTES) as memory:
            if call in ("execve", "execveat"):
                event = _exec(memory, proc, (pid, parent), call, arguments, abi.pointer)
                if event is not None:
                    self._asked[pid] = event[5]
                return event
            return self._write(memory, proc, (pid, parent), call, arguments)

    def _image(self, proc: str, pid: int, parent: int) -> tuple:  # type: ignore[type-arg]
        """A program that has just begun; one that pretends to has not executed anything, or has the old stack."""
        stack = _stat(proc)[25]
        fresh = not _has_not_executed(proc) and self._stacks.get(pid) != stack
        self._stacks[pid] = stack
        if fresh:
            self._asked.pop(pid, None)
        return ("image" if fresh else "forged", pid, parent, *_shown(proc))

    def _exit(self, proc: str, pid: int, parent: int, code: int) -> tuple:  # type: ignore[type-arg]
        self._stacks.pop(pid, None)
        program, before = _link(f"{proc}/exe"), self._asked.pop(pid, None)
        if before is not None and before != program:  # it began without a C library, which would have told
            self._log.put("image", pid, parent, *_shown(proc))
        children = _slurp(f"{proc}/task/{pid}/children").split()
        return ("exit", pid, parent, code, program, *children)

    def _write(
        self, memory: Memory, proc: str, family: tuple[int, int], call: str, arguments: list[int]
    ) -> tuple | None:  # type: ignore[type-arg]
        paths = [
            _path(proc, None if folder is None else arguments[folder], memory.text(arguments[path]))
            for folder, path in _PATHS[call]
        ]
        if call == "openat2":  # its flags lie in memory, out of the filter's sight
            flags = int.from_bytes(memory.read(arguments[2], 8), "little")
            if not flags & OPEN_FOR_WRITING:
                return None
        if self._root and not any(path == self._root or path.startswith(self._root + b"/") for path in paths):
            return None
        return ("write", *family, call, _link(f"{proc}/exe"), *paths)


def _shown(proc: str) -> list[bytes]:
    """What the kernel runs, whether its arguments are cut, and those."""
    line = _slurp(f"{proc}/cmdline")
    return [_link(f"{proc}/exe"), b"1" if len(line) == _MOST_BYTES else b"0", *line.split(b"\0")[:-1]]


def _exec(
    memory: Memory, proc: str, family: tuple[int, int], call: str, arguments: list[int], pointer: int
) -> tuple | None:  # type: ignore[type-arg]
    folder = arguments[0] if call == "execveat" else None
    place, vector = arguments[1:3] if call == "execveat" else arguments[:2]
    asked = memory.text(place)
    path = _path(proc, folder, asked)
    if asked and not os.path.lexists(os.fsencode(f"{proc}/root") + path):  # a search through PATH: most attempts
        return None
    argv = memory.texts(vector, pointer)
    by, cwd = _link(f"{proc}/exe"), _link(f"{proc}/cwd")
    return ("exec", *family, path, cwd, by, int(memory.cut), *argv)


def _stat(proc: str) -> list[bytes]:
    """The words of proc_pid_stat(5) after the name."""
    return _slurp(f"{proc}/stat").rpartition(b")")[2].split()


def _has_not_executed(proc: str) -> bool:
    """Whether it is what it was forked as."""
    return bool(int(_stat(proc)[6]) & _FORKED_NO_EXEC)


def _family(proc: str) -> tuple[int, int]:
    """Process and parent of a thread (proc_pid_status(5))."""
    status = _slurp(f"{proc}/status")
    group, parent = (status.index(name) + len(name) for name in (b"\nTgid:\t", b"\nPPid:\t"))
    return int(status[group:].split(None, 1)[0]), int(status[parent:].split(None, 1)[0])


def _path(proc: str, folder: int | None, path: bytes) -> bytes:
    """A path as the caller sees it, absolute, its links not resolved."""
    if path.startswith(b"/"):
        return os.path.normpath(path)
    low = None if folder is None else folder & 0xFFFFFFFF
    base = _link(f"{proc}/cwd") if low in (None, _AT_FDCWD) else _link(f"{proc}/fd/{low}")
    return os.path.normpath(base + b"/" + path) if path else base


def _link(path: str) -> bytes:
    try:
        return os.readlink(os.fsencode(path))  # noqa: PTH115 - bytes
    except OSError:  # the process is gone, or out of sight
        return b""


def _slurp(path: str) -> bytes:
    """The beginning of a file of /proc; nothing if the process is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _MOST_BYTES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
