"""Putting a copy back as it was where an agent changed what it must not, whatever links it planted there."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from runner_env.errors import EvidenceError
from runner_env.evidence.places import CHUNK, create_file, folder_at, opened
from runner_env.formats.disk import write_all
from runner_env.targets.inside import open_inside
from runner_env.targets.removal import remove_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from runner_env.authoring.tree import Entry

ROOT = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def remove(root: Path, paths: Iterable[str]) -> None:
    """Remove what is at each path, a whole folder too; every step is taken from an open directory.

    Raises:
        OSError: it cannot be removed.
    """
    with opened(root, ROOT) as base:
        for path in paths:
            *folders, name = path.split("/")
            # A folder on the way that is none any more, or was removed before, has nothing in it.
            with suppress(FileNotFoundError, EvidenceError), folder_at(base, tuple(folders)) as fd:
                remove_at(fd, name)


def make(root: Path, before: Mapping[str, Entry], source: Path, contents: Mapping[str, bytes]) -> None:
    """Make anew what is not there any more.

    Args:
        root: the copy.
        before: what to make, by path.
        source: where the content of files comes from.
        contents: the content of those files that are not from there.

    Raises:
        OSError: it cannot be made.
    """
    with opened(root, ROOT) as base:
        for path, entry in sorted(before.items()):
            *folders, name = path.split("/")
            with folder_at(base, tuple(folders), 0o755) as fd:
                if entry.is_folder:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o755, dir_fd=fd)
                elif entry.target:
                    os.symlink(entry.target, name, dir_fd=fd)
                else:
                    _file(fd, name, entry, contents.get(path, (source, path)))


def _file(fd: int, name: str, entry: Entry, content: bytes | tuple[Path, str]) -> None:
    target = create_file(fd, name)
    try:
        if isinstance(content, bytes):
            write_all(target, content)
        else:
            _pour(open_inside(*content), target)
        os.fchmod(target, stat.S_IMODE(entry.mode))
    finally:
        os.close(target)


def _pour(source: int, target: int) -> None:
    try:
        while chunk := os.read(source, CHUNK):
            write_all(target, chunk)
    finally:
        os.close(source)
