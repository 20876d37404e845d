"""One run at a time in a workspace."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from runner_env.errors import EvidenceError, TargetError, WorkspaceBusy
from runner_env.evidence.places import FOLDER_OR_LINK, folder_at, is_regular, opened, place
from runner_env.formats.canonical import canonical
from runner_env.formats.disk import on_disk, shown, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner_env.core import Ambient

FORMAT = "runner-env/workspace-lock@1"
ARTIFACTS = (".aider_fsm", "artifacts")
LOCK = ".lock"

_OWN = "An open session of this program holds it: call its evaluate() or close(), or use `with`."
_ANOTHERS = "Wait until it ends, stop it, or run in a copy of the repository."
_GATE_SECONDS = 2.0
_LOCK_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_HELD: set[tuple[int, int]] = set()
"""Device and inode of each lock file that this process holds. A process id would not do: containers share them."""

_PLAIN = re.compile(r"[A-Za-z0-9._:+-]{1,128}")


class WorkspaceLock:
    """The hold of one run on a workspace: a `flock`, so that it ends with the process however that ends.

    `<workspace>/.aider_fsm/artifacts/.lock` names the holder (`run_id`, `pid`, `started`), for people; whether
    it still holds the workspace says the `flock` alone.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def acquire(cls, workspace: Path, run_id: str, ambient: Ambient) -> WorkspaceLock:
        """Hold `workspace` until `close` or this process's end.

        Makes `.aider_fsm/artifacts/`, which ignores itself in git.

        Raises:
            WorkspaceBusy: another run holds it; says which, its process and since when.
            TargetError: `.aider_fsm` or `artifacts` is a link or no folder, or the workspace cannot be written.
            EvidenceError: the disk would not take the lock.
        """
        try:
            with (
                on_disk("lock", workspace),
                opened(workspace, FOLDER_OR_LINK) as root,
                folder_at(root, ARTIFACTS, 0o777) as folder,
            ):
                _ignore(folder)
                return cls(_take(folder, workspace, run_id, ambient))
        except EvidenceError as error:
            unusable = _for_the_target(error, workspace)
            if unusable is None:
                raise
            raise unusable from error

    @staticmethod
    def is_held(workspace: Path) -> bool:
        """Whether a run holds `workspace`, as far as that can be seen."""
        try:
            with (
                opened(workspace, FOLDER_OR_LINK) as root,
                folder_at(root, ARTIFACTS) as folder,
                opened(LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, folder) as fd,
            ):
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except (OSError, EvidenceError):
            return False
        return False

    def close(self) -> None:
        """Let the workspace go. May be called twice."""
        if self._fd >= 0:
            _HELD.discard(_identity(self._fd))
            # Said aloud because a forked child may still hold a copy of the descriptor.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _ignore(folder: int) -> None:
    def everything(fd: int) -> str:
        write_all(fd, b"*\n")
        return "*"

    with suppress(FileExistsError):
        place(folder, ".gitignore", everything, mode=0o666)


def _take(folder: int, workspace: Path, run_id: str, ambient: Ambient) -> int:
    with _gate(folder):
        fd = _open_lock(folder)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder = {"format": FORMAT, "pid": os.getpid(), "run_id": run_id, "started": ambient.timestamp()}
            os.ftruncate(fd, 0)
            write_all(fd, canonical(holder) + b"\n")
            _HELD.add(_identity(fd))
        except BlockingIOError as error:
            message = f"{_holder(fd)} holds the workspace {shown(workspace)}."
            hint = _OWN if _identity(fd) in _HELD else _ANOTHERS
            os.close(fd)
            raise WorkspaceBusy("workspace_busy", message, hint=hint) from error
        except BaseException:
            os.close(fd)
            raise
        return fd


@contextmanager
def _gate(folder: int) -> Iterator[None]:
    """Let one process at a time take the lock and write its name there, so that a loser reads the winner's name.

    Exclusion does not rest on it: where a directory cannot be locked (NFS), or a target holds it for spite, the loser
    may read an older name.
    """
    give_up = time.monotonic() + _GATE_SECONDS
    held = False
    while not held and time.monotonic() < give_up:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            time.sleep(0.005)
        except OSError:
            break
    try:
        yield
    finally:
        if held:
            fcntl.flock(folder, fcntl.LOCK_UN)


def _open_lock(folder: int) -> int:
    try:
        fd = os.open(LOCK, _LOCK_FILE, 0o666, dir_fd=folder)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise EvidenceError(
            "evidence_link", f"{LOCK} is a symbolic link, which could lead writes elsewhere."
        ) from error
    if not is_regular(fd):
        os.close(fd)
        raise EvidenceError("evidence_link", f"{LOCK} is not a regular file.")
    return fd


def _identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


def _holder(fd: int) -> str:
    # The folder belongs to the target: whatever is there, the message gets plain words only.
    try:
        stated = json.loads(os.pread(fd, 4096, 0))
        run_id, pid, started = (str(stated[name]) for name in ("run_id", "pid", "started"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return "Another run, which left no readable name,"
    if not all(_PLAIN.fullmatch(word) for word in (run_id, pid, started)):
        return "Another run, which left no readable name,"
    return f"Run {run_id} (process {pid}, since {started})"


def _for_the_target(error: EvidenceError, workspace: Path) -> TargetError | None:
    cause = error.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    if error.code in {"evidence_link", "evidence_not_a_folder"}:
        message = f"The workspace {shown(workspace)} cannot be used: {error.message}"
        return TargetError("workspace_link", message, hint=error.hint)
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return TargetError(
            "workspace_read_only", error.message, hint="Run in a copy of it: `--workspace copy`, or a copy of your own."
        )
    return None
