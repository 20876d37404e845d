"""Putting a proposal into the target, all of it or nothing, and taking it back.

No link is followed on the way: every file is written from the open directory that it belongs into, under another name
first, so that whoever reads the contract finds the old file or the new one.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_env.authoring.proposal import FileText
from runner_env.errors import EvidenceError, TargetError
from runner_env.evidence.places import FOLDER_OR_LINK, PLAIN_FILE, opened, parent_at
from runner_env.formats.disk import replace_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner_env.authoring.proposal import Proposal


@dataclass(slots=True)
class Undo:
    """What a target's contract was before a proposal was taken over.

    Attributes:
        root: the target.
        files: of each file that was written or removed, what it was before (None: it was not there) and what it is.
        folders: that were made for them.
    """

    root: Path
    files: dict[str, tuple[FileText | None, FileText | None]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    def restore(self) -> tuple[str, ...]:
        """Make the contract what it was. May be called again, and does nothing then.

        Returns:
            The files that somebody else has changed since; they are left as they are.

        Raises:
            TargetError: `contract_not_written`: a file cannot be written.
        """
        changed = []
        with _in(self.root) as base:
            for path, (before, after) in list(self.files.items()):
                if _read(base, path) == after:
                    _put(base, path, before, [])
                else:
                    changed.append(path)
                del self.files[path]
            for folder in reversed(self.folders):
                _remove_empty(base, folder)
            self.folders.clear()
        return tuple(changed)


def take_over(proposal: Proposal, root: Path) -> Undo:
    """Write a proposal into the target.

    Args:
        proposal: what a fence let through.
        root: the target that the agent's copy was made from.

    Raises:
        TargetError: `contract_changed`: the contract is no longer what the agent began with; `contract_not_written`: a
            file cannot be written, or a link lies on the way. The target is then as it was.
    """
    undo = Undo(root)
    try:
        with _in(root) as base:
            _check_unchanged(base, proposal)
            for path, file in sorted(proposal.files.items()):
                before = _read(base, path)
                if before is None and file is None:
                    continue
                undo.files[path] = (before, file)
                _put(base, path, file, undo.folders)
    except BaseException:
        undo.restore()
        raise
    return undo


def _check_unchanged(base: int, proposal: Proposal) -> None:
    begun = {**dict.fromkeys(proposal.files), **proposal.before}
    changed = [path for path, sha256 in sorted(begun.items()) if _sha256(_read(base, path)) != sha256]
    if changed:
        message = f"The contract was changed while the agent worked on it: {', '.join(changed[:5])}."
        raise TargetError("contract_changed", message, hint="Run it again; nothing was taken over.")


def _sha256(file: FileText | None) -> str | None:
    return file.sha256 if file else None


@contextmanager
def _in(root: Path) -> Iterator[int]:
    """The target, open; what goes wrong inside is an error for its user."""
    try:
        with opened(root, FOLDER_OR_LINK) as base:
            yield base
    except OSError as error:
        why = error.message if isinstance(error, EvidenceError) else f"{error.strerror or error}."
        message = f"The contract in {os.fspath(root)!r} cannot be written: {why}"
        raise TargetError("contract_not_written", message, hint="Name a target that you may write to.") from error


def _read(base: int, path: str) -> FileText | None:
    """What is at `path`, None if nothing is. Raises `OSError` if it is no plain file."""
    try:
        with parent_at(base, path) as (fd, name), opened(name, PLAIN_FILE, fd) as file:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise EvidenceError("evidence_not_a_file", f"{path} is no regular file.")
            with os.fdopen(file, "rb", closefd=False) as stream:
                return FileText(stream.read(), bool(found.st_mode & 0o100))
    except FileNotFoundError:
        return None


def _put(base: int, path: str, file: FileText | None, made: list[str]) -> None:
    parts = path.split("/")
    for depth in range(1, len(parts)) if file else ():
        _make_folder(base, "/".join(parts[:depth]), made)
    with parent_at(base, path) as (fd, name):
        if file is None:
            os.unlink(name, dir_fd=fd)
        else:
            replace_at(fd, name, file.data, 0o755 if file.executable else 0o644)


def _make_folder(base: int, path: str, made: list[str]) -> None:
    with parent_at(base, path) as (fd, name), suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=fd)
        made.append(path)


def _remove_empty(base: int, path: str) -> None:
    # Somebody may have put something into it, or removed it.
    with suppress(OSError), parent_at(base, path) as (fd, name):
        os.rmdir(name, dir_fd=fd)
