"""Temporary directories that say for themselves whether somebody still works in them: by a held `flock`."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.targets.removal import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def held_directory(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new directory, held until it is removed at the end.

    Args:
        prefix: what its name begins with.
        parent: where it is made; None is the system's place for temporary files.

    Raises:
        OSError: it cannot be made.
    """
    path, fd = _make(prefix, parent)
    try:
        yield path
    finally:
        with suppress(OSError):  # what is left says itself that nobody holds it
            remove_tree(path)
        os.close(fd)


def abandoned(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """The directories of this user that nobody holds any more; their makers were lost."""
    folder = parent or Path(tempfile.gettempdir())
    for path in sorted(folder.glob(f"{prefix}*")) if folder.is_dir() else ():
        fd = _free(path)
        if fd is not None:
            os.close(fd)
            yield path


def remove_abandoned(path: Path) -> bool:
    """Remove a directory that nobody holds; returns whether it was so."""
    fd = _free(path)
    if fd is None:
        return False
    try:
        with suppress(OSError):  # what is left says itself that nobody holds it
            remove_tree(path)
    finally:
        os.close(fd)
    return True


def _make(prefix: str, parent: Path | None) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            fd = os.open(path, _FOLDER)
        except FileNotFoundError:  # taken for abandoned before it could be held
            continue
        fcntl.flock(fd, fcntl.LOCK_SH)
        if os.fstat(fd).st_nlink and path.exists():
            return path, fd
        os.close(fd)


def _free(path: Path) -> int | None:
    """A descriptor that holds the directory; None if it is not ours, or somebody holds it."""
    try:
        fd = os.open(path, _FOLDER)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_uid == os.getuid():
            return fd
    except OSError:
        pass
    os.close(fd)
    return None
