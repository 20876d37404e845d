"""The one writer of a run's journal."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

from runner_env.errors import EvidenceError
from runner_env.formats.disk import disk_error, shown, write_all
from runner_env.formats.journal import GENESIS, seal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runner_env.core import Ambient

    Observer = Callable[[str, Mapping[str, object]], None]

# macOS has no fdatasync.
_sync = getattr(os, "fdatasync", os.fsync)


class Journal:
    """An append-only, hash-chained record of events; `runner_env.formats.journal` has the format and the reader.

    Threads may share it; a second process, or a signal handler, may not.

    Args:
        fd: the file, opened with `O_APPEND`; closed by `close`.
        path: the file, for messages.
        ambient: the clock for `at`.
        observer: told of each event after it was recorded.
        state: what the file holds already: entries, the last one's hash, bytes.
    """

    def __init__(
        self,
        fd: int,
        path: Path,
        ambient: Ambient,
        observer: Observer | None = None,
        state: tuple[int, str, int] = (0, GENESIS, 0),
    ) -> None:
        self.path = path
        self._fd = fd
        self._ambient = ambient
        self._observer = observer
        self._lock = Lock()
        self._state = state
        self._refusal: EvidenceError | None = None

    @property
    def entries(self) -> int:
        """How many events were appended."""
        return self._state[0]

    @property
    def head(self) -> str:
        """Hash of the last line; the run record keeps it, so that missing last lines are noticed."""
        return self._state[1]

    def append(self, event: str, /, **data: object) -> int:
        """Record an event; it and all before it are on the disk when this returns, so the caller may then act on it.

        Args:
            event: what happened.
            **data: what canonical JSON can hold, less than 8 MiB of it.

        Returns:
            The entry's number, from 1.

        Raises:
            EvidenceError: the disk would not take it. The journal ends with the last whole line and takes no more.
            ValueError: NaN, an infinity, or too much data; nothing was written.
            TypeError: a type that JSON does not have; nothing was written.
        """
        return self._record(event, data, sync=True)

    def note(self, event: str, /, **data: object) -> int:
        """Record an event on which nobody acts before the next `append`, which brings both to the disk at once.

        It is written when this returns, so that only a crash of the whole machine could lose it. Otherwise as `append`.
        """
        return self._record(event, data, sync=False)

    def _record(self, event: str, data: Mapping[str, object], *, sync: bool) -> int:
        with self._lock:
            if self._refusal is not None:
                raise EvidenceError(self._refusal.code, self._refusal.message, hint=self._refusal.hint)
            n, prev, size = self._state
            line, digest = seal(n + 1, self._ambient.timestamp(), event, data, prev)
            try:
                write_all(self._fd, line)
                if sync:
                    _sync(self._fd)
                self._state = (n + 1, digest, size + len(line))
            except OSError as error:
                self._refusal = disk_error("append to", self.path, error)
                self._roll_back()
                raise self._refusal from error
            except BaseException:
                # Ctrl-C between the write and the count: an entry nobody was told about must not stay.
                self._roll_back()
                raise
        if self._observer is not None:
            self._observer(event, data)
        return n + 1

    def close(self) -> None:
        """Take no more events. May be called twice."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
                self._refusal = EvidenceError("journal_closed", f"{shown(self.path)} is closed.")

    def _roll_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._state[2])
        except OSError as error:
            self._refusal = disk_error("cut the torn line off", self.path, error)
