"""Trees that did not come by git (archives, datasets): kept as one commit of our own, whole or not at all.

Each is a repository with one commit, so that a run can tell which files a stage changed. The commit says nothing about
where the tree came from; its digest, which a note beside the tree keeps, does.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.errors import TargetError
from runner_env.targets.pristine import is_pristine
from runner_env.targets.repository import write_git_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner_env.targets.git import Git

_CONFIG = {"core.autocrlf": "false", "user.name": "runner-env", "user.email": "runner-env@localhost"}
_MOMENT = "1970-01-01T00:00:00 +0000"
"""Of every commit made here, so that equal trees have equal commits."""

_LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots of one target.

    Attributes:
        base: directory that holds those of all targets.
        identity: what tells this target from any other: its URL and what is wanted of it.
        name: a readable name for it.
        local: git for looking into snapshots and for making their commit.
    """

    base: Path
    identity: str
    name: str
    local: Git

    @contextmanager
    def making(self) -> Iterator[None]:
        """Hold the right to make one: who comes second waits, and finds what the first one made. Raises `OSError`."""
        self.base.mkdir(parents=True, exist_ok=True)
        with (self.base / f".{self._stem}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def find(self, digest: str) -> Path | None:
        """One that is exactly as it was made of `digest`; None if there is none."""
        for path in self._candidates(digest):
            if not os.path.lexists(path):
                return None
            note = _read_note(_note(path))
            if note.get("digest") == digest and is_pristine(path, note.get("commit", ""), _CONFIG, self.local):
                return path
        return None

    def make(self, digest: str, fill: Callable[[Path], Path]) -> Path:
        """Make one beside those that are there.

        Args:
            digest: of what it is made of.
            fill: fills an empty directory; returns where in it the tree begins.

        Raises:
            TargetError: what `fill` raises; `git_failed`.
            OSError: `base` cannot be written.
        """
        with tempfile.TemporaryDirectory(prefix=".new-", dir=self.base, ignore_cleanup_errors=True) as name:
            empty = Path(name) / "tree"
            empty.mkdir()
            tree = fill(empty)
            commit = _commit(tree, self.local)
            path = next(path for path in self._candidates(digest) if not os.path.lexists(path))
            _write_note(_note(path), {"digest": digest, "commit": commit})
            return tree.rename(path)

    @property
    def _stem(self) -> str:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", self.name).strip("._-")[-60:] or "target"
        return f"{name}-{hashlib.sha256(self.identity.encode(errors='surrogateescape')).hexdigest()[:16]}"

    def _candidates(self, digest: str) -> Iterator[Path]:
        """The directories that may hold it; the last one does not exist."""
        path = first = self.base / f"{self._stem}-{digest[:12]}"
        number = 1
        while os.path.lexists(path):
            yield path
            number += 1
            path = first.with_name(f"{first.name}-{number}")
        yield path


def _commit(tree: Path, local: Git) -> str:
    git_dir = tree / ".git"
    git_dir.mkdir()
    write_git_dir(git_dir, head="ref: refs/heads/none", config=_CONFIG)
    who = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _WHO.items()}
    git = local.at(git_dir, work_tree=tree).with_variables(who)
    git.output("add", "--all", "--force", ".", cwd=tree)
    made = git.output("write-tree", cwd=tree).decode("ascii").strip()
    commit = git.output("commit-tree", "-m", "snapshot", made, cwd=tree).decode("ascii").strip()
    (git_dir / "HEAD").write_text(commit + "\n")
    return commit


_WHO = {"NAME": "runner-env", "EMAIL": "runner-env@localhost", "DATE": _MOMENT}


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.snapshot.json")


def _read_note(path: Path) -> dict[str, str]:
    try:
        note = json.loads(path.read_bytes()[:_LONGEST_NOTE])
    except (OSError, ValueError):  # made by nobody we know: not to be handed out again
        return {}
    return note if isinstance(note, dict) else {}


def _write_note(path: Path, note: Mapping[str, str]) -> None:
    new = path.with_name(f".new-{path.name}")
    new.write_text(json.dumps(note))
    new.replace(path)


def unusable(base: Path, error: OSError) -> TargetError:
    """The error for a directory that cannot hold what is to be kept in it."""
    return TargetError(
        "clones_dir_unusable",
        f"{os.fspath(base)!r} cannot hold clones: {error.strerror}.",
        hint="Check its permissions and the free space, or name another clones_dir.",
    )
