"""What is removed that belongs to no run is written down first, in `gc.jsonl`, a journal like that of a run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner_env.core import Ambient
from runner_env.errors import RunError
from runner_env.evidence.journal import Journal
from runner_env.formats import journal as journal_format
from runner_env.formats.disk import on_disk

NAME = "gc.jsonl"
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def gc_journal(home: Path) -> Iterator[Journal]:
    """The journal, open for one writer; one that was changed is put aside as `gc.jsonl.changed`, and a new one begun.

    Raises:
        RunError: `gc_busy`: another process has it open.
        EvidenceError: it cannot be written.
    """
    path = home / NAME
    with on_disk("open", path):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(path, _FLAGS, 0o600)
    try:
        _hold(fd)
        report = journal_format.verify(path)
        if report.problems:
            path.rename(path.with_name(f"{NAME}.changed"))
            os.close(fd)
            fd = os.open(path, _FLAGS, 0o600)
            _hold(fd)
            report = journal_format.verify(path)
        os.ftruncate(fd, report.size)
        journal = Journal(fd, path, Ambient(), state=(report.entries, report.head, report.size))
        fd = -1
    finally:
        if fd >= 0:
            os.close(fd)
    try:
        yield journal
    finally:
        journal.close()


def _hold(fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError("gc_busy", "Another `runner-env gc` is at work.", hint="Wait until it ends.") from error
