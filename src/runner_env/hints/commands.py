"""Stated shell text as atomic commands, each with its prerequisites, its folder and its variables."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from runner_env.hints.placeholders import fill, unfilled
from runner_env.hints.preparation import prepares
from runner_env.hints.shelltext import Simple, simple_commands, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner_env.hints.facts import Facts
    from runner_env.hints.model import Candidate

_ASSIGNMENT = re.compile(r"^([A-Za-z_]\w*)=(.*)$", re.DOTALL)
_LEADING_ASSIGNMENT = re.compile(r"""^[A-Za-z_]\w*=(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"'])*\s+""")
_LEADING = re.compile(r"^(?:(?:then|do|else|!|\{|time|sudo(?:\s+-[EHn]+)*|exec|command|env(?=\s+\w+=))\s+)+")
_CONTROL = frozenset(
    [
        "if",
        "elif",
        "for",
        "while",
        "until",
        "case",
        "fi",
        "done",
        "esac",
        "}",
        "{",
        "[",
        "[[",
        "test",
        "]]",
        "function",
        "select",
        "else",
        "then",
        "do",
    ]
)
_REDIRECTION = re.compile(r"\s*(?:&>>?|\d*>>?|\d*<)\s*(?:&\d|[^\s<>&|;]+)|\s*\d*>&(?:\d|-)")
_PRODUCERS = frozenset(
    ["cat", "echo", "printf", "yes", "find", "ls", "curl", "wget", "git", "seq", "head", "grep", "sort"]
)
_ACTIVATIONS = ("source ", ". ", "conda activate", "workon ", "nvm use", "module load", "pyenv ", "rbenv ", "asdf ")
_SILENT = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "set shopt echo printf ls pwd cat which whoami mkdir rm cp mv touch true false exit return sleep trap unset "
        "head tail grep sed awk tree less open chmod"
    ).split()
)
_EXAMPLE_SECRET = re.compile(r"(?i).*(?:<|\.\.\.|…|your|xxx|\*\*|api.?key|here).*|sk-.*|\W*")
_SECRET = re.compile(r"(?i)key|token|secret|passw")


@dataclass(frozen=True, slots=True)
class Atomic:
    """One simple command of a candidate.

    Attributes:
        text: as written, without variables before it, `sudo`, redirections and comment.
        words: its words without quotes.
        line: from 0, relative to the candidate's text.
        workdir: POSIX, relative to the repository; empty: its root.
        env: variables to set.
        prerequisites: what was stated before it and makes things ready for it.
        piped: whether it is a whole pipeline.
    """

    text: str
    words: tuple[str, ...]
    line: int
    workdir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    prerequisites: tuple[str, ...] = ()
    piped: bool = False


def atomic_commands(candidate: Candidate, facts: Facts) -> list[Atomic]:
    """The commands of `candidate` that are this repository's own and can be run as they are, in order.

    Left out are commands with unfilled placeholders, commands inside a checkout of another repository, and what only
    moves around or prints.
    """
    text = fill(candidate.text, candidate.values)
    return _Walk(candidate, facts).run(_pipelines(simple_commands(text)))


@lru_cache(maxsize=4_000)  # targets share lines
def split_commands(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of each simple command in `text`, without variables before it."""
    found = []
    for pieces in _pipelines(simple_commands(text)):
        words = words_of(_bare(pieces[0].text)[0])
        if words:
            found.append(words)
    return tuple(found)


def _pipelines(pieces: list[Simple]) -> Iterator[list[Simple]]:
    """Pieces joined by `|`; those behind `||` are left out, for they only run when the first has failed."""
    chain: list[Simple] = []
    skipping = False
    for piece in pieces:
        chain.append(piece)
        if piece.after in ("|", "|&"):
            continue
        if not skipping:
            yield chain
        skipping = piece.after == "||" or (skipping and piece.after == "&&")
        chain = []
    if chain and not skipping:
        yield chain


def _bare(text: str) -> tuple[str, dict[str, str]]:
    """The command without what stands before it, and the variables that are set for it."""
    env: dict[str, str] = {}
    before = ""
    while before != text:
        before = text
        text = _LEADING.sub("", text)
        match = _LEADING_ASSIGNMENT.match(text)
        if match:
            name, _, value = words_of(match[0])[0].partition("=")
            env[name] = value
            text = text[match.end() :]
    return text.strip(), env


class _Walk:
    """Goes through the commands of one candidate and keeps what a shell would keep."""

    def __init__(self, candidate: Candidate, facts: Facts) -> None:
        self.facts = facts
        self.workdir = candidate.workdir
        self.env = dict(candidate.env)
        self.before = [text for whole in candidate.before for text in _apart(whole) if _is_ready(text)]
        self.made: set[str] = set()
        self.cloned: dict[str, bool] = {}
        self.foreign_from: str | None = None
        self.saved: list[tuple[int, str]] = []
        self.found: list[Atomic] = []

    def run(self, pipelines: Iterator[list[Simple]]) -> list[Atomic]:
        for pieces in pipelines:
            self._scope(pieces[0].depth)
            self._pipeline(pieces)
        return self.found

    def _scope(self, depth: int) -> None:
        while self.saved and self.saved[-1][0] > depth:
            self.workdir = self.saved.pop()[1]
        if depth and (not self.saved or self.saved[-1][0] < depth):
            self.saved.append((depth, self.workdir))

    def _pipeline(self, pieces: list[Simple]) -> None:
        text, env = _bare(pieces[0].text)
        words = words_of(text)
        if not words or words[0] in _CONTROL:
            return
        if len(words) == 1 and (match := _ASSIGNMENT.match(words[0])):
            self.env[match[1]] = match[2]
            return
        if len(pieces) > 1 and words[0] in _PRODUCERS:
            self._producer(pieces, env)
        else:
            self._simple(text, env, pieces[0])

    def _producer(self, pieces: list[Simple], env: dict[str, str]) -> None:
        """`cat x | program`: the whole of it, seen as its last program; never what is fetched and run at once."""
        last = words_of(_bare(pieces[-1].text)[0])
        first = words_of(_bare(pieces[0].text)[0])
        if not last or first[0] in ("curl", "wget") or last[0] in _SILENT or last[0] in ("bash", "sh", "tee"):
            return
        text = " | ".join(piece.text for piece in pieces)
        self._emit(text, last, env, pieces[0].line, piped=True)

    def _simple(self, text: str, env: dict[str, str], piece: Simple) -> None:
        text = text.strip().removesuffix(" --")  # a matrix's options stood behind it
        words = words_of(text)
        if not words:
            return
        if words[0] in ("export", "setenv", "set") and len(words) > 1 and "=" in words[1]:
            self._export(words[1:])
        elif words[0] in ("cd", "pushd", "chdir"):
            self._enter(words[1] if len(words) > 1 else "")
        elif words[0] == "popd":
            self.workdir, self.foreign_from = "", None
        elif words[0] == "git":
            self._git(words)
        elif words[0] == "mkdir":
            self.made.update(posixpath.normpath(posixpath.join(self.workdir, word)) for word in words[1:])
        elif text.startswith(_ACTIVATIONS):
            self.before.append(text)
        elif piece.after == "&":
            self.before.append(text + " &")
        elif words[0] not in _SILENT:
            self._emit(text, words, env, piece.line, piped=False)

    def _export(self, words: tuple[str, ...]) -> None:
        for word in words:
            match = _ASSIGNMENT.match(word)
            if match:
                self.env[match[1]] = match[2]

    def _git(self, words: tuple[str, ...]) -> None:
        if "clone" in words:
            places = [word for word in words[words.index("clone") + 1 :] if not word.startswith("-")]
            urls = [word for word in places if "/" in word or ":" in word]
            if urls:
                folder = re.sub(r"\.git$", "", places[-1].rstrip("/").rpartition("/")[2])
                self.cloned[folder] = self.facts.is_own_address(urls[0])
        elif "submodule" in words and _is_ready(" ".join(words)):
            self.before.append(" ".join(words))

    def _enter(self, folder: str) -> None:
        """`cd`: into a folder of the repository, into the repository itself, or into something that is not ours."""
        folder = folder.strip("'\"").rstrip("/")
        if folder in ("", "-", "~") or "$(git rev-parse" in folder or folder in ("$GITHUB_WORKSPACE", "$PWD"):
            self.workdir, self.foreign_from = "", None
            return
        if self.foreign_from is not None:
            if folder.startswith(".."):
                self.workdir, self.foreign_from = self.foreign_from, None
            return
        target = posixpath.normpath(posixpath.join(self.workdir, folder))
        named_after_it = folder not in self.cloned and self.facts.is_own_name(folder) and not self.facts.has(target)
        if self.cloned.get(folder) or named_after_it:
            return
        if target == "." or target.startswith(".."):
            self.workdir = ""  # out of a folder that was entered in an earlier block
        elif folder not in self.cloned and (target in self.made or self.facts.has(target) or is_build_folder(target)):
            self.workdir = target
        else:
            self.foreign_from = self.workdir

    def _emit(self, text: str, words: tuple[str, ...], env: dict[str, str], line: int, *, piped: bool) -> None:
        if self.foreign_from is not None:
            return
        stated = {**self.env, **env}
        used = {name: value for name, value in stated.items() if not _blank(name, value) and "$" not in value}
        missing = any(_blank(name, value) and not _SECRET.search(name) for name, value in env.items())
        known = [*used, *(name for name in stated if _SECRET.search(name))]
        if missing or unfilled(text, words, known) or "<<" in text or _is_prose(words):
            return
        if ">" in text or "<" in text:
            text = _REDIRECTION.sub("", text).strip()
            words = words_of(text)
        if not words:
            return
        self.found.append(Atomic(text, words, line, self.workdir, used, tuple(self.before), piped))
        if prepares(words):
            assignments = "".join(f"{name}={value} " for name, value in env.items())
            place = f"cd {self.workdir} && " if self.workdir else ""
            self.before.append(place + assignments + text)


def _apart(text: str) -> list[str]:
    """What was stated before, a command each, without comments; whole where one line depends on another."""
    pieces = simple_commands(text)
    if any(piece.depth or piece.after not in ("", "\n") for piece in pieces):
        return [text]
    if "<<" in text or any(_DEPENDENT.match(piece.text) for piece in pieces):
        return [text]
    return [piece.text for piece in pieces]


_DEPENDENT = re.compile(
    r"(?:cd|pushd|export|set|source|\.|if|for|while|case|function|[A-Za-z_]\w*=\S*$)(?:\s|$)|.*\(\)"
)
"""Lines that mean something to those below them."""


def _is_prose(words: tuple[str, ...]) -> bool:
    """A declaration, a line of BibTeX or of a help text."""
    return (
        "(" in words[0]
        or words[1:2] == ("=",)
        or words[-1].endswith("},")
        or (len(words) > 5 and words[2] in ("-", "\u2013"))
    )


def _blank(name: str, value: str) -> bool:
    return unfilled(value, (value,)) or (bool(_SECRET.search(name)) and bool(_EXAMPLE_SECRET.fullmatch(value)))


@lru_cache(maxsize=1_000)
def _is_ready(text: str) -> bool:
    """Whether a command stated earlier can be run as it is, and makes something ready."""
    if unfilled(text, words_of(text) if len(text) < 2_000 else ()):
        return False
    return any(prepares(words) for words in split_commands(text))


def is_build_folder(path: str) -> bool:
    """Whether a folder is by its name one that builds are made in; it need not be there yet."""
    return bool(re.fullmatch(r"(?:[\w.-]+/)*\.?_?(?:build|out|target|cmake-build-\w+|bld)[\w.-]*", path))
