"""Putting a copy back as it was where an agent changed what it must not, whatever links it planted there."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from runner_env.errors import EvidenceError
from runner_env.evidence.places import FOLDER_OR_LINK, create_file, opened, parent_at
from runner_env.targets.inside import open_inside
from runner_env.targets.removal import remove_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from runner_env.authoring.tree import Entry


def remove(root: Path, paths: Iterable[str]) -> None:
    """Remove what is at each path, a whole folder too; every step is taken from an open directory.

    Raises:
        OSError: it cannot be removed.
    """
    with opened(root, FOLDER_OR_LINK) as base:
        for path in paths:
            # A folder on the way that is none any more, or was removed before, has nothing in it.
            with suppress(FileNotFoundError, EvidenceError), parent_at(base, path) as (fd, name):
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
    with opened(root, FOLDER_OR_LINK) as base:
        for path, entry in sorted(before.items()):
            with parent_at(base, path, 0o755) as (fd, name):
                if entry.is_folder:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o755, dir_fd=fd)
                elif entry.target:
                    os.symlink(entry.target, name, dir_fd=fd)
                else:
                    _file(fd, name, entry, contents.get(path, (source, path)))


def _file(fd: int, name: str, entry: Entry, content: bytes | tuple[Path, str]) -> None:
    with os.fdopen(create_file(fd, name), "wb") as target:
        if isinstance(content, bytes):
            target.write(content)
        else:
            with os.fdopen(open_inside(*content), "rb") as source:
                shutil.copyfileobj(source, target)
        target.flush()  # what is written later could take permission bits away
        os.fchmod(target.fileno(), stat.S_IMODE(entry.mode))
