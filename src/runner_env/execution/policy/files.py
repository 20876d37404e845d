"""What commands read and copy inside the repository, so that a script is known under every name that it gets."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.execution.policy.markers import BRACKET, QUESTION, STAR, UNKNOWN, literal, unread, unsure
from runner_env.execution.policy.places import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.execution.policy.interpreter import Interpreter
    from runner_env.execution.policy.invocation import Invocation
    from runner_env.execution.policy.state import State

_GLOBS = frozenset((STAR, QUESTION, BRACKET))
_MAX_MATCHES = 64
_MAX_WALK = 5_000
_PLAIN_TESTS = {"-name": 1, "-iname": 1, "-type": 1, "-maxdepth": 1, "-mindepth": 1, "-print": 0, "-print0": 0}


@dataclass(slots=True)
class Files:
    """The repository's files as one reading sees them; those that the text itself writes are in the state."""

    reading: Interpreter

    def text(self, path: str, state: State) -> str | None:
        """What a file holds that a command names; None if it is not in the repository, or not known."""
        full = absolute(literal(path), state.cwd)
        if full is None or unsure(full):
            return None
        return state.files[full] if full in state.files else self.reading.scripts.text(full)

    def fed(self, state: State) -> str | None:
        """What standard input holds, with a file read that is only named so far."""
        path = None if state.feed is None else unread(state.feed)
        if path is None:
            return state.feed
        found = self.reading.scripts.text(path)
        return UNKNOWN if found is None else found

    def matching(self, word: str, state: State) -> list[str]:
        """The files of the repository that a word with globs means, by absolute path."""
        if not _GLOBS & set(word):
            return []
        pattern = "".join(literal(letter) if letter in _GLOBS else glob.escape(letter) for letter in word)
        full = absolute(pattern, state.cwd)
        if full is None or unsure(full):
            return []
        holds = self.reading.scripts.holds
        found = {path for path in islice(glob.iglob(full), _MAX_MATCHES) if holds(path)}  # noqa: PTH207 - a star leaves hidden names out
        return sorted(found | {path for path in state.files if fnmatchcase(path, full)})[:_MAX_MATCHES]

    def printed(self, inv: Invocation, state: State) -> str | None:
        """What `cat`, `ls` and `find` print, as far as the repository tells; None for any other program."""
        if inv.name == "cat":
            return self._cat(inv, state)
        if inv.name == "ls":
            return self._ls(inv, state)
        if inv.name == "find":
            found = self.found(inv, state)
            return "".join(f"{path}\n" for path in found) if found else None
        return None

    def _cat(self, inv: Invocation, state: State) -> str:
        texts = [self.fed(state) if word == "-" else self.text(word, state) for word in inv.operands or ["-"]]
        return "".join(UNKNOWN if text is None else text for text in texts if inv.operands or text is not None)

    def _ls(self, inv: Invocation, state: State) -> str:
        if not inv.operands:
            return f"{STAR}\n"
        paths = [path for word in inv.operands for path in self.matching(word, state) or [word]]
        folder = any(Path(literal(absolute(path, state.cwd) or "/")).is_dir() for path in paths)
        return UNKNOWN if folder else "".join(f"{path}\n" for path in paths)

    def found(self, inv: Invocation, state: State) -> list[str]:
        """The files of the repository that `find … -name PATTERN` means; none where it asks for anything else."""
        starts, pattern, index = list[str](), "", 0
        words = inv.args
        while index < len(words) and words[index][:1] not in {"-", "(", "!"}:
            starts.append(words[index])
            index += 1
        while index < len(words) and words[index] not in {"-exec", "-execdir", "-delete"}:
            valued = _PLAIN_TESTS.get(words[index])
            if valued is None:
                return []
            if "name" in words[index]:
                pattern = literal(words[index + 1]) if index + 1 < len(words) else ""
            index += 1 + valued
        if not pattern:
            return []
        roots = [absolute(literal(start), state.cwd) for start in starts or ["."]]
        walked = (path for root in roots if root and self.reading.scripts.holds(root) for path in _walk(root))
        return sorted(islice((path for path in walked if fnmatchcase(path.rpartition("/")[2], pattern)), _MAX_MATCHES))

    def copied(self, inv: Invocation, state: State) -> None:
        """Remember what `cp`, `mv`, `ln` and `install` give another name."""
        if inv.name not in {"cp", "mv", "ln", "install"} or len(inv.operands) < 2:
            return
        *sources, target = inv.operands
        for source in sources[:_MAX_MATCHES]:
            text = self.text(source, state)
            if text is not None:
                name = literal(source).rstrip("/").rpartition("/")[2]
                for path in (target, f"{target}/{name}"):
                    state.remember(absolute(literal(path), state.cwd), text)


def _walk(root: str) -> Iterator[str]:
    """The files below a folder, of at most so many entries, hidden folders left out."""
    left = _MAX_WALK
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        left -= len(folders) + len(names)
        if left < 0:
            return
        yield from (f"{folder}/{name}" for name in sorted(names))
