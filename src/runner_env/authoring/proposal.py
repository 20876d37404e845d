"""What an agent changed in its copy: what of it may be taken over, and what is refused and put back.

A change is read from the copy as it is on the disk, link for link; what the agent's harness says it did plays no part.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_env.authoring import restoring, tree
from runner_env.authoring.brief import Purpose, Refused
from runner_env.authoring.fence import MOST_BYTES, MOST_FILE_BYTES, MOST_FILES, folded, is_contract, refusal
from runner_env.authoring.leftovers import FOLDER, is_inner_git
from runner_env.errors import EvidenceError
from runner_env.evidence.places import FOLDER_OR_LINK, PLAIN_FILE, opened, parent_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from runner_env.authoring.copy import AgentCopy

_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class FileText:
    """A file of a contract.

    Attributes:
        data: its content, UTF-8.
        executable: whether it may be run directly.
    """

    data: bytes
    executable: bool = False

    @property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of the contract.

    Attributes:
        purpose: what it was asked for.
        files: POSIX path relative to the repository, to the new file, or to None if it is to be removed.
        before: SHA-256 of every file of the contract as the agent found it.
        refused: what the agent changed beyond that; none of it is in `files`.
    """

    purpose: Purpose
    files: Mapping[str, FileText | None]
    before: Mapping[str, str]
    refused: tuple[Refused, ...] = ()


@dataclass(slots=True)
class Fence:
    """The watch over one copy, from before the agent sees it.

    Attributes:
        copy: the copy.
        purpose: what the agent may write.
    """

    copy: AgentCopy
    purpose: Purpose
    _before: dict[str, tree.Entry] = field(init=False)
    _hashes: dict[str, str] = field(init=False, default_factory=dict)
    _git: dict[str, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        root = self.copy.root
        self._before = dict(tree.entries(root, is_inner_git))
        for path, entry in self._before.items():
            if path.startswith(".git/") and entry.is_file:
                self._git[path] = (root / path).read_bytes()
            elif entry.is_file and is_contract(path):
                self._hashes[path] = hashlib.sha256((root / path).read_bytes()).hexdigest()

    def collect(self) -> Proposal:
        """All that was changed since the copy was made; what is refused is put back as it was.

        Raises:
            tree.TooManyEntries: there is so much that nobody can look through it.
            OSError: the copy cannot be read or put back.
        """
        after = tree.entries(self.copy.root, is_inner_git)
        twins = _twins(after)
        files: dict[str, FileText | None] = {}
        refused: dict[str, Refused] = {}
        folder = ""
        for path in tree.changed(self._before, after):
            if folder and path.startswith(folder):
                continue  # refused with the folder that it is in
            found = self._judge(path, after.get(path), twins)
            if isinstance(found, Refused):
                refused[path] = found
                folder = f"{path}/"
            elif found is not None:
                files[path] = found.file
        refused |= _crowded(files)
        self._put_back(refused.keys())
        return Proposal(self.purpose, files, dict(self._hashes), tuple(refused.values()))

    def _judge(self, path: str, now: tree.Entry | None, twins: frozenset[str]) -> Refused | _New | None:
        """What to do about one changed name: refuse it, take it, or nothing, since it is as it was."""
        was = self._before.get(path)
        refused = refusal(path, self.purpose)
        if refused is not None:
            return None if self._is_as_it_was(path, was, now) else refused
        if now is None:
            return _New(None) if was and was.is_file else None
        if now.is_folder:
            return Refused(path, "kind", "was a file and became a folder") if was and not was.is_folder else None
        read = self._read(path, now, twins)
        if isinstance(read, Refused):
            return read
        same = self._hashes.get(path) == read.sha256 and was and bool(was.mode & 0o100) == read.executable
        return None if same else _New(read)

    def _read(self, path: str, now: tree.Entry, twins: frozenset[str]) -> FileText | Refused:
        if now.target:
            return Refused(path, "link", "is a symbolic link")
        if not now.is_file:
            return Refused(path, "kind", "is no regular file")
        if not twins.isdisjoint({path, *_ancestors(path)}):
            return Refused(path, "lookalike", "differs from another name of the contract in case or form only")
        return _read_file(self.copy.root, path)

    def _is_as_it_was(self, path: str, was: tree.Entry | None, now: tree.Entry | None) -> bool:
        """Whether a file was only touched, or written with what it held."""
        if was is None or now is None or was.mode != now.mode or now.links != was.links or was.size != now.size:
            return False
        if not was.is_file:
            return was.target == now.target
        held = self._git.get(path)
        before = hashlib.sha256(held).hexdigest() if held is not None else _sha256(self.copy.source, path)
        return before is not None and before == _sha256(self.copy.root, path)

    def _put_back(self, paths: Collection[str]) -> None:
        """Every step's own folder first, so that no link is left on the way to the next."""
        lost = {known: entry for known, entry in self._before.items() if _is_in(known, paths)}
        restoring.remove(self.copy.root, sorted(paths))
        restoring.make(self.copy.root, lost, self.copy.source, self._git)
        for path in lost:
            made = tree.entry_at(self.copy.root / path)
            if made is not None:
                self._before[path] = made


@dataclass(frozen=True, slots=True)
class _New:
    file: FileText | None


def _ancestors(path: str) -> set[str]:
    parts = path.split("/")
    return {"/".join(parts[:depth]) for depth in range(1, len(parts))}


def _is_in(path: str, folders: Collection[str]) -> bool:
    return path in folders or not _ancestors(path).isdisjoint(folders)


def _twins(after: Mapping[str, tree.Entry]) -> frozenset[str]:
    """Names of the contract, folders too, that some file system would take for one another."""
    alike: dict[str, list[str]] = {}
    for path in after:
        if path.startswith(f"{FOLDER}/"):
            alike.setdefault(folded(path), []).append(path)
    return frozenset(path for paths in alike.values() if len(paths) > 1 for path in paths)


@contextmanager
def _opened_file(root: Path, path: str) -> Iterator[int]:
    """What is at `path`, never through a link. Raises `OSError`."""
    with (
        opened(root, FOLDER_OR_LINK) as base,
        parent_at(base, path) as (fd, name),
        opened(name, PLAIN_FILE, fd) as file,
    ):
        yield file


def _read_file(root: Path, path: str) -> FileText | Refused:
    try:
        with _opened_file(root, path) as file:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                return Refused(path, "kind", "is no regular file")
            if found.st_nlink > 1:
                return Refused(path, "link", "is a file that has another name elsewhere")
            if found.st_mode & 0o7000:
                return Refused(path, "mode", "has special permission bits")
            data = os.pread(file, MOST_FILE_BYTES + 1, 0)
    except EvidenceError as error:
        return Refused(path, "link", f"cannot be reached: {error.message}")
    except OSError as error:
        return Refused(path, "kind", f"cannot be read as a file ({error.strerror})")
    return _text(path, data, executable=bool(found.st_mode & 0o111))


def _text(path: str, data: bytes, *, executable: bool) -> FileText | Refused:
    if len(data) > MOST_FILE_BYTES:
        return Refused(path, "size", f"is larger than {MOST_FILE_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Refused(path, "binary", "is not UTF-8 text")
    if "\0" in text:
        return Refused(path, "binary", "is not text")
    if _REORDERING.search(text):
        return Refused(path, "hidden", "has invisible characters by which it reads differently from what it does")
    if executable and not text.startswith("#!"):
        return Refused(path, "mode", "may be run directly although it does not begin with #!")
    return FileText(data, executable)


def _sha256(root: Path, path: str) -> str | None:
    """Of a regular file; None if there is none to be read."""
    try:
        with _opened_file(root, path) as file, os.fdopen(file, "rb", closefd=False) as stream:
            is_file = stat.S_ISREG(os.fstat(file).st_mode)
            return hashlib.file_digest(stream, "sha256").hexdigest() if is_file else None
    except OSError:
        return None


def _crowded(files: dict[str, FileText | None]) -> dict[str, Refused]:
    """Take what does not fit into a contract, in order of the names, out of `files`."""
    why = f"is beyond {MOST_FILES} files or {MOST_BYTES >> 20} MiB together"
    size = 0
    refused: dict[str, Refused] = {}
    for count, (path, file) in enumerate(sorted(files.items()), 1):
        size += len(file.data) if file else 0
        if size > MOST_BYTES or count > MOST_FILES:
            refused[path] = Refused(path, "size", why)
    for path in refused:
        del files[path]
    return refused
