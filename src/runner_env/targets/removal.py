"""Removing a directory that somebody may have made to be hard to remove: deep, without permissions, full of links."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_ROUNDS = 100_000


def remove_tree(path: Path) -> None:
    """Remove a directory and all that is in it; no link is followed, and a tree of any depth takes two descriptors.

    Raises:
        OSError: it cannot be removed.
    """
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_at(parent, path.name)
    finally:
        os.close(parent)


def remove_at(parent: int, name: str) -> None:
    """Remove what is called `name` in an open directory, a directory with all that is in it.

    Raises:
        FileNotFoundError: nothing is.
        OSError: it cannot be removed.
    """
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
        return
    top = _opened(parent, name)
    try:
        for _ in range(_MOST_ROUNDS):
            if not _thinned(top):
                break
        else:
            raise OSError(errno.ENOTEMPTY, "something keeps writing into it", name)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def _thinned(top: int) -> bool:
    """Remove the upper level of a directory, lifting what is two levels down by one; whether anything was there."""
    names = _names(top)
    for name in names:
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
                _lift(top, name)
            else:
                os.unlink(name, dir_fd=top)
    return bool(names)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as listing:
        return [entry.name for entry in listing]


def _lift(top: int, name: str) -> None:
    folder = _opened(top, name)
    try:
        for inner in _names(folder):
            if stat.S_ISDIR(os.stat(inner, dir_fd=folder, follow_symlinks=False).st_mode):
                os.close(_opened(folder, inner))  # a directory that may not be written cannot be moved either
                os.rename(inner, secrets.token_hex(16), src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _opened(parent: int, name: str) -> int:
    """A directory opened with every permission of its owner, given back to it if they were taken away."""
    place = os.open(name, _PLACE, dir_fd=parent)
    try:
        if os.fstat(place).st_mode & 0o700 != 0o700:
            Path(f"/proc/self/fd/{place}").chmod(0o700)
        return os.open(name, _FOLDER, dir_fd=parent)
    finally:
        os.close(place)
