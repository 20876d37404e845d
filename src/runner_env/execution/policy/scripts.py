"""Finding and reading the shell scripts that a command starts, within bounds."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from runner_env.core import Where
from runner_env.execution.policy.markers import cleaned

MAX_SCRIPT_BYTES = 2_000_000
_MAX_TOTAL_BYTES = 4 * MAX_SCRIPT_BYTES
_SHEBANG = re.compile(rb"#!\s*\S*?(?:/env\s+(?:-\S+\s+)*(?:\w+=\S*\s+)*)?(?:\S*/)?(?:ba|da|z|k|mk|a|rba)?sh(?:\s|$)")
_SUFFIXES = frozenset((".sh", ".bash", ".zsh", ".ksh", ".dash"))


class ScriptProblem(Exception):
    """A script that cannot be judged.

    Attributes:
        code: the refusal's code.
        where: the script.
    """

    def __init__(self, code: str, name: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.where = Where(name)


@dataclass(frozen=True, slots=True)
class Script:
    """The text of one script; `name` is POSIX, relative to the repository."""

    name: str
    text: str
    path: Path


@dataclass(slots=True)
class Scripts:
    """The scripts inside one repository, each handed out once, libraries apart; `being_read` are not done yet."""

    root: Path
    seen: set[Path] = field(default_factory=set)
    being_read: set[Path] = field(default_factory=set)
    total: int = 0

    def load(self, path: str, *, as_shell: bool, again: bool = False) -> Script | None:
        """Read a script that is about to be started.

        Args:
            path: absolute.
            again: hand it out although it was before, unless it is being read: a library means something to each
                script that sources it.
            as_shell: a shell was told to read it; otherwise it is executed by itself and may be no shell script at all.

        Returns:
            None for a file that is missing, outside the repository, no shell script, or was handed out before.

        Raises:
            ScriptProblem: `unreadable_script`, it is there but not a regular file, or not readable;
                `script_too_large`, it has more than 2 000 000 bytes, or all scripts together have more than 8 000 000.
        """
        located = self._locate(path)
        if located is None or located in self.being_read or (located in self.seen and not again):
            return None
        name = self.name(path)
        data = _read(located, name, as_shell=as_shell)
        if data is None:
            return None
        self.total += len(data) if located not in self.seen else 0
        self.seen.add(located)
        if len(data) > MAX_SCRIPT_BYTES or self.total > _MAX_TOTAL_BYTES:
            raise ScriptProblem("script_too_large", name, f"{name} has more than {MAX_SCRIPT_BYTES} bytes")
        return Script(name, cleaned(data.decode("utf-8", "replace")), located)

    def text(self, path: str) -> str | None:
        """What a file inside the repository holds, at most 2 000 000 bytes; None for what is none, or not readable."""
        located = self._locate(path)
        try:
            if located is None or not stat.S_ISREG(located.stat().st_mode):
                return None
            with open(located, "rb", opener=_open_at_once) as file:
                return cleaned(file.read(MAX_SCRIPT_BYTES).decode("utf-8", "replace"))
        except OSError:
            return None

    def holds(self, path: str) -> bool:
        """Whether a path leads to something inside the repository, links followed."""
        return self._locate(path) is not None

    def name(self, path: str) -> str:
        """A path as reports have it: relative to the repository."""
        located = self._locate(path)
        return path if located is None else located.relative_to(self.root.resolve()).as_posix()

    def _locate(self, path: str) -> Path | None:
        try:
            real, root = Path(path).resolve(), self.root.resolve()
        except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL or an endless name: no shell can start it
            return None
        return real if real.is_relative_to(root) else None


def _read(path: Path, name: str, *, as_shell: bool) -> bytes | None:
    """At most one byte more than the limit; None for a missing file, a directory or no shell script."""
    surely = as_shell or path.suffix in _SUFFIXES
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            return None
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "not a regular file")
        with open(path, "rb", opener=_open_at_once) as file:
            head = file.read(512)
            if not as_shell and not _looks_like_shell(path, head):
                return None
            return head + file.read(MAX_SCRIPT_BYTES + 1 - len(head))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        # A loop of links starts nowhere; a program that is no script may well be run and not be read.
        if getattr(error, "errno", None) == errno.ELOOP or not surely:
            return None
        raise ScriptProblem("unreadable_script", name, f"{name} cannot be read ({error})") from error


def _open_at_once(path: str, flags: int) -> int:
    # A FIFO that has taken the file's place since would make a plain open wait for ever.
    return os.open(path, flags | os.O_NONBLOCK)


def _looks_like_shell(path: Path, head: bytes) -> bool:
    if head.startswith(b"#!"):
        return bool(_SHEBANG.match(head))
    # Without a first line that says otherwise, a shell runs a text file itself.
    return path.suffix in _SUFFIXES or (not path.suffix and b"\0" not in head)
