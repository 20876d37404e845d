"""What a run did to the files that git tracks."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.settings import Settings
from runner_env.targets.git import Git
from runner_env.targets.repository import borrowed, find_repository, read_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from runner_env.targets.repository import Head, Repository

_ABSENT = "absent"


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
        listed = local.output("ls-files", "-z", "-s", "-v", "--full-name", "--", ".", cwd=repository.root)
        status = local.output(
            "status", "-z", "--porcelain=v2", "--untracked-files=no", "--ignore-submodules=all", "--no-renames",
            "--", ".", cwd=repository.root,
        )  # fmt: skip
    modified = _modified(status)
    files: dict[str, str] = {}
    for entry in filter(None, listed.split(b"\0")):
        meta, _, path = entry.partition(b"\t")
        tag, mode, oid, _stage = meta.decode("ascii").split(" ")
        indexed = f"{mode} {oid}"
        hidden = tag.islower() or tag.upper() == "S"
        name = os.fsdecode(path)
        if (path in modified or hidden) and mode != "160000":
            found = _content(repository.top / name, oid)
            indexed = indexed if found == _ABSENT and tag.upper() == "S" else found
        files[name.removeprefix(prefix)] = indexed
    return TrackedState(files, head.commit, dirty=bool(modified))


def _modified(status: bytes) -> set[bytes]:
    """Paths of `git status --porcelain=v2 -z` without renames: the field after 8 others, 10 for an unmerged path."""
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
