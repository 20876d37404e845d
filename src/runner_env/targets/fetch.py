"""From what the user wrote to a directory at a known revision."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from runner_env.errors import OptionError, RunnerEnvError, TargetError, TargetNotFound
from runner_env.targets.address import (
    ArchiveTarget,
    GitTarget,
    LocalTarget,
    is_archive_name,
    masked,
    parse_shorthand,
    parse_target,
    split_ref,
    without_credentials,
)
from runner_env.targets.clones import Clones
from runner_env.targets.dataset import Dataset, parse_dataset
from runner_env.targets.git import Git
from runner_env.targets.remote import Remote
from runner_env.targets.repository import find_repository, has_unread_git, is_git_dir, read_head
from runner_env.targets.snapshots import unusable
from runner_env.targets.submodules import refuse_unsafe_submodules
from runner_env.targets.tracked import is_dirty, snapshot

if TYPE_CHECKING:
    from runner_env.settings import Settings
    from runner_env.targets.archives import Archives
    from runner_env.targets.repository import Repository

TIMEOUT_NAME = "AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS"
"""Environment variable: seconds for all of a clone."""

GITHUB_NAME = "RUNNER_ENV_GITHUB_BASE"
"""Environment variable: the address of a mirror of GitHub."""

_GITHUB = re.compile(
    r"(?:https?://(?:www\.)?github\.com/|ssh://(?:[^/@]*@)?github\.com/|[^/@:]*@github\.com:)", re.IGNORECASE
)
_LEAST_HUB_S = 600.0
_DEFAULT_TIMEOUT_S = 90.0
_MAX_TIMEOUT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Revision:
    """Exactly which revision a checkout is.

    Attributes:
        kind: `git`, `archive`, `dataset`, `none` where nothing keeps revisions, or `unknown` where a `.git` is there
            that cannot be read as a repository (broken, forbidden, or git itself is missing).
        commit: full commit id, None before the first commit; the SHA-256 of an archive; the Hub's commit of a dataset.
        ref: for a clone the ref asked for, for a path the branch checked out; None if there is none.
        dirty: whether tracked files differ from `commit`; None if unknown.
        url: where it came from, without credentials: the URL cloned, or the path's remote `origin`.
    """

    kind: Literal["git", "archive", "dataset", "none", "unknown"]
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
        source: `path` for the user's own directory; for a directory of ours what it was made from: `git`, `archive`
            or `dataset`.
    """

    root: Path
    revision: Revision
    source: Literal["path", "git", "archive", "dataset"]


def fetch(target: str | Path, *, settings: Settings, clones_dir: Path | None = None) -> Checkout:
    """Bring a target to this machine.

    A path that exists wins over every other meaning of the text; nothing is written into it. A git URL (see
    `parse_target`) is cloned into `clones_dir`, at exactly the revision that its ref names now; where git does not get
    through to GitHub, its archive is taken. An archive, by path or URL, is taken apart there; of a dataset on the
    Hugging Face Hub a snapshot is taken. `owner/repo[@ref]`, if no such path exists, is a repository on GitHub. A
    `Path` is never taken for any of these but an archive file.

    Args:
        target: a directory, an archive, a bare repository whose name ends in `.git`, or a URL; repositories with
            `@ref`.
        settings: the environment for git, and where clones live by default.
        clones_dir: where clones live (default: `settings.targets_dir`).

    Raises:
        OptionError: `AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS` (seconds, default 90) is not a positive number.
        TargetNotFound: a path, and nothing is there.
        TargetError: everything else that stands in the way; `code` tells what.
    """
    text = os.fspath(target)
    base = (clones_dir or settings.targets_dir).expanduser().absolute()
    path = _existing(text, settings)
    if path is not None and not _is_archive(path):
        return _cloned(GitTarget(_file_url(path)), settings, base) if _is_bare(path) else _local(path, settings)
    try:
        if path is not None:
            return _unpacked(_archives(settings, base).of_file(path), path.as_uri())
        return (
            _remote(text, settings, base) if isinstance(target, str) else _cloned(_bare(text, settings), settings, base)
        )
    except OSError as error:
        if isinstance(error, RunnerEnvError):
            raise
        raise unusable(base, error) from error


def is_remote(target: str | Path, settings: Settings) -> bool:
    """Whether `fetch` would have to get `target` from somewhere else. Only the path is looked up."""
    text = os.fspath(target)
    if isinstance(target, Path) or _existing(text, settings) is not None:
        return False
    if parse_dataset(text, settings.environ):
        return True
    return not isinstance(parse_target(text), LocalTarget) or parse_shorthand(text) is not None


def _remote(text: str, settings: Settings, base: Path) -> Checkout:
    """What a text means that is no path."""
    if dataset := parse_dataset(text, settings.environ):
        return _snapshot(dataset, settings, base)
    wanted = parse_target(text)
    if isinstance(wanted, ArchiveTarget):
        return _unpacked(_archives(settings, base).of_url(wanted.url), without_credentials(wanted.url))
    if isinstance(wanted, GitTarget):
        return _cloned(wanted, settings, base)
    if shorthand := parse_shorthand(text):
        return _from_shorthand(*shorthand, settings, base)
    return _cloned(_bare(text, settings), settings, base)


def _snapshot(dataset: Dataset, settings: Settings, base: Path) -> Checkout:
    from runner_env.targets.hub import Hub

    timeout_s = max(clone_timeout_s(settings), _LEAST_HUB_S)
    root, commit = Hub(base, _git(settings), settings.environ, timeout_s).get(dataset)
    return Checkout(
        root.resolve(), Revision("dataset", commit, dataset.revision, dirty=False, url=dataset.url), "dataset"
    )


def _from_shorthand(name: str, ref: str | None, settings: Settings, base: Path) -> Checkout:
    try:
        return _cloned(GitTarget(f"{_github(settings)}/{name}.git", ref), settings, base)
    except TargetError as error:
        if error.code != "clone_failed":
            raise
        error.hint = f"There is no directory {name!r} here either; was a path meant? {error.hint or ''}".rstrip()
        raise


def _github(settings: Settings) -> str:
    return settings.environ.get(GITHUB_NAME, "").strip().rstrip("/") or "https://github.com"


def _archives(settings: Settings, base: Path) -> Archives:
    from runner_env.targets.archives import Archives
    from runner_env.targets.unpack import UnpackLimits

    return Archives(base, _git(settings), UnpackLimits.of(settings.environ), clone_timeout_s(settings))


def _git(settings: Settings) -> Git:
    return Git.local(settings.environ, timeout_s=clone_timeout_s(settings))


def _unpacked(found: tuple[Path, str], url: str) -> Checkout:
    root, digest = found
    return Checkout(root.resolve(), Revision("archive", digest, dirty=False, url=url), "archive")


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
    try:
        return _by_git(target, settings, base)
    except TargetError as error:
        repository = _on_github(target, settings)
        if repository is None or error.code not in {"clone_failed", "git_timeout"}:
            raise
        try:
            root, digest, url = _archives(settings, base).of_github(repository, target.ref)
        except TargetError as also:
            error.message = f"{error.message.rstrip('.')}. Nor could its archive be had: {also.message}"
            raise error from also
        return Checkout(root.resolve(), Revision("archive", digest, target.ref, dirty=False, url=url), "archive")


def _on_github(target: GitTarget, settings: Settings) -> str | None:
    """The address of a repository on GitHub, without `.git`; None if it is elsewhere."""
    base = _github(settings)
    path = _GITHUB.sub("", target.shown)
    if path == target.shown:
        path = path.removeprefix(f"{base}/")
    repository = path.strip("/").removesuffix(".git")
    return f"{base}/{repository}" if parse_shorthand(repository) else None


def _by_git(target: GitTarget, settings: Settings, base: Path) -> Checkout:
    timeout_s = clone_timeout_s(settings)
    git = Git.remote(settings.environ, timeout_s=timeout_s, credentials=target.credentials, host=_host(target.shown))
    local = Git.local(settings.environ, timeout_s=timeout_s)
    try:
        root, commit = Clones(base, Remote(target, git), local).get()
    except OSError as error:
        raise unusable(base, error) from error
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


def _is_archive(path: Path) -> bool:
    return is_archive_name(path.name) and path.is_file()


def _is_bare(path: Path) -> bool:
    return path.name.endswith(".git") and path.is_dir() and not (path / ".git").exists() and is_git_dir(path)


def _bare(text: str, settings: Settings) -> GitTarget:
    bare, ref = split_ref(text) if ".git@" in text else (text, None)
    path = _existing(bare, settings) if ref else None
    if path is None or not _is_bare(path):
        raise TargetNotFound(
            "target_not_found",
            f"There is nothing at {masked(text)!r}.",
            hint="Check the spelling. A repository on GitHub is named owner/repo, another by its whole URL, as in "
            "https://host/owner/repo.git or git@host:owner/repo.git, with @ref after it if wanted.",
        )
    return GitTarget(_file_url(path), ref)


def _file_url(path: Path) -> str:
    return "file://" + quote(os.fsencode(path))


def _host(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if mark else ""
