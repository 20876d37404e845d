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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.targets.pristine import OWN_FILES, control_files, is_pristine
from runner_env.targets.remote import SHA, SHORT_SHA
from runner_env.targets.repository import object_format, write_git_dir
from runner_env.targets.temporary import held_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.targets.git import Git
    from runner_env.targets.remote import Remote

UNFINISHED = ".new-"
"""How the name of a clone begins until it is whole."""


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
        return next(
            (path for path in self._candidates(commit) if is_pristine(path, commit, self._config(commit), self.local)),
            None,
        )

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
        with held_directory(UNFINISHED, self.base) as folder:
            new = folder / "clone"
            git_dir = new / ".git"
            git_dir.mkdir(parents=True)
            write_git_dir(git_dir, head=commit, config=self._config(commit))
            self.remote.bring(commit, git_dir)
            git = self.remote.git.at(git_dir, work_tree=new)
            checkout = git.run("checkout", "--quiet", "--force", "--detach", commit, cwd=new)
            if checkout.code != 0:
                raise self.remote.failed(checkout.stderr)
            shutil.rmtree(git_dir / "logs", ignore_errors=True)
            for leftover in control_files(git_dir) - OWN_FILES:
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
                if is_pristine(path, commit, self._config(commit), self.local):
                    return path
        return self._place(new, commit)


def _slug(url: str) -> str:
    path = url.partition("://")[2] or url.partition(":")[2]
    words = "_".join(part for part in path.removesuffix(".git").split("/")[-2:] if part)
    return re.sub(r"[^A-Za-z0-9._-]", "_", words).strip("._-")[-80:] or "target"
