"""Clones of remote repositories: one directory for each URL, ref and commit, made whole or not at all.

A clone holds one commit and nothing of its past or future, so that no later solution can be looked up in it
(red-team case RT085). It is handed out again only while it is exactly as it was made; whatever a run left in it
makes the next fetch take a fresh directory beside it. No clone is ever changed by this module.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.targets.remote import SHA, SHORT_SHA
from runner_env.targets.repository import config_text, object_format, scratch_git_dir, write_git_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.targets.git import Git
    from runner_env.targets.remote import Remote

_OWN_FILES = frozenset({"HEAD", "config", "index", "shallow"})


@dataclass(frozen=True, slots=True)
class Clones:
    """The clones of one target.

    Attributes:
        base: directory that holds the clones of all targets.
        remote: what is cloned.
        local: git for a look into existing clones.
    """

    base: Path
    remote: Remote
    local: Git

    def get(self) -> tuple[Path, str]:
        """A clone that is clean at the wanted revision, and its full commit id.

        The network is not asked if the ref is a commit id and a clean clone of it is there.

        Raises:
            TargetError: `ref_not_found`, `clone_failed`, `git_timeout`.
            OSError: `base` cannot be written.
        """
        ref = (self.remote.target.ref or "").lower()
        if SHORT_SHA.fullmatch(ref) or SHA.fullmatch(ref):
            for commit in self._present(ref):
                if found := self._pristine(commit):
                    return found, commit
        self.base.mkdir(parents=True, exist_ok=True)
        commit = self.remote.resolve()
        return self._pristine(commit) or self._make(commit), commit

    @property
    def _stem(self) -> str:
        """Readable and, by its digest, of this URL and ref alone."""
        target = self.remote.target
        digest = hashlib.sha256(f"{target.normalised}\n{target.ref or ''}".encode(errors="surrogateescape"))
        return f"{_slug(target.normalised)}-{digest.hexdigest()[:16]}"

    def _candidates(self, commit: str) -> Iterator[Path]:
        """The directories that may hold a clone of `commit`; the last one does not exist."""
        path = first = self.base / f"{self._stem}-{commit[:12]}"
        number = 1
        while os.path.lexists(path):
            yield path
            number += 1
            path = first.with_name(f"{first.name}-{number}")
        yield path

    def _present(self, ref: str) -> Iterator[str]:
        for head in sorted(self.base.glob(f"{self._stem}-*/.git/HEAD")):
            commit = head.read_text(errors="replace").strip()
            if SHA.fullmatch(commit) and commit.startswith(ref):
                yield commit

    def _pristine(self, commit: str) -> Path | None:
        return next((path for path in self._candidates(commit) if self._is_pristine(path, commit)), None)

    def _is_pristine(self, path: Path, commit: str) -> bool:
        """Whether files and git directory are as they were made: every content compared, ignored files counted."""
        git_dir = path / ".git"
        if path.is_symlink() or git_dir.is_symlink() or not git_dir.is_dir():
            return False
        if (git_dir / "objects/info/alternates").exists() or _control_files(git_dir) - _OWN_FILES:
            return False
        expected = {"HEAD": commit + "\n", "config": config_text(self._config(commit))}
        if any((git_dir / name).read_text(errors="surrogateescape") != text for name, text in expected.items()):
            return False
        with scratch_git_dir(head=commit, config=object_format(commit)) as scratch:
            # An index of our own: the one in the clone may have been told to look away.
            git = self.local.at(scratch, work_tree=path, index=scratch / "index", objects=git_dir / "objects")
            if git.run("read-tree", commit, cwd=path).code != 0:
                return False
            status = git.run(
                "status", "-z", "--porcelain=v2", "--untracked-files=all", "--ignored=matching", "--no-renames",
                "--ignore-submodules=none", cwd=path,
            )  # fmt: skip
        return status.code == 0 and not status.stdout

    def _config(self, commit: str) -> dict[str, str]:
        return {
            **object_format(commit),
            "core.autocrlf": "false",
            "remote.origin.url": self.remote.target.shown,
            "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*",
            "user.name": "runner-env",
            "user.email": "runner-env@localhost",
        }

    def _make(self, commit: str) -> Path:
        """Clone into a temporary sibling and rename it, so that a clone under its own name is always whole."""
        with tempfile.TemporaryDirectory(prefix=".new-", dir=self.base, ignore_cleanup_errors=True) as name:
            new = Path(name) / "clone"
            git_dir = new / ".git"
            git_dir.mkdir(parents=True)
            write_git_dir(git_dir, head=commit, config=self._config(commit))
            self.remote.bring(commit, git_dir)
            git = self.remote.git.at(git_dir, work_tree=new)
            checkout = git.run("checkout", "--quiet", "--force", "--detach", commit, cwd=new)
            if checkout.code != 0:
                raise self.remote.failed(checkout.stderr)
            shutil.rmtree(git_dir / "logs", ignore_errors=True)
            for leftover in _control_files(git_dir) - _OWN_FILES:
                (git_dir / leftover).unlink()
            return self._place(new, commit)

    def _place(self, new: Path, commit: str) -> Path:
        for path in self._candidates(commit):
            if os.path.lexists(path):
                continue
            try:
                return new.rename(path)
            except OSError:
                # Somebody else was quicker. A clone just made is as good as ours.
                if not os.path.lexists(path):
                    raise
                if self._is_pristine(path, commit):
                    return path
        return self._place(new, commit)


def _slug(url: str) -> str:
    path = url.partition("://")[2] or url.partition(":")[2]
    words = "_".join(part for part in path.removesuffix(".git").split("/")[-2:] if part)
    return re.sub(r"[^A-Za-z0-9._-]", "_", words).strip("._-")[-80:] or "target"


def _control_files(git_dir: Path) -> set[str]:
    """Everything in a git directory that is not an object: refs, hooks, logs, settings."""
    found: set[str] = set()
    for folder, folders, names in os.walk(git_dir):
        if Path(folder) == git_dir and "objects" in folders:
            folders.remove("objects")
        found |= {(Path(folder) / name).relative_to(git_dir).as_posix() for name in names}
    return found
