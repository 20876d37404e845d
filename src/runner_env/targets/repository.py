"""Looking into a repository on this machine that may be hostile, without its configuration having a say.

Git is pointed at a throw-away git directory that borrows the repository's objects and index. The repository's own
`config` (fsmonitor, filters, external diffs, aliases, includes, promisor remotes, …) and `info/` are then simply not
read. The few settings that decide whether a file counts as modified are copied, if they have one of git's own words
as value. Only `rev-parse` and `config --list`, which start no programs, see the real directory; and they are asked only
what cannot be read without them: a process takes longer than all the rest.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.targets.address import without_credentials
from runner_env.targets.git import Git
from runner_env.targets.temporary import held_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COPIED = frozenset(
    {
        "core.autocrlf",
        "core.eol",
        "core.filemode",
        "core.ignorecase",
        "core.precomposeunicode",
        "core.sparsecheckout",
        "core.sparsecheckoutcone",
        "core.symlinks",
        "extensions.objectformat",
        "index.sparse",
    }
)
_SHA_LINE = re.compile(rb"([0-9a-f]{64}|[0-9a-f]{40})\n?")
_BRANCH_LINE = re.compile(rb"ref: (refs/heads/(?!\.)[\w./-]+)\n?", re.ASCII)
SCRATCH = "runner-env-git-"
"""How the name of a throw-away git directory begins."""

_MAX_READ = 1 << 26
_CONFIGS: dict[tuple[str, bytes, bytes], dict[str, str]] = {}
"""What git made of configuration files, by its program and their contents."""

_MAX_CONFIGS = 64

_VALUE = re.compile(r"true|false|yes|no|on|off|0|1|input|lf|crlf|native|sha1|sha256")


@dataclass(frozen=True, slots=True)
class Repository:
    """Where the parts of a repository are.

    Attributes:
        root: the directory asked for, absolute and resolved.
        top: the top of its working tree: `root` or a directory above it.
        git_dir: index and HEAD of this working tree.
        common_dir: objects and refs; differs from `git_dir` for a linked working tree.
    """

    root: Path
    top: Path
    git_dir: Path
    common_dir: Path

    @property
    def prefix(self) -> str:
        """What the path of every file under `root` begins with: empty, or ending in a slash."""
        relative = self.root.relative_to(self.top).as_posix()
        return "" if relative == "." else relative + "/"


@dataclass(frozen=True, slots=True)
class Head:
    """What is checked out.

    Attributes:
        commit: full commit id, None before the first commit.
        ref: branch name, None if none is checked out.
        url: of the remote named origin, without credentials, None if there is none.
        config: settings to copy into a throw-away git directory.
    """

    commit: str | None
    ref: str | None
    url: str | None
    config: Mapping[str, str]


def find_repository(root: Path) -> Repository | None:
    """The repository whose working tree holds `root` (absolute, resolved), found as git finds it, or None."""
    for top in (root, *root.parents):
        git_dir = _git_dir(top)
        if git_dir is not None:
            return Repository(root, top, git_dir, _common_dir(git_dir))
    return None


def has_unread_git(root: Path, below: Repository | None = None) -> bool:
    """Whether a `.git` that is no repository (broken, or not ours to read) lies in `root` or above it.

    Args:
        root: absolute, resolved.
        below: what `find_repository` found, where the search ends.
    """
    for top in (root, *root.parents):
        if below is not None and top == below.top:
            return False
        if os.path.lexists(top / ".git"):
            return True
    return False


def is_git_dir(path: Path) -> bool:
    """Whether git would take `path` for a git directory (gitrepository-layout(5))."""
    return os.path.lexists(path / "HEAD") and _common_dir(path).joinpath("objects").is_dir()


def read_head(repository: Repository, git: Git) -> Head:
    """What is checked out, read from the real git directory.

    Raises:
        TargetError: `git_failed`: git cannot make sense of the repository.
    """
    real = git.at(repository.git_dir)
    config = _read_config(repository, real)
    url = config.get("remote.origin.url")
    commit, ref = _plain_head(repository) or _asked_head(repository, real)
    return Head(
        commit=commit,
        ref=ref.removeprefix("refs/heads/") if ref and ref.startswith("refs/") else None,
        url=without_credentials(url) if url else None,
        config={key: value for key, value in config.items() if key in _COPIED and _VALUE.fullmatch(value)},
    )


def plain_bytes(path: Path) -> bytes | None:
    """What a regular file of moderate size holds; None if it is not there or anything else. Never waits."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(_MAX_READ + 1)
    return data if len(data) <= _MAX_READ else None


def _read_config(repository: Repository, real: Git) -> dict[str, str]:
    """The repository's configuration. The same contents mean the same again, if they include no other file."""
    before = _config_files(repository)
    key = (real.program, *before)
    known = _CONFIGS.get(key)
    if known is None:
        listed = real.output("config", "--list", "-z", cwd=repository.root).decode(errors="surrogateescape")
        pairs = [entry.partition("\n") for entry in listed.split("\0") if entry]
        known = {name: value if newline else "true" for name, newline, value in pairs}
        if b"include" in b"".join(before).lower() or not before[0] or before != _config_files(repository):
            return known
        if len(_CONFIGS) >= _MAX_CONFIGS:
            _CONFIGS.clear()
        _CONFIGS[key] = known
    return known


def _config_files(repository: Repository) -> tuple[bytes, bytes]:
    shared, own = repository.common_dir / "config", repository.git_dir / "config.worktree"
    return plain_bytes(shared) or b"", plain_bytes(own) or b""


def _plain_head(repository: Repository) -> tuple[str, str] | None:
    """Commit and full ref (`HEAD` if no branch is checked out) where they are plainly written; else git must say."""
    head = plain_bytes(repository.git_dir / "HEAD") or b""
    if found := _SHA_LINE.fullmatch(head):
        return found[1].decode(), "HEAD"
    branch = _BRANCH_LINE.fullmatch(head)
    if branch is None or b".." in branch[1] or b"//" in branch[1]:
        return None
    ref = branch[1].decode()
    found = _SHA_LINE.fullmatch(plain_bytes(repository.common_dir / ref) or b"")
    return (found[1].decode(), ref) if found else None


def _asked_head(repository: Repository, real: Git) -> tuple[str | None, str | None]:
    found = real.run("rev-parse", "HEAD", "--symbolic-full-name", "HEAD", cwd=repository.root)
    if found.code != 0:
        return None, None
    commit, ref = found.stdout.decode(errors="surrogateescape").split()
    return commit, ref


@contextmanager
def borrowed(repository: Repository, head: Head, git: Git) -> Iterator[Git]:
    """Git on a throw-away git directory with the repository's objects, index and working tree."""
    with scratch_git_dir(head=head.commit, config=head.config) as scratch:
        for shared in repository.git_dir.glob("sharedindex.*"):
            (scratch / shared.name).symlink_to(shared)
        yield git.at(
            scratch,
            work_tree=repository.top,
            index=repository.git_dir / "index",
            objects=repository.common_dir / "objects",
        )


@contextmanager
def scratch_git_dir(*, head: str | None = None, config: Mapping[str, str] | None = None) -> Iterator[Path]:
    """An empty git directory that is gone afterwards; `head` is a commit id (default: no commit yet)."""
    with held_directory(SCRATCH) as path:
        write_git_dir(path, head=head or "ref: refs/heads/none", config=config or {})
        yield path


def object_format(commit: str) -> dict[str, str]:
    """The setting that a repository with commit ids as long as this one needs."""
    return {"extensions.objectformat": "sha256"} if len(commit) == 64 else {}


def write_git_dir(path: Path, *, head: str, config: Mapping[str, str]) -> None:
    """Make an empty git directory at `path` (which exists) without asking any template."""
    for folder in ("objects", "refs"):
        (path / folder).mkdir()
    (path / "HEAD").write_text(head + "\n")
    (path / "config").write_text(config_text(config), encoding="utf-8", errors="surrogateescape")


def config_text(config: Mapping[str, str]) -> str:
    """A git configuration file (git-config(1)): keys as `section.name` or `section.subsection.name`."""
    version = "1" if "extensions.objectformat" in config else "0"
    lines = []
    for key, value in {"core.repositoryformatversion": version, "core.bare": "false", **config}.items():
        section, _, name = key.rpartition(".")
        section, dot, subsection = section.partition(".")
        lines += [f'[{section} "{subsection}"]' if dot else f"[{section}]", f"\t{name} = {_quoted(value)}"]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _git_dir(top: Path) -> Path | None:
    entry = top / ".git"
    try:
        if entry.is_file():
            entry = top / _first_line(entry).removeprefix("gitdir:").lstrip(" ")
        return entry if is_git_dir(entry) else None
    except PermissionError:
        # Not a repository for us, and not nothing either: `has_unread_git` tells.
        return None


def _common_dir(git_dir: Path) -> Path:
    pointer = git_dir / "commondir"
    return git_dir / _first_line(pointer) if pointer.is_file() else git_dir


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        return os.fsdecode(file.read(8192).rstrip(b"\r\n").replace(b"\0", b""))
