"""Writing to a disk that may be full, and saying so in one way."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner_env.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers that mean: no more bytes may be written here."""

TEMPORARY_PREFIX = ".unfinished-"
"""How a file is called until it is whole; a crash may leave such a file behind, and nothing reads it."""

_NEW = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def shown(path: str | os.PathLike[str]) -> str:
    """`path` as printable UTF-8 text, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def disk_error(action: str, path: str | os.PathLike[str], error: OSError) -> EvidenceError:
    """What a failed system call means for the evidence.

    Args:
        action: what was attempted, as in `write`.
        path: the file it was attempted on.
        error: what the system said.
    """
    if error.errno in FULL:
        code, hint = "evidence_disk_full", "Free some space there; everything recorded earlier stays readable."
    elif error.errno == errno.EEXIST:
        code, hint = "evidence_exists", "Nothing that was recorded is ever overwritten; use another name or a new run."
    else:
        code, hint = "evidence_io", "Check that the directory exists, belongs to you and is on a healthy disk."
    reason = error.strerror or str(error)
    return EvidenceError(code, f"cannot {action} {shown(path)}: {reason}.", hint=hint)


@contextmanager
def on_disk(action: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn any `OSError` of the body into the `EvidenceError` that `disk_error` makes of it."""
    try:
        yield
    except EvidenceError:
        raise
    except OSError as error:
        raise disk_error(action, path, error) from error


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte of `data`; a single `write` may take fewer. Raises `OSError`."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def create_temporary(dir_fd: int, mode: int = 0o600) -> tuple[str, int]:
    """A new file of an unpredictable name in an open directory: its name and a descriptor. Raises `OSError`."""
    name = TEMPORARY_PREFIX + secrets.token_hex(8)
    return name, os.open(name, _NEW | os.O_WRONLY, mode, dir_fd=dir_fd)


def write_atomic(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a reader, even after a crash, finds the old file or the new one, never half of it.

    A link at `path` is replaced, not followed. The file gets mode 0600.

    Raises:
        EvidenceError: the disk would not take it; `path` is as it was.
    """
    with on_disk("write", path):
        dir_fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            replace_at(dir_fd, path.name, data)
            os.fsync(dir_fd)
        finally:
            os.close(dir_fd)


def replace_at(dir_fd: int, name: str, data: bytes, mode: int | None = None) -> None:
    """Put `data` at `name` in an open directory, as `write_atomic` does at a path; the directory itself is not synced.

    Args:
        dir_fd: the directory.
        name: a plain name in it.
        data: the whole content.
        mode: permission bits of the file, whatever the umask; None leaves 0600.

    Raises:
        OSError: the disk would not take it; what was at `name` is still there.
    """
    temporary, fd = create_temporary(dir_fd)
    try:
        try:
            write_all(fd, data)
            if mode is not None:
                os.fchmod(fd, mode)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except BaseException:
        os.unlink(temporary, dir_fd=dir_fd)
        raise
