"""Taking an archive apart: nothing lands outside, nothing explodes, no link leads out.

An archive is hostile until shown otherwise. Files are written first, into directories of our own making; links come
last, so that no name can lead through one, and each must end inside. Ownership, special bits and times are not kept.
"""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Literal

from runner_env.errors import RunnerEnvError, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES_NAME = "RUNNER_ENV_ARCHIVE_MAX_BYTES"
MAX_ENTRIES_NAME = "RUNNER_ENV_ARCHIVE_MAX_ENTRIES"

_CHUNK = 1 << 20
_FREE_BYTES = 100 << 20
_LONGEST_HEADER = 16 << 20
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError, ValueError,
    OverflowError,
)  # fmt: skip
_OURS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT))
"""Trouble of the machine, not of the archive."""

_RATIO_HINT = "It looks like a bomb; unpack it yourself if you trust it, and give the directory."


@dataclass(frozen=True, slots=True)
class UnpackLimits:
    """What an archive may become.

    Attributes:
        total_bytes: of all files together.
        entries: files, folders and links.
        ratio: how many times its own size, counted from 100 MiB on.
    """

    total_bytes: int = 4 << 30
    entries: int = 50_000
    ratio: int = 200

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> UnpackLimits:
        """The limits that `RUNNER_ENV_ARCHIVE_MAX_BYTES` and `RUNNER_ENV_ARCHIVE_MAX_ENTRIES` set.

        Raises:
            TargetError: one of them is no whole number above 0.
        """
        usual = cls()
        return cls(
            _number(environ, MAX_BYTES_NAME, usual.total_bytes), _number(environ, MAX_ENTRIES_NAME, usual.entries)
        )


def unpack(archive: Path, into: Path, limits: UnpackLimits) -> Path:
    """Take an archive apart.

    `.git` folders in it are left out: what a target is, its files say. Where everything lies in one folder, that
    folder is the result.

    Args:
        archive: a zip or tar file, the latter plain or packed by gzip, bzip2 or xz; its content says which.
        into: an empty directory.
        limits: what it may become.

    Returns:
        The directory with the content: `into`, or the only one in it.

    Raises:
        TargetError: `archive_broken`, `archive_unsafe` (a name or link that leads out, a device, one name twice),
            `archive_too_large`. What was written by then is the caller's to remove.
        OSError: the archive cannot be opened, or there is no room.
    """
    unpacking = _Unpacking(archive, into, limits, archive.stat().st_size)
    try:
        with ExitStack() as stack:
            for entry in _entries(archive, stack):
                unpacking.take(entry)
        return unpacking.finish()
    except (*_BROKEN, OSError) as error:
        if isinstance(error, RunnerEnvError) or (isinstance(error, OSError) and error.errno in _OURS):
            raise
        raise _refused("archive_broken", archive, f"cannot be read: {error}", "Fetch or pack it again.") from error
    except RuntimeError as error:  # zipfile's word for an encrypted file
        hint = "Unpack it yourself, and give the directory."
        raise _refused("archive_broken", archive, f"cannot be read: {error}", hint) from error


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry: a folder, a file (`content`), a link to `target`, or a copy of the file `target` (`hard`)."""

    name: str
    folder: bool = False
    content: IO[bytes] | None = None
    executable: bool = False
    target: str = ""
    hard: bool = False


@dataclass(slots=True)
class _Unpacking:
    archive: Path
    into: Path
    limits: UnpackLimits
    size: int
    count: int = 0
    total: int = 0
    links: dict[Path, str] = field(default_factory=dict)

    def take(self, entry: _Entry) -> None:
        parts = self._parts(entry.name)
        if not parts or ".git" in (part.lower() for part in parts):
            return
        self.count += 1
        if self.count > self.limits.entries:
            message = f"has more than {self.limits.entries:,} entries"
            raise _refused("archive_too_large", self.archive, message, f"Set {MAX_ENTRIES_NAME} if that is right.")
        path = self.into.joinpath(*parts)
        if path in self.links or (os.path.lexists(path) and not (entry.folder and path.is_dir())):
            raise self._unsafe(entry.name, "is there twice")
        try:
            self._write(path, entry)
        except OSError as error:
            if error.errno is None or error.errno in _OURS:  # what unpacks says so without a number
                raise
            raise self._unsafe(entry.name, f"cannot be written: {error.strerror}") from error

    def _write(self, path: Path, entry: _Entry) -> None:
        if entry.folder:
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.hard:
            self._copy(path, entry)
        elif entry.content is None:
            self.links[path] = entry.target
        else:
            with path.open("xb") as file:
                self._pour(entry.content, file)
            path.chmod(0o755 if entry.executable else 0o644)

    def _pour(self, content: IO[bytes], file: IO[bytes]) -> None:
        while chunk := content.read(_CHUNK):
            self.total += len(chunk)
            if self.total > self.limits.total_bytes:
                message = f"holds more than {self.limits.total_bytes:,} bytes"
                raise _refused("archive_too_large", self.archive, message, f"Set {MAX_BYTES_NAME} if that is right.")
            if self.total > _FREE_BYTES and self.total > self.limits.ratio * self.size:
                message = f"becomes more than {self.limits.ratio} times as large"
                raise _refused("archive_too_large", self.archive, message, _RATIO_HINT)
            file.write(chunk)

    def _copy(self, path: Path, entry: _Entry) -> None:
        """A hard link becomes a file of its own: two names of one file could later be changed by one another."""
        original = self.into.joinpath(*self._parts(entry.target))
        if original.is_symlink() or not original.is_file():
            raise self._unsafe(entry.name, f"is a hard link to {entry.target!r}, which is no file before it")
        with original.open("rb") as content, path.open("xb") as file:
            self._pour(content, file)
        shutil.copymode(original, path)

    def finish(self) -> Path:
        """Make the links, see that each, followed to its end, stays inside; where everything lies then."""
        inside = list(self.into.iterdir())
        alone = len(inside) == 1 and inside[0].is_dir() and all(link.is_relative_to(inside[0]) for link in self.links)
        root = inside[0] if alone else self.into
        self._link(root)
        return root

    def _link(self, root: Path) -> None:
        for path, target in self.links.items():
            if not target or target.startswith("/") or "\0" in target:
                raise self._unsafe(_shown(path, self.into), f"is a link to {target!r}")
            if os.path.lexists(path):
                raise self._unsafe(_shown(path, self.into), "is there twice")
            path.symlink_to(target)
        for path in self.links:
            if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)) or not _stays(path, root):
                raise self._unsafe(_shown(path, self.into), f"is a link to {self.links[path]!r}")

    def _parts(self, name: str) -> tuple[str, ...]:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            raise self._unsafe(name, "leads out of it")
        return tuple(part for part in path.parts if part != ".")

    def _unsafe(self, name: str, what: str) -> TargetError:
        hint = "Do not use it, or unpack it yourself and give the directory."
        return _refused("archive_unsafe", self.archive, f"holds an unsafe entry: {name[:200]!r} {what}", hint)


def _stays(link: Path, root: Path) -> bool:
    """Whether the words of the link alone stay inside: a directory that is made later may stand where it leads."""
    depth = len(link.relative_to(root).parts) - 1
    for part in PurePosixPath(link.readlink()).parts:
        depth += {"..": -1, ".": 0}.get(part, 1)
        if depth < 0:
            return False
    return True


def _entries(archive: Path, stack: ExitStack) -> Iterator[_Entry]:
    if zipfile.is_zipfile(archive):
        return _zip_entries(stack.enter_context(zipfile.ZipFile(archive)))
    packed = stack.enter_context(archive.open("rb"))
    return _tar_entries(stack.enter_context(_CarefulTar.open(fileobj=packed, errorlevel=1)), archive)


class _Bounded:
    """A file that gives only so much at once: a header of tar is read whole, however long it says that it is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER:
            raise tarfile.ReadError("one of its headers is too long")
        return self._file.read(size)

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


class _CarefulTar(tarfile.TarFile):
    """Reads no header of a length that would fill the memory."""

    def __init__(self, name: str, mode: Literal["r"], fileobj: IO[bytes], **options: Any) -> None:  # noqa: ANN401
        super().__init__(name, mode, _Bounded(fileobj), **options)  # type: ignore[arg-type] # reads, seeks and tells


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.filename.endswith("/"):
            yield _Entry(info.filename, folder=True)
        elif stat.S_ISLNK(mode):
            target = archive.read(info).decode("utf-8", "surrogateescape") if info.file_size < 4096 else ""
            yield _Entry(info.filename, target=target)
        else:
            with archive.open(info) as content:
                yield _Entry(info.filename, content=content, executable=bool(mode & 0o100))


def _tar_entries(archive: tarfile.TarFile, path: Path) -> Iterator[_Entry]:
    for info in archive:
        if info.isdir():
            yield _Entry(info.name, folder=True)
        elif info.issym():
            yield _Entry(info.name, target=info.linkname)
        elif info.islnk():
            yield _Entry(info.name, target=info.linkname, hard=True)
        elif content := archive.extractfile(info) if info.isreg() else None:
            with content:
                yield _Entry(info.name, content=content, executable=bool(info.mode & 0o100))
        else:
            message = f"holds an unsafe entry: {info.name[:200]!r} is neither file, folder nor link"
            raise _refused("archive_unsafe", path, message, "Pack it again without devices and pipes.")


def _number(environ: Mapping[str, str], name: str, usual: int) -> int:
    text = environ.get(name, "").strip() or str(usual)
    if not text.isdecimal() or int(text) < 1:
        raise TargetError("target_limit", f"{name} is {text!r}, which is no whole number above 0.", hint="Unset it.")
    return int(text)


def _shown(path: Path, into: Path) -> str:
    return path.relative_to(into).as_posix()


def _refused(code: str, archive: Path, what: str, hint: str) -> TargetError:
    return TargetError(code, f"The archive {archive.name!r} {what}.", hint=hint)
