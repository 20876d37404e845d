"""Files of a repository read within bounds: nothing outside it, nothing huge, nothing that is not a file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 400_000
_MOST_ENTRIES = 2_000


def read_text(root: Path, name: str, most: int = _MOST_BYTES) -> str | None:
    r"""The beginning of a file's text, line ends as `\n`; undecodable bytes become U+FFFD.

    Args:
        root: the repository.
        name: POSIX, relative to it.
        most: bytes that are read.

    Returns:
        None if it is no regular file inside the repository (a link may lead to one that is), or cannot be read.
    """
    path = root / name
    try:
        if _leaves(root, name):
            path = path.resolve(strict=True)
            if not path.is_relative_to(root.resolve()):
                return None
        # a FIFO would block until somebody writes
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(most)
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle
        return None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")


def list_folder(root: Path, name: str = "") -> tuple[list[str], list[str]]:
    """The sorted names of the files and of the folders in a folder of the repository, at most 2 000 in all.

    Links to folders are left out, links to files are not. A folder that cannot be read is empty.
    """
    files: list[str] = []
    folders: list[str] = []
    if name and _leaves(root, name):
        return files, folders
    try:
        with os.scandir(f"{root}/{name}") as entries:
            for number, entry in enumerate(entries):
                if number >= _MOST_ENTRIES:
                    break
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif not (entry.is_symlink() and entry.is_dir()):
                    files.append(entry.name)
    except (OSError, ValueError):
        pass
    return sorted(files), sorted(folders)


def exists(root: Path, name: str) -> bool:
    """Whether something is at a path that a command names, if that path is one inside the repository."""
    if not name or len(name) > 1000 or name.startswith(("/", "~")) or ".." in name.split("/"):
        return False
    try:
        return os.path.exists(f"{root}/{name}")  # noqa: PTH110 - is asked hundreds of times
    except ValueError:
        return False


def _leaves(root: Path, name: str) -> bool:
    """Whether a folder on the way to `name`, or `name` itself, is a link, or goes up."""
    at = str(root)
    for part in name.split("/"):
        at = f"{at}/{part}"
        if part == ".." or os.path.islink(at):  # noqa: PTH114 - is asked for every file
            return True
    return False
