"""What is below a directory at one moment, link for link: to tell what somebody changed in between.

A file counts as unchanged if inode, size, permissions and both times are: the time of the last change (`ctime`) is the
kernel's, nobody can set it. Nothing here follows a link.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MOST_ENTRIES = 400_000

MOST_LEVELS = 100
"""A folder that lies deeper counts as empty."""

_PASSED_OVER = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG))
"""Gone since it was listed, or at no place that a path could name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name.

    Attributes:
        mode: kind and permissions, as `st_mode`.
        size: bytes.
        links: names that the file has.
        target: where a symbolic link leads, as it is written.
        stamp: equal as long as nobody changed it.
    """

    mode: int
    size: int
    links: int
    target: str
    stamp: tuple[int, ...]

    @property
    def is_folder(self) -> bool:
        """Whether it is a real directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)


class TooManyEntries(TargetError):
    """There is more below a directory than anybody can look through; its code is `too_many_files`."""

    def __init__(self, root: Path) -> None:
        message = f"There are more than {MOST_ENTRIES} files below {os.fspath(root)!r}."
        super().__init__("too_many_files", message, hint="Remove what does not belong there.")


def entries(root: Path, skip: Callable[[str], bool]) -> Mapping[str, Entry]:
    """Everything below `root`.

    Args:
        root: the directory.
        skip: leaves out what is at a path, and all below it.

    Returns:
        POSIX path relative to `root` (undecodable bytes as surrogates) to entry.

    Raises:
        TooManyEntries: there are over 400,000.
        OSError: a directory cannot be read.
    """
    found: dict[str, Entry] = {}
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as listing:
                inside = list(listing)
        except OSError as error:
            if not folder or error.errno not in _PASSED_OVER:
                raise
            continue
        for item in inside:
            path = f"{folder}/{item.name}" if folder else item.name
            if skip(path):
                continue
            entry = entry_at(item)
            if entry is None:
                continue
            found[path] = entry
            if entry.is_folder and path.count("/") < MOST_LEVELS:
                pending.append(path)
            if len(found) > MOST_ENTRIES:
                raise TooManyEntries(root)
    return found


def changed(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> list[str]:
    """The paths of what differs, a directory right before what is in it.

    A directory differs if it came, went, or has other permissions.
    """
    paths = before.keys() | after.keys()
    found = (path for path in paths if not _same(before.get(path), after.get(path)))
    return sorted(found, key=lambda path: path.split("/"))


def entry_at(path: str | os.PathLike[str]) -> Entry | None:
    """What is at `path` itself; None if nothing is."""
    try:
        found = os.lstat(path)
        target = os.readlink(path) if stat.S_ISLNK(found.st_mode) else ""  # noqa: PTH115 - as it is written
    except OSError as error:
        if error.errno in _PASSED_OVER:
            return None
        raise
    stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_nlink)
    return Entry(found.st_mode, found.st_size, found.st_nlink, target, stamp)


def _same(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None or one.mode != other.mode:
        return one is other
    return one.is_folder or one.stamp == other.stamp
