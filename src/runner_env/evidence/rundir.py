"""One run's directory: made once, locked while the run lives, nothing in it ever overwritten.

A run that was lost may be opened again, for a further attempt: the journal goes on where it ends, and what the attempt
keeps lies in `attempt_02/` and so on, so that no name of it is taken.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runner_env.core import Ambient
from runner_env.errors import EvidenceError, RunError
from runner_env.evidence.capture import CaptureFile
from runner_env.evidence.journal import Journal
from runner_env.evidence.places import (
    FOLDER,
    FOLDER_OR_LINK,
    copy,
    create_file,
    folder_at,
    is_regular,
    opened,
    parts_of,
    place,
)
from runner_env.formats import journal as journal_format
from runner_env.formats.canonical import canonical
from runner_env.formats.disk import on_disk, shown, write_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from runner_env.evidence.journal import Observer
    from runner_env.text.masking import Masker

JOURNAL = "journal.jsonl"
LOCK = "run.lock"
LOCK_FORMAT = "runner-env/run-lock@1"

RECORD = "record.json"

DEFAULT_CAPTURE_LIMIT = 64 * 1024 * 1024
"""Bytes of one output stream that are kept, half from its start and half from its end."""

_PROBED_S = 0.5
"""For longer than this nobody holds a lock who only asks whether it is held."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file kept as evidence: POSIX `reference` in the run directory, `size` in bytes, `sha256` in hexadecimal."""

    reference: str
    size: int
    sha256: str


class RunDir:
    """A run's directory, open for writing. Made by `create` or `reopen`.

    Attributes:
        path: the directory, absolute.
        run_id: its name.
        journal: the run's journal.
        attempt: 1, or more for a run that was opened again.
    """

    def __init__(self, path: Path, fd: int, lock_fd: int, journal: Journal, attempt: int = 1) -> None:
        self.path = path
        self.run_id = path.name
        self.journal = journal
        self.attempt = attempt
        self._fd = fd
        self._lock_fd = lock_fd

    @classmethod
    def create(
        cls, runs_dir: Path, run_id: str, *, ambient: Ambient | None = None, observer: Observer | None = None
    ) -> RunDir:
        """Make `runs_dir/run_id` (mode 0700, missing parents too); hold it until `close` or this process's end.

        Args:
            runs_dir: where runs live.
            run_id: one plain name.
            ambient: the clock for the journal (default: the system's).
            observer: told of each event of the journal after it is on the disk.

        Raises:
            EvidenceError: the name is unusable or taken, or the disk would not take it.
        """
        if len(parts_of(run_id)) != 1:
            raise EvidenceError("evidence_name", f"{run_id!r} is not a run id.")
        path = runs_dir.absolute() / run_id
        ambient = ambient or Ambient()
        with on_disk("make the run directory", path):
            _make_private(path.parent)
            with opened(path.parent, FOLDER_OR_LINK) as runs_fd, ExitStack() as on_failure:
                os.mkdir(run_id, 0o700, dir_fd=runs_fd)
                on_failure.callback(_discard, runs_fd, run_id)
                fd = os.open(run_id, FOLDER, dir_fd=runs_fd)
                on_failure.callback(os.close, fd)
                lock_fd = _hold(fd, run_id, ambient)
                on_failure.callback(os.close, lock_fd)
                journal = Journal(create_file(fd, JOURNAL, os.O_APPEND), path / JOURNAL, ambient, observer)
                on_failure.callback(journal.close)
                os.fsync(fd)
                os.fsync(runs_fd)
                on_failure.pop_all()
                return cls(path, fd, lock_fd, journal)

    @classmethod
    def reopen(
        cls, path: Path, attempt: int, *, ambient: Ambient | None = None, observer: Observer | None = None
    ) -> RunDir:
        """Open the directory of a run that nobody holds, to go on with it; a torn last line is cut off.

        Args:
            path: the directory.
            attempt: 2 for the first time that the run is opened again, and so on.
            ambient: the clock for the journal (default: the system's).
            observer: told of each event of the journal after it is on the disk.

        Raises:
            RunError: `run_live`: some process holds it.
            EvidenceError: the journal is not as it was written, or the disk would not have it.
        """
        path = path.absolute()
        with on_disk("open the run directory", path), ExitStack() as on_failure:
            fd = os.open(path, FOLDER)
            on_failure.callback(os.close, fd)
            lock_fd = _hold_again(fd, path)
            on_failure.callback(os.close, lock_fd)
            report = journal_format.verify(path / JOURNAL)
            if report.problems:
                first = report.problems[0]
                raise EvidenceError(first.code, first.message, where=first.where, hint=first.hint)
            journal_fd = os.open(JOURNAL, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
            on_failure.callback(os.close, journal_fd)
            os.ftruncate(journal_fd, report.size)
            state = (report.entries, report.head, report.size)
            journal = Journal(journal_fd, path / JOURNAL, ambient or Ambient(), observer, state)
            on_failure.pop_all()
            return cls(path, fd, lock_fd, journal, attempt)

    def capture(self, relative: str, *, masker: Masker, limit_bytes: int = DEFAULT_CAPTURE_LIMIT) -> CaptureFile:
        """A new file for one output stream.

        Args:
            relative: where, POSIX, inside the attempt's part of the run directory; folders are made.
            masker: what must never reach the disk.
            limit_bytes: most bytes to keep, at least 2; beyond it the first and the last half are kept.

        Raises:
            EvidenceError: the name is unusable or taken, or the disk would not take it.
            ValueError: `limit_bytes` is less than 2.
        """
        relative = self._place(relative)
        *folders, _ = parts_of(relative)
        path = self.path / relative
        with on_disk("create", path), self._folder(folders) as folder:
            return CaptureFile(folder, path, relative, masker.stream(), limit_bytes)

    def store_bytes(self, relative: str, data: bytes, *, sync: bool = True) -> StoredFile:
        """Keep `data` under a new name in the attempt's part.

        Args:
            relative: the name, POSIX.
            data: what to keep.
            sync: whether it must be on the disk when this returns.

        Raises:
            EvidenceError: the name is unusable or taken, or the disk would not take it.
        """
        return self._store_bytes(self._place(relative), data, sync=sync)

    def store_record(self, data: bytes) -> StoredFile:
        """Keep the record of the run, whichever attempt it was that ended it. Raises as `store_bytes`."""
        return self._store_bytes(RECORD, data)

    def store_file(self, source_fd: int, relative: str, limit: int) -> StoredFile | None:
        """Keep a copy of an open regular file, from its first byte on, on the disk when this returns.

        Args:
            source_fd: the file; its offset is neither used nor moved.
            relative: the new name, POSIX, inside the attempt's part of the run directory.
            limit: most bytes to keep.

        Returns:
            The copy, or None if the file has more than `limit` bytes; then nothing is kept.

        Raises:
            EvidenceError: the name is unusable or taken, the source is no regular file or unreadable, or the disk
                would not take it.
        """
        if not is_regular(source_fd):
            raise EvidenceError("evidence_io", f"What should be kept as {shown(relative)} is not a regular file.")

        relative = self._place(relative)

        def fill(fd: int) -> StoredFile | None:
            copied = copy(source_fd, fd, limit)
            return StoredFile(relative, *copied) if copied else None

        return self._store(relative, fill)

    def close(self) -> None:
        """Let go of the directory: from now on it counts as a run that is over. May be called twice."""
        self.journal.close()
        if self._fd >= 0:
            # Said aloud because a forked child may still hold a copy of the descriptor.
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
            os.close(self._lock_fd)
            os.close(self._fd)
            self._fd = -1

    def _place(self, relative: str) -> str:
        parts_of(relative)
        return relative if self.attempt == 1 else f"attempt_{self.attempt:02}/{relative}"

    def _store_bytes(self, relative: str, data: bytes, *, sync: bool = True) -> StoredFile:
        def fill(fd: int) -> StoredFile:
            write_all(fd, data)
            return StoredFile(relative, len(data), hashlib.sha256(data).hexdigest())

        stored = self._store(relative, fill, sync=sync)
        assert stored is not None
        return stored

    def _store(
        self, relative: str, fill: Callable[[int], StoredFile | None], *, sync: bool = True
    ) -> StoredFile | None:
        *folders, name = parts_of(relative)
        with on_disk("store", self.path / relative), self._folder(folders) as folder:
            return place(folder, name, fill, sync=sync)

    def _folder(self, parts: list[str]) -> AbstractContextManager[int]:
        return folder_at(self._fd, tuple(parts), 0o700)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @staticmethod
    def is_live(path: Path) -> bool:
        """Whether some process holds the run directory at `path`.

        Raises:
            EvidenceError: the lock is there but cannot be read.
        """
        with on_disk("read the lock of", path):
            try:
                with opened(path / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC) as fd:
                    fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except FileNotFoundError:
                return False
            except BlockingIOError:
                return True
        return False


def _make_private(folder: Path) -> None:
    for missing in reversed([folder, *folder.parents]):
        if missing.is_dir():
            continue
        try:
            missing.mkdir(0o700, exist_ok=True)
        except FileExistsError as error:
            raise EvidenceError(
                "evidence_io",
                f"cannot keep runs in {shown(folder)}: {shown(missing)} is not a directory.",
                hint="Set RUNNER_ENV_HOME to a directory, or to a path where one can be made.",
            ) from error


def _discard(runs_fd: int, run_id: str) -> None:
    for name in (JOURNAL, LOCK):
        with suppress(FileNotFoundError):
            os.unlink(f"{run_id}/{name}", dir_fd=runs_fd)
    os.rmdir(run_id, dir_fd=runs_fd)


def _hold_again(dir_fd: int, path: Path) -> int:
    try:
        fd = os.open(LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
    except FileNotFoundError:
        fd = create_file(dir_fd, LOCK)
    give_up = time.monotonic() + _PROBED_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > give_up:
                os.close(fd)
                message = f"Run {shown(path.name)} is still going on."
                raise RunError("run_live", message, hint="Wait until it ends, or stop it.") from error
            time.sleep(0.01)
        except BaseException:
            os.close(fd)
            raise
        else:
            return fd


def _hold(dir_fd: int, run_id: str, ambient: Ambient) -> int:
    fd = create_file(dir_fd, LOCK)
    try:
        # Waits, because somebody asking `is_live` may hold it for a moment; nobody else ever does.
        fcntl.flock(fd, fcntl.LOCK_EX)
        holder = {"format": LOCK_FORMAT, "pid": os.getpid(), "run_id": run_id, "started": ambient.timestamp()}
        write_all(fd, canonical(holder) + b"\n")
    except BaseException:
        os.close(fd)
        raise
    return fd
