"""Copies of a target to run in, so that many runs of one target go side by side.

Each target has numbered places under the runner's own directory; a copy holds one of them as long as it is used. A
place keeps its path, so what a bootstrap made there (an environment is full of absolute paths) still fits the next copy
that is made in it; everything else is copied afresh, each time.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import weakref
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runner_env.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEPT = Path(".aider_fsm/artifacts")
"""Never copied from the target and never removed from a copy: what runs published, and what they remember."""

_FICLONE = 0x40049409
"""ioctl_ficlone(2): share the blocks of a file until one side is written."""

_NO_CLONES = frozenset({errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM})


class WorkspaceCopy:
    """A copy in use. A context manager, which gives its place back; the files stay until the next copy is made there.

    Attributes:
        root: the directory to run in.
    """

    def __init__(self, root: Path, lock: int) -> None:
        self.root = root
        self._give_back = weakref.finalize(self, os.close, lock)

    @classmethod
    def make(cls, source: Path, base: Path, made: Callable[[Path], frozenset[Path]]) -> Self:
        """Copy a target into the first free place.

        Permissions, times and links are kept; hard links and holes are not; sockets and pipes are left out.

        Args:
            source: the target, resolved.
            base: directory that holds the copies of all targets.
            made: what a bootstrap made in a workspace, by absolute paths: it is neither copied nor removed.

        Raises:
            TargetError: `workspace_copy`: a file cannot be read or written, or is a device.
        """
        folder = base / _stem(source)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number in count(1):
                if lock := _held(folder / f"{number}.lock"):
                    copy = cls(folder / str(number), lock)
                    break
        except OSError as error:
            raise _failed(error) from error
        try:
            copy._refresh(source, made)
        except BaseException:
            copy.close()
            raise
        return copy

    def close(self) -> None:
        """Give the place back. May be called twice."""
        self._give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refresh(self, source: Path, made: Callable[[Path], frozenset[Path]]) -> None:
        try:
            self.root.mkdir(exist_ok=True)
            own = {path.relative_to(self.root) for path in made(self.root) if path.is_relative_to(self.root)}
            _clear(self.root, {KEPT, *own})
            theirs = {path.relative_to(source) for path in made(source) if path.is_relative_to(source)}
            _copy_folder(source, self.root, frozenset({KEPT, *own, *theirs}), Path())
        except OSError as error:
            raise _failed(error) from error


def unused_copies(base: Path, before: float) -> Iterator[Path]:
    """Places in which no copy is in use, nor was made since then; each is held until the next is asked for.

    Args:
        base: directory that holds the copies of all targets.
        before: seconds since the epoch.
    """
    for lock in sorted(base.glob("*/*.lock")):
        place = lock.with_suffix("")
        held = _held(lock)
        if held is None:
            continue
        try:
            if place.is_dir() and place.stat().st_mtime < before:
                yield place
        finally:
            os.close(held)


def _held(path: Path) -> int | None:
    """A descriptor of a lock that is ours now; None if somebody else has it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _clear(root: Path, keep: set[Path]) -> None:
    """Remove everything but `keep` and the folders on the way to it."""
    for path in root.iterdir():
        relative = path.relative_to(root)
        if relative in keep:
            continue
        inside = {kept.relative_to(relative) for kept in keep if kept.is_relative_to(relative)}
        if inside and path.is_dir() and not path.is_symlink():
            _clear(path, inside)
        elif path.is_dir() and not path.is_symlink():
            _remove_tree(path)
        else:
            path.unlink()


def _remove_tree(path: Path) -> None:
    """A folder without the permission to change it must not stay."""
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path)


def _copy_folder(source: Path, target: Path, leave: frozenset[Path], relative: Path) -> None:
    with os.scandir(source) as entries:
        for entry in entries:
            below = relative / entry.name
            if below in leave:
                continue
            to = target / entry.name
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                to.mkdir(exist_ok=True)
                _copy_folder(Path(entry.path), to, leave, below)
                shutil.copystat(entry.path, to)
            elif stat.S_ISREG(mode):
                copy_file(Path(entry.path), to)
            elif stat.S_ISLNK(mode):
                to.symlink_to(os.readlink(entry.path))  # noqa: PTH115 - as it is written
            elif not (stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)):
                raise TargetError("workspace_copy", f"{entry.path!r} is a device.", hint="Remove it, or run in place.")


def copy_file(source: Path, target: Path) -> None:
    """Copy a file to a new place with permissions and times, sharing its blocks where the file system can.

    Raises:
        OSError: it cannot be read or written.
    """
    with source.open("rb") as original, target.open("xb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _FICLONE, original.fileno())
        except OSError as error:
            if error.errno not in _NO_CLONES:
                raise
            shutil.copyfileobj(original, copy, 1 << 20)
    shutil.copystat(source, target)


def _stem(source: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", source.name).strip("._-")[-40:] or "target"
    return f"{name}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:16]}"


def _failed(error: OSError) -> TargetError:
    place = f"{os.fspath(error.filename)!r}: " if error.filename else ""
    return TargetError(
        "workspace_copy",
        f"The workspace cannot be copied: {place}{error.strerror or error}.",
        hint="Check permissions and free space, or run in place.",
    )
