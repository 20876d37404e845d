"""Names and folders inside a directory that is already open: never out of it, never through a link."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from runner_env.errors import EvidenceError
from runner_env.formats.disk import create_temporary, shown, write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 1024 * 1024
"""Bytes copied at a time."""

FOLDER_OR_LINK = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FOLDER = FOLDER_OR_LINK | os.O_NOFOLLOW
PLAIN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opens a pipe too, but does not wait for its other end: ask `is_regular`."""

_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

T = TypeVar("T")


def parts_of(relative: str) -> tuple[str, ...]:
    """The names in a POSIX path that stays inside its directory.

    Raises:
        EvidenceError: `relative` is empty or absolute, or has an empty, `.` or `..` part or a NUL character.
    """
    parts = tuple(relative.split("/"))
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        hint = "Use a relative path of plain names, as in stages/rollout/stdout.txt."
        raise EvidenceError("evidence_name", f"{relative!r} cannot be the name of a stored file.", hint=hint)
    return parts


@contextmanager
def opened(path: str | os.PathLike[str], flags: int, dir_fd: int | None = None) -> Iterator[int]:
    """A descriptor of `path`, closed at the end. Raises `OSError`."""
    fd = os.open(path, flags, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def folder_at(base_fd: int, parts: tuple[str, ...], mode: int | None = None) -> Iterator[int]:
    """A descriptor of a folder below an open directory, closed at the end.

    Args:
        base_fd: the directory to start from.
        parts: the names down to the folder; none means the directory itself.
        mode: permission bits of folders made on the way; None makes no folder.

    Raises:
        EvidenceError: a name on the way is a link or is no folder.
        OSError: for anything else.
    """
    fd = os.dup(base_fd)
    try:
        for part in parts:
            inner = _step(fd, part, mode)
            os.close(fd)
            fd = inner
        yield fd
    finally:
        os.close(fd)


@contextmanager
def parent_at(base_fd: int, path: str, mode: int | None = None) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that a POSIX `path` lies in, and the last name of it; see `folder_at`."""
    *folders, name = path.split("/")
    with folder_at(base_fd, tuple(folders), mode) as fd:
        yield fd, name


def create_file(dir_fd: int, name: str, flags: int = 0, mode: int = 0o600) -> int:
    """A descriptor to read and write a file that did not exist. Raises `OSError`."""
    return os.open(name, _NEW_FILE | flags, mode, dir_fd=dir_fd)


def place(dir_fd: int, name: str, fill: Callable[[int], T], *, mode: int = 0o600, sync: bool = False) -> T:
    """Make a file that nobody ever sees half written and that replaces nothing.

    Args:
        dir_fd: its folder.
        name: its name.
        fill: writes to a descriptor; if it returns None, no file is made.
        mode: its permission bits.
        sync: whether it must be on the disk when this returns.

    Returns:
        What `fill` returned.

    Raises:
        OSError: the name is taken, or the disk would not take it; nothing is left behind.
    """
    temporary, fd = create_temporary(dir_fd, mode)
    try:
        try:
            result = fill(fd)
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        if result is not None:
            _name(dir_fd, temporary, name)
        if sync:
            os.fsync(dir_fd)
        return result
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=dir_fd)


def copy(source_fd: int, target_fd: int, limit: int | None = None) -> tuple[int, str] | None:
    """Copy a file from its first byte on.

    Args:
        source_fd: a regular file; its offset is not used.
        target_fd: where to write.
        limit: most bytes to copy, or None.

    Returns:
        Bytes copied and their SHA-256, or None if there were more than `limit` (`target_fd` then has a part of them).

    Raises:
        OSError: reading or writing failed.
    """
    digest = hashlib.sha256()
    size = 0
    while chunk := os.pread(source_fd, CHUNK, size):
        size += len(chunk)
        if limit is not None and size > limit:
            return None
        write_all(target_fd, chunk)
        digest.update(chunk)
    return size, digest.hexdigest()


def plain_bytes(path: str | os.PathLike[str], last: int | None = None) -> bytes:
    """What a regular file holds, or its last so many bytes; never waits, as a pipe in its place would have one wait.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    with opened(path, PLAIN_FILE) as fd:
        if not is_regular(fd):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        size = os.fstat(fd).st_size
        start = 0 if last is None else max(0, size - last)
        return os.pread(fd, size - start, start)


def is_regular(fd: int) -> bool:
    """Whether `fd` is a regular file, so that reading it ends and does not wait."""
    return stat.S_ISREG(os.fstat(fd).st_mode)


def _step(dir_fd: int, name: str, mode: int | None) -> int:
    try:
        try:
            return os.open(name, FOLDER, dir_fd=dir_fd)
        except FileNotFoundError:
            if mode is None:
                raise
        with suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=dir_fd)
        return os.open(name, FOLDER, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise _not_a_folder(dir_fd, name) from error
        raise


def _name(dir_fd: int, temporary: str, name: str) -> None:
    try:
        os.link(temporary, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP}:
            raise
        # No hard links on this file system: claim the name first, so that the rename replaces nothing but the claim.
        os.close(create_file(dir_fd, name))
        os.rename(temporary, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)


def _not_a_folder(dir_fd: int, name: str) -> EvidenceError:
    linked = stat.S_ISLNK(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode)
    kind = "a symbolic link, which could lead writes elsewhere" if linked else "not a folder"
    hint = "Remove it, or put a real folder in its place."
    return EvidenceError("evidence_link" if linked else "evidence_not_a_folder", f"{shown(name)} is {kind}.", hint=hint)
