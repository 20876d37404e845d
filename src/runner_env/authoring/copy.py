"""The isolated copy of a target in which an agent works: the root of a git repository of its own.

Left out are git's own directory, what runs left, environments, files with secrets, links that lead out, and what is
large; what an agent should know of is named in `left_out`.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runner_env.authoring import leftovers
from runner_env.core import Ambient
from runner_env.errors import TargetError
from runner_env.settings import Settings
from runner_env.targets.copies import copy_file
from runner_env.targets.git import Git
from runner_env.targets.ignored import ignored_by_git
from runner_env.targets.temporary import held_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FILES = 50_000
MOST_BYTES = 512 << 20
MOST_FILE_BYTES = 32 << 20
_MOST_IGNORED_BYTES = 1 << 20
_PREFIX = "agent-"
"""How the name of the directory begins that holds a copy."""

_COMMIT = (
    "-c", "user.name=runner-env", "-c", "user.email=runner-env@invalid", "-c", "commit.gpgSign=false",
    "-c", "core.compression=0", "-c", "core.fsync=none", "-c", "core.autocrlf=false", "-c", "core.safecrlf=false",
    "-c", "core.bigFileThreshold=1",
)  # fmt: skip
"""The last one has git write all files into one pack instead of one file for each."""


class AgentCopy:
    """A copy in use; a context manager, at whose end the files are gone.

    Attributes:
        root: where the agent works.
        source: the target that it was made from, resolved.
        ignored: what git ignores in the target, see `ignored_by_git`.
        left_out: what an agent does not find there although the repository has it, a sentence's end for each path.
    """

    def __init__(self, root: Path, source: Path, stack: ExitStack) -> None:
        self.root = root
        self.source = source
        self.ignored: frozenset[str] = frozenset()
        self.left_out: dict[str, str] = {}
        self._stack = stack

    @classmethod
    def make(cls, root: Path, below: Path, *, settings: Settings | None = None) -> Self:
        """Copy a target.

        Args:
            root: the target.
            below: existing or new directory in which the copies of all targets lie, so that one agent server sees them.
            settings: for the PATH that git is found on (default: from this process's environment).

        Raises:
            TargetError: `agent_copy`: a file cannot be read or written; or git is missing or fails.
        """
        source = root.resolve()
        stack = ExitStack()
        try:
            below.mkdir(parents=True, exist_ok=True, mode=0o700)
            holder = stack.enter_context(held_directory(_PREFIX, below.resolve()))
            copy = cls(holder / (source.name or "target"), source, stack)
            git = Git.local((settings or Settings.from_environ()).environ)
            copy.ignored = ignored_by_git(source, git)
            copy.left_out |= _Copying(source, copy.root, copy.ignored).run()
            _make_repository(copy.root, git)
        except OSError as error:
            stack.close()
            place = f"{os.fspath(error.filename)!r}: " if error.filename else ""
            message = f"The target cannot be copied for an agent: {place}{error.strerror or error}."
            raise TargetError("agent_copy", message, hint="Check permissions and free space.") from error
        except BaseException:
            stack.close()
            raise
        return copy

    def close(self) -> None:
        """Remove the files. May be called twice."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _make_repository(root: Path, git: Git) -> None:
    """One commit with all files, whose id no other copy has; hooks and templates of the user stay out."""
    git.output("init", "-q", "--template=", "--initial-branch=main", cwd=root)
    git.output(*_COMMIT, "add", "--all", cwd=root)
    message = f"A copy for an agent ({Ambient().token(8)})"
    git.output(*_COMMIT, "commit", "-q", "--allow-empty", "--no-verify", "-m", message, cwd=root)


@dataclass(slots=True)
class _Copying:
    """One copying, level by level, so that what is left out for want of room lies deepest."""

    source: Path
    target: Path
    ignored: frozenset[str]
    files: int = 0
    size: int = 0
    left: dict[str, str] = field(default_factory=dict)
    crowded: int = 0

    def run(self) -> dict[str, str]:
        self.target.mkdir(mode=0o755)
        pending = deque([""])
        while pending:
            folder = pending.popleft()
            for path, mode, size in _listed(self.source, folder):
                if self._unwanted(path, mode, size):
                    continue
                if stat.S_ISDIR(mode):
                    (self.target / path).mkdir(mode=0o755)
                    pending.append(path)
                elif stat.S_ISLNK(mode):
                    self._link(path)
                elif stat.S_ISREG(mode):
                    self._file(path, size)
        if self.crowded:
            self.left["…"] = f"and {self.crowded} further files are not in this copy: there are too many"
        return self.left

    def _unwanted(self, path: str, mode: int, size: int) -> bool:
        if leftovers.is_git(path) or leftovers.is_output(path) or leftovers.is_secret(path):
            return True
        if leftovers.is_byproduct(path) or _is_virtualenv(self.source / path):
            return True
        if path in self.ignored:
            held = _size_below(self.source / path, _MOST_IGNORED_BYTES) if stat.S_ISDIR(mode) else size
            return held > _MOST_IGNORED_BYTES
        return False

    def _file(self, path: str, size: int) -> None:
        if size > MOST_FILE_BYTES:
            self.left[path] = f"is not in this copy, for its size of {size >> 20} MiB"
        elif self.files >= MOST_FILES or self.size + size > MOST_BYTES:
            self.crowded += 1
        else:
            copy_file(self.source / path, self.target / path)
            # Whoever may not write a file of the target still has to be able to work here.
            (self.target / path).chmod(stat.S_IMODE((self.target / path).stat().st_mode) & 0o755 | 0o600)
            self.files += 1
            self.size += size

    def _link(self, path: str) -> None:
        """A link that stays inside, relative, so that it leads to the copy's own files."""
        link = self.source / path
        written = os.readlink(link)  # noqa: PTH115 - as it is written
        end = os.path.realpath(link)
        if end != str(self.source) and not end.startswith(f"{self.source}/"):
            self.left[path] = "is a link that leads out of the repository"
            return
        if written.startswith("/") or _climbs(written) > path.count("/"):
            written = os.path.relpath(end, link.parent)
        (self.target / path).symlink_to(written)


def _listed(source: Path, folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(source / folder) as listing:
        for item in sorted(listing, key=lambda entry: entry.name):
            found = item.stat(follow_symlinks=False)
            yield f"{folder}/{item.name}" if folder else item.name, found.st_mode, found.st_size


def _climbs(link: str) -> int:
    """How many levels above its own folder a link leads at most, by its spelling."""
    level = highest = 0
    for part in link.split("/"):
        level += {"..": 1, ".": 0, "": 0}.get(part, -1)
        highest = max(highest, level)
    return highest


def _is_virtualenv(path: Path) -> bool:
    return (path / "pyvenv.cfg").is_file()


def _size_below(folder: Path, enough: int) -> int:
    """The size of the files below a directory; anything over `enough` as soon as that is known."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            total += (Path(place) / name).lstat().st_size
            if total > enough:
                return total
    return total
