"""Paths that must not leave a directory, whatever links a stage plants and however fast it swaps them.

Nothing here checks a path and then uses it: every step is taken from the descriptor of the step before. On Linux one
`openat2(RESOLVE_BENEATH)` does it in the kernel; where that is missing, or refuses, a walk with `O_NOFOLLOW` does the
same and names the link at fault. See openat2(2) and, for the system call's number, the kernel's `syscall_64.tbl`.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runner_env.core import Where
from runner_env.errors import TargetError, TargetNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["InsideWalk", "kind_of", "open_inside", "resolve_inside", "shown"]

_MAX_LINKS = 40
_MAX_SHOWN = 300
_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFDIR: "a directory",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFREG: "a regular file",
}


def shown(path: str) -> str:
    """`path` for a person: control characters and bytes that are not UTF-8 escaped, at most 300 characters."""
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in path)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def kind_of(mode: int) -> str:
    """What `st_mode` says a thing is, with its article, as in `a FIFO`."""
    return _KINDS.get(stat.S_IFMT(mode), "of unknown kind")


def resolve_inside(root: Path, relative: str) -> Path:
    """The real path of a directory under `root`, links resolved; for working directories.

    Args:
        root: the directory that must not be left.
        relative: a path relative to it, or an absolute one that lies under it; `.` and the empty string are `root`.

    Raises:
        TargetError: `path_outside` (the message names the link that leaves), `path_not_directory`, `path_invalid`.
        TargetNotFound: `path_missing`.
    """
    with InsideWalk(root) as walk:
        walk.enter(relative)
        return walk.here


def open_inside(root: Path, relative_or_absolute: str) -> int:
    """Open a regular file under `root` for reading; never waits, never follows a link out.

    Links that stay inside are followed, also while somebody swaps them: what is opened was inside at that moment.

    Args:
        root: the directory that must not be left.
        relative_or_absolute: a path relative to it, or an absolute one that lies under it.

    Returns:
        A descriptor of a regular file, close-on-exec, at offset 0. The caller closes it.

    Raises:
        TargetError: `path_outside`, `path_not_regular` (directory, FIFO, socket, device), `path_unreadable`,
            `path_invalid` (a NUL, too long, too many links).
        TargetNotFound: `path_missing`.
    """
    with InsideWalk(root) as walk:
        relative = walk.relative(relative_or_absolute)
        fd = _openat2(walk.fd, relative)
        if fd is None:
            # Whatever openat2 disliked, the walk finds it again and can say which part of the path it was.
            name = walk.to(relative_or_absolute)
            return walk.open_regular(name, relative_or_absolute)
    return _only_regular(fd, relative_or_absolute)


@dataclass
class InsideWalk:
    """A walk along a path, with one held descriptor for each directory, never above `root`. A context manager.

    Attributes:
        root: the directory that must not be left.
    """

    root: Path
    _real: str = field(init=False, default="")
    _fds: list[int] = field(init=False, default_factory=list)
    _names: list[str] = field(init=False, default_factory=list)

    def __enter__(self) -> Self:
        self._real = os.path.realpath(self.root)
        try:
            self._fds.append(os.open(self._real, _DIRECTORY))
        except OSError as error:
            raise _trouble(error, str(self.root)) from error
        return self

    def __exit__(self, *_: object) -> None:
        while self._fds:
            os.close(self._fds.pop())

    @property
    def fd(self) -> int:
        """The directory that was reached; valid inside the `with` block."""
        return self._fds[-1]

    @property
    def here(self) -> Path:
        """Its path, free of links."""
        return Path(self._real, *self._names)

    def relative(self, path: str) -> str:
        """`path` as one relative to the root, not yet walked.

        Raises:
            TargetError: `path_outside` for an absolute path elsewhere, `path_invalid`.
        """
        try:
            os.fsencode(path)
        except UnicodeEncodeError as error:
            raise TargetError("path_invalid", f"`{shown(path)}` cannot be a file name.") from error
        if "\0" in path:
            raise TargetError("path_invalid", f"`{shown(path)}` has a NUL character.")
        if not path.startswith("/"):
            return path
        inside = self._under_root(path)
        if inside is None:
            raise _outside(path, f"`{shown(path)}` is not under `{shown(self._real)}`.")
        return inside

    def to(self, path: str, *, follow_last: bool = True) -> str:
        """Walk from the root to the directory that holds the last part of `path`.

        Args:
            path: relative to the root, or absolute and under it.
            follow_last: whether a link in the last place is followed too.

        Returns:
            The last part, to be used with `fd`; need not exist. Empty if the path is the directory `fd` itself.

        Raises:
            TargetError: `path_outside`, `path_not_directory`, `path_invalid`, `path_unreadable`.
            TargetNotFound: `path_missing`, for a part that is not the last.
        """
        pending = _parts(self.relative(path))
        self._restart()
        links = 0
        while pending:
            name = pending.pop()
            if name == "..":
                self._up(path)
                continue
            target = self._readlink(name, path) if pending or follow_last else None
            if target is not None:
                links += 1
                if links > _MAX_LINKS:
                    raise TargetError("path_invalid", f"`{shown(path)}` leads through more than {_MAX_LINKS} links.")
                pending += self._parts_of_link(name, target, path)
            elif pending:
                self._down(name, path)
            else:
                return name
        return ""

    def enter(self, path: str) -> None:
        """Walk to `path` itself, which must be a directory; errors as in `to`, and `path_missing`."""
        while (name := self.to(path)) and not self._try_down(name, path):
            pass  # It became a link since: walk again.

    def name_of(self, name: str) -> str:
        """The path of `name` in `fd`, relative to the root, POSIX."""
        return "/".join([*self._names, name])

    def open_regular(self, name: str, path: str) -> int:
        """Open the regular file `name` in `fd`, never a link; `path` is for messages. Errors as in `open_inside`."""
        try:
            # Looked at first, because to open a device can already have an effect; the descriptor is what decides.
            mode = os.stat(name or ".", dir_fd=self.fd, follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode):
                raise _not_regular(path, mode)
            fd = os.open(name, _READ | os.O_NOFOLLOW, dir_fd=self.fd)
        except OSError as error:
            raise _trouble(error, path) from error
        return _only_regular(fd, path)

    def _under_root(self, path: str) -> str | None:
        for candidate in (path, os.path.realpath(path)):
            for base in (self._real, os.path.abspath(self.root)):  # noqa: PTH100 - Path.absolute keeps `..`
                if candidate == base or candidate.startswith(base.rstrip("/") + "/"):
                    return candidate[len(base) :].lstrip("/")
        return None

    def _readlink(self, name: str, path: str) -> str | None:
        try:
            return os.readlink(name, dir_fd=self.fd)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise _trouble(error, path) from error

    def _parts_of_link(self, name: str, target: str, path: str) -> list[str]:
        link = self.name_of(name)
        inside: str | None = target
        if target.startswith("/"):
            inside = self._under_root(target)
            self._restart()
        parts = None if inside is None else _parts(inside)
        if parts is None or _climb(parts) > len(self._names):
            message = f"`{shown(path)}` leaves `{shown(self._real)}`: `{shown(link)}` is a link to `{shown(target)}`."
            raise _outside(link, message)
        return parts

    def _restart(self) -> None:
        del self._names[:]
        while len(self._fds) > 1:
            os.close(self._fds.pop())

    def _up(self, path: str) -> None:
        if len(self._fds) == 1:
            raise _outside(path, f"`{shown(path)}` leaves `{shown(self._real)}` upwards.")
        os.close(self._fds.pop())
        self._names.pop()

    def _down(self, name: str, path: str) -> None:
        if not self._try_down(name, path):
            raise TargetError("path_invalid", f"`{shown(path)}` changed while it was followed.")

    def _try_down(self, name: str, path: str) -> bool:
        try:
            self._fds.append(os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=self.fd))
        except OSError as error:
            if error.errno == errno.ELOOP or self._became_link(name):
                return False
            raise _trouble(error, path) from error
        self._names.append(name)
        return True

    def _became_link(self, name: str) -> bool:
        try:
            return stat.S_ISLNK(os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mode)
        except OSError:
            return False


def _parts(path: str) -> list[str]:
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _climb(parts: list[str]) -> int:
    """How far a reversed list of parts rises above its start at most."""
    depth = lowest = 0
    for part in reversed(parts):
        depth += -1 if part == ".." else 1
        lowest = min(lowest, depth)
    return -lowest


def _only_regular(fd: int, path: str) -> int:
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    raise _not_regular(path, mode)


def _not_regular(path: str, mode: int) -> TargetError:
    return TargetError(
        "path_not_regular",
        f"`{shown(path)}` is {kind_of(mode)}, not a regular file.",
        where=Where(shown(path)),
        hint="let the stage write a plain file there",
    )


def _outside(at: str, message: str) -> TargetError:
    return TargetError("path_outside", message, where=Where(shown(at)), hint="name a path inside the repository")


def _trouble(error: OSError, path: str) -> TargetError:
    where = Where(shown(path))
    if error.errno == errno.ENOENT:
        return TargetNotFound("path_missing", f"`{shown(path)}` does not exist.", where=where)
    if error.errno == errno.ENOTDIR:
        return TargetError("path_not_directory", f"A part of `{shown(path)}` is not a directory.", where=where)
    if error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL):
        return TargetError("path_invalid", f"`{shown(path)}` cannot be followed: {error.strerror}.", where=where)
    return TargetError("path_unreadable", f"`{shown(path)}` cannot be opened: {error.strerror}.", where=where)


def _openat2(directory: int, relative: str) -> int | None:
    """One attempt by the kernel; None means: not possible this way, for whatever reason."""
    call = _openat2_call()
    return call(directory, relative) if call and relative else None


@cache
def _openat2_call() -> Callable[[int, str], int | None] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    class OpenHow(ctypes.Structure):
        """`struct open_how` of linux/openat2.h."""

        _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))

    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    how = OpenHow(_READ, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)

    def call(directory: int, relative: str) -> int | None:
        path = ctypes.c_char_p(os.fsencode(relative))
        size = ctypes.c_size_t(ctypes.sizeof(how))
        number, at = ctypes.c_long(_OPENAT2), ctypes.c_long(directory)
        fd = int(syscall(number, at, path, ctypes.byref(how), size))
        return fd if fd >= 0 else None

    return call
