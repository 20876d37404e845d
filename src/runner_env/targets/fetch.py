"""From what the user wrote to a directory at a known revision."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from runner_env.errors import OptionError, TargetError, TargetNotFound
from runner_env.targets.address import GitTarget, LocalTarget, masked, parse_target, split_ref
from runner_env.targets.clones import Clones
from runner_env.targets.git import Git
from runner_env.targets.remote import Remote
from runner_env.targets.repository import find_repository, has_unread_git, is_git_dir, read_head
from runner_env.targets.submodules import refuse_unsafe_submodules
from runner_env.targets.tracked import is_dirty, snapshot

if TYPE_CHECKING:
    from runner_env.settings import Settings
    from runner_env.targets.repository import Repository

TIMEOUT_NAME = "AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS"
"""Environment variable: seconds for all of a clone."""

_DEFAULT_TIMEOUT_S = 90.0
_MAX_TIMEOUT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Revision:
    """Exactly which revision a checkout is.

    Attributes:
        kind: `git`, `none` where nothing keeps revisions, or `unknown` where a `.git` is there that cannot be read as
            a repository (broken, forbidden, or git itself is missing).
        commit: full commit id; None before the first commit.
        ref: for a clone the ref asked for, for a path the branch checked out; None if there is none.
        dirty: whether tracked files differ from `commit`; None if unknown.
        url: where it came from, without credentials: the URL cloned, or the path's remote `origin`.
    """

    kind: Literal["git", "none", "unknown"]
    commit: str | None = None
    ref: str | None = None
    dirty: bool | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """A target on this machine.

    Attributes:
        root: absolute, symbolic links resolved.
        revision: what it is a checkout of.
        source: `path` for the user's own directory, `git` for a clone of ours.
    """

    root: Path
    revision: Revision
    source: Literal["path", "git"]


def fetch(target: str | Path, *, settings: Settings, clones_dir: Path | None = None) -> Checkout:
    """Bring a target to this machine.

    A path that exists wins over every other meaning of the text; nothing is written into it. A git URL (see
    `parse_target`) is cloned into `clones_dir`, at exactly the revision that its ref names now. A `Path` is never
    taken for a URL.

    Args:
        target: a directory, a bare repository whose name ends in `.git`, or a git URL, the latter two with `@ref`.
        settings: the environment for git, and where clones live by default.
        clones_dir: where clones live (default: `settings.targets_dir`).

    Raises:
        OptionError: `AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS` (seconds, default 90) is not a positive number.
        TargetNotFound: a path, and nothing is there.
        TargetError: everything else that stands in the way; `code` tells what.
    """
    text = os.fspath(target)
    path = _existing(text, settings)
    if path is None:
        wanted = LocalTarget(text) if isinstance(target, Path) else parse_target(text)
        wanted = wanted if isinstance(wanted, GitTarget) else _bare_with_ref(text, settings)
    elif _is_bare(path):
        wanted = GitTarget(_file_url(path))
    else:
        return _local(path, settings)
    return _cloned(wanted, settings, (clones_dir or settings.targets_dir).expanduser())


def clone_timeout_s(settings: Settings) -> float:
    """Seconds that a clone may take.

    Raises:
        OptionError: the variable is set to something else than a positive number of at most a day.
    """
    text = settings.environ.get(TIMEOUT_NAME, "").strip()
    try:
        value = float(text) if text else _DEFAULT_TIMEOUT_S
    except ValueError:
        value = 0.0
    if not 0.0 < value <= _MAX_TIMEOUT_S:
        raise OptionError(
            "clone_timeout",
            f"{TIMEOUT_NAME} is {text!r}, which is not a usable number of seconds.",
            hint=f"Set it to a number above 0 and up to {_MAX_TIMEOUT_S:.0f}, or unset it.",
        )
    return value


def _local(path: Path, settings: Settings) -> Checkout:
    if not path.is_dir():
        raise TargetError(
            "target_not_a_directory",
            f"{os.fspath(path)!r} is not a directory.",
            hint="Name the repository's directory.",
        )
    try:
        git = Git.local(settings.environ)
    except TargetError as error:
        if error.code != "git_missing":
            raise
        return _without_commit(path, None)
    refuse_unsafe_submodules(path, git)
    repository = find_repository(path)
    if repository is None:
        return _without_commit(path, None)
    head = read_head(repository, git)
    if repository.top != path and not snapshot(repository, head, git).files:
        # It lies in somebody's repository by accident: nothing in it is of that revision.
        return _without_commit(path, repository)
    return Checkout(path, Revision("git", head.commit, head.ref, is_dirty(repository, head, git), head.url), "path")


def _without_commit(path: Path, around: Repository | None) -> Checkout:
    return Checkout(path, Revision("unknown" if has_unread_git(path, around) else "none"), "path")


def _cloned(target: GitTarget, settings: Settings, base: Path) -> Checkout:
    timeout_s = clone_timeout_s(settings)
    git = Git.remote(settings.environ, timeout_s=timeout_s, credentials=target.credentials, host=_host(target.shown))
    local = Git.local(settings.environ, timeout_s=timeout_s)
    try:
        root, commit = Clones(base.absolute(), Remote(target, git), local).get()
    except OSError as error:
        raise TargetError(
            "clones_dir_unusable",
            f"{os.fspath(base)!r} cannot hold clones: {error.strerror}.",
            hint="Check its permissions and the free space, or name another clones_dir.",
        ) from error
    refuse_unsafe_submodules(root, local)
    return Checkout(root.resolve(), Revision("git", commit, target.ref, dirty=False, url=target.shown), "git")


def _existing(text: str, settings: Settings) -> Path | None:
    """The path, resolved, if something is there."""
    if not text.strip() or "\0" in text:
        return None
    try:
        path = _expanded(text, settings).resolve(strict=True)
        if path.is_dir():
            os.scandir(path).close()
            os.lstat(f"{path}/.")  # To look a name up takes another permission than to list the names.
        return path
    except PermissionError as error:
        raise TargetError(
            "target_unreadable",
            f"{text!r} cannot be read: {error.strerror}.",
            hint="Check its owner and its permissions, or run as a user who may read it.",
        ) from error
    except (OSError, RuntimeError):
        # Not there, a loop of links, no such user, or longer than any name: not an existing path.
        return None


def _expanded(text: str, settings: Settings) -> Path:
    home = settings.environ.get("HOME")
    if home and (text == "~" or text.startswith("~/")):
        return Path(home + text[1:])
    return Path(text).expanduser()


def _is_bare(path: Path) -> bool:
    return path.name.endswith(".git") and path.is_dir() and not (path / ".git").exists() and is_git_dir(path)


def _bare_with_ref(text: str, settings: Settings) -> GitTarget:
    bare, ref = split_ref(text) if ".git@" in text else (text, None)
    path = _existing(bare, settings) if ref else None
    if path is None or not _is_bare(path):
        raise TargetNotFound(
            "target_not_found",
            f"There is nothing at {masked(text)!r}.",
            hint="Check the spelling. A remote repository is named by its whole URL, as in "
            "https://host/owner/repo.git or git@host:owner/repo.git, with @ref after it if wanted.",
        )
    return GitTarget(_file_url(path), ref)


def _file_url(path: Path) -> str:
    return "file://" + quote(os.fsencode(path))


def _host(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if mark else ""
