"""What a run did to the files that git tracks."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.settings import Settings
from runner_env.targets.git import Git
from runner_env.targets.repository import borrowed, find_repository, plain_bytes, read_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from runner_env.targets.repository import Head, Repository

_ABSENT = "absent"
_Listed = tuple[tuple[str, str, bytes], ...]
_LISTS: dict[tuple[object, ...], _Listed] = {}
"""What the last index that was listed holds, by its content and by how it was asked."""


@dataclass(frozen=True, slots=True)
class TrackedState:
    """The tracked files of a checkout at one moment.

    Attributes:
        files: POSIX path relative to the checkout (undecodable bytes as surrogates) → what it holds: mode and git's
            id of the content, or `absent`.
        commit: what HEAD is.
        dirty: whether index or files differ from `commit`.
    """

    files: Mapping[str, str]
    commit: str | None = None
    dirty: bool = False


def changed_tracked(root: Path, *, settings: Settings | None = None) -> TrackedState:
    """Take a snapshot of the tracked files under `root`, to be compared by `diff` with a later one.

    Nothing is written. Submodules count by what the index records of them; their files are not looked at.

    Args:
        root: absolute, resolved directory.
        settings: for the PATH that git is found on (default: from this process's environment).

    Returns:
        The state; an empty one where no git repository is, or one that tracks nothing under `root`.

    Raises:
        TargetError: there is a repository, and git is missing or cannot read it.
    """
    repository = find_repository(root)
    if repository is None:
        return TrackedState({})
    git = Git.local((settings or Settings.from_environ()).environ)
    return snapshot(repository, read_head(repository, git), git)


def diff(before: TrackedState, after: TrackedState) -> tuple[str, ...]:
    """Paths, sorted, whose tracked content differs: changed, removed, or tracked only in one of the two."""
    paths = before.files.keys() | after.files.keys()
    return tuple(sorted(path for path in paths if before.files.get(path) != after.files.get(path)))


def is_tracked(root: Path, *, settings: Settings | None = None) -> Callable[[str], bool]:
    """A predicate: does git track the file at this POSIX path, relative to `root`? What is tracked is read once, now.

    Raises:
        TargetError: there is a repository, and git is missing or cannot read it.
    """
    return changed_tracked(root, settings=settings).files.__contains__


def snapshot(repository: Repository, head: Head, git: Git) -> TrackedState:
    """The state of the tracked files under the repository's `root`.

    An unmodified file is known by its index entry, which costs nothing; the others are read. So are those that the
    index asks git not to look at (`assume-unchanged`, `skip-worktree`), because a run may have asked.
    """
    prefix = repository.prefix
    with borrowed(repository, head, git) as local:
        listed = _listed(repository, head, local)
        modified = _modified(repository, local)
    files: dict[str, str] = {}
    for tag, indexed, path in listed:
        name, state = os.fsdecode(path), indexed
        hidden = tag.islower() or tag.upper() == "S"
        if (path in modified or hidden) and not indexed.startswith("160000 "):
            found = _content(repository.top / name, indexed.partition(" ")[2])
            state = indexed if found == _ABSENT and tag.upper() == "S" else found
        files[name.removeprefix(prefix)] = state
    return TrackedState(files, head.commit, dirty=bool(modified))


def is_dirty(repository: Repository, head: Head, git: Git) -> bool:
    """Whether index or tracked files under the repository's `root` differ from its commit."""
    with borrowed(repository, head, git) as local:
        return bool(_modified(repository, local))


def _listed(repository: Repository, head: Head, local: Git) -> _Listed:
    """Each entry of the index under `root`: tag, mode and id, path. Before and after a run it mostly is the same."""
    before = _fingerprint(repository)
    key = (before, repository.prefix, local.program, *sorted(head.config.items()))
    known = _LISTS.get(key)
    if known is not None:
        return known
    output = local.output("ls-files", "-z", "-s", "-v", "--full-name", "--", ".", cwd=repository.root)
    listed = tuple(map(_entry, filter(None, output.split(b"\0"))))
    if before and before == _fingerprint(repository):
        _LISTS.clear()
        _LISTS[key] = listed
    return listed


def _fingerprint(repository: Repository) -> bytes:
    """A digest of the index; nothing if that is not all in one plain file."""
    index = plain_bytes(repository.git_dir / "index")
    if index is None or any(repository.git_dir.glob("sharedindex.*")):
        return b""
    return hashlib.sha256(index).digest()


def _entry(entry: bytes) -> tuple[str, str, bytes]:
    meta, _, path = entry.partition(b"\t")
    tag, mode, oid, _stage = meta.decode("ascii").split(" ")
    return tag, f"{mode} {oid}", path


def _modified(repository: Repository, local: Git) -> set[bytes]:
    """What differs; in `git status --porcelain=v2` a path follows 8 other fields, 10 if it is unmerged."""
    status = local.output(
        "status", "-z", "--porcelain=v2", "--untracked-files=no", "--ignore-submodules=all", "--no-renames",
        "--", ".", cwd=repository.root,
    )  # fmt: skip
    fields = {b"1": 8, b"u": 10}
    return {line.split(b" ", fields[line[:1]])[-1] for line in status.split(b"\0") if line[:1] in fields}


def _content(path: Path, oid: str) -> str:
    """Mode and git's object id of a file as it is, hashed as the repository does (by the length of `oid`)."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            target = os.fsencode(path.readlink())
            return f"120000 {_blob(len(target), oid, [target])}"
        if not stat.S_ISREG(mode):
            return f"special {stat.S_IFMT(mode):o}"
        # What was a file a moment ago may be a pipe by now.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            content = _blob(size, oid, iter(lambda: file.read(1 << 20), b""))
    except (FileNotFoundError, NotADirectoryError):
        return _ABSENT
    except OSError as error:
        return f"unreadable {error.errno}"
    return f"{'100755' if mode & 0o100 else '100644'} {content}"


def _blob(size: int, like: str, chunks: Iterable[bytes]) -> str:
    digest = hashlib.new("sha256" if len(like) == 64 else "sha1", b"blob %d\0" % size, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
