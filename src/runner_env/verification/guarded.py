"""The files that say what a run is: its contract, and what git believes. A stage must leave them as they are."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runner_env.core import Finding, Where
from runner_env.targets.inside import shown
from runner_env.targets.repository import find_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BOOTSTRAP = ".aider_fsm/bootstrap.yml"
ACTIONS = ".aider_fsm/actions.yml"
_GIT_FILES = ("HEAD", "commondir", "config.worktree")
_SHARED_FILES = ("config", "packed-refs", "shallow", "info/attributes", "info/grafts", "objects/info/alternates")
_SHARED_FOLDERS = ("refs", "hooks")
_MOST_FILES = 5000
_MOST_BYTES = 16 << 20
_NAMED = 5
_HINT = "Let no stage write to the contract or to .git; what a run needs there belongs in before the run."


@dataclass(frozen=True, slots=True)
class Guarded:
    """The contract files, and of a git repository HEAD, refs, hooks and settings, at one moment.

    Attributes:
        files: by name, POSIX, relative to the repository where they lie in it: what each holds.
    """

    files: Mapping[str, str]

    @classmethod
    def now(cls, root: Path, contract: str) -> Self:
        """Look at them all.

        Args:
            root: the workspace, absolute and resolved.
            contract: the contract file, relative to it.
        """
        inside = f"{root}/"
        found = {name: _content(inside + name) for name in (contract, BOOTSTRAP, ACTIONS)}
        repository = find_repository(root)
        if repository is not None:
            for number, path in enumerate(_git_files(repository.git_dir, repository.common_dir)):
                found[path.removeprefix(inside)] = _content(path) if number < _MOST_FILES else _age(path)
        return cls(found)

    def changed(self, later: Guarded) -> tuple[str, ...]:
        """The names, sorted, of what differs: changed, made or removed."""
        names = self.files.keys() | later.files.keys()
        return tuple(sorted(name for name in names if self.files.get(name) != later.files.get(name)))


def changed_finding(stage: str, names: tuple[str, ...]) -> Finding:
    """What it means that a stage changed these."""
    some = ", ".join(shown(name) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    message = f"Stage {stage} changed what must stay as it is while a run goes on: {some}{more}."
    return Finding("contract_changed", message, Where(shown(names[0])), _HINT, stage=stage)


def _git_files(git_dir: Path, common_dir: Path) -> Iterator[str]:
    # Plain strings, because there are many and each stage has them looked at.
    yield from (f"{git_dir}/{name}" for name in _GIT_FILES)
    yield from (f"{common_dir}/{name}" for name in _SHARED_FILES)
    for name in _SHARED_FOLDERS:
        for folder, folders, names in os.walk(f"{common_dir}/{name}"):
            folders.sort()
            yield from (f"{folder}/{file}" for file in sorted(names))


def _content(path: str) -> str:
    """What a file is: its bytes and whether it can be executed, where a link leads, or that nothing is there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError:
        return _age(path)
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return _age(path)
        return f"{status.st_mode & 0o111:o} {hashlib.sha256(file.read()).hexdigest()}"


def _age(name: str) -> str:
    """What tells whether something changed that is not read: kind, size, age, and where a link leads."""
    path = Path(name)
    try:
        status = path.lstat()
        leads = str(path.readlink()) if stat.S_ISLNK(status.st_mode) else ""
        # What a link leads to is what is read through it.
        behind = hashlib.sha256(path.read_bytes()).hexdigest() if leads and path.is_file() else ""
    except OSError as error:
        return f"error {error.errno}"
    return f"{status.st_mode:o} {status.st_size} {status.st_ctime_ns} {leads} {behind}"
