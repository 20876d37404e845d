"""The journal of a run: one JSON object for each line, each sealed with the hash of all lines before it.

Format `runner-env/journal@1` (our own). A line is the canonical JSON (`runner_env.formats.canonical`) of

    at      when, RFC 3339 in UTC; only shown, and free to go backwards
    data    an object that belongs to the event
    event   what happened
    format  "runner-env/journal@1", in the first line only
    hash    SHA-256, hexadecimal, of `prev` followed by the canonical JSON of this object without `hash`
    n       1, 2, 3 ...
    prev    `hash` of the line before; 64 zeros in the first line

and a newline. Lines missing from the end cannot be noticed from inside: whoever keeps a journal's `head` and number
of entries elsewhere (the run record does) compares them with the report.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from runner_env.core import Finding, Verdict, Where
from runner_env.errors import EvidenceError
from runner_env.formats.canonical import canonical
from runner_env.formats.disk import on_disk, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FORMAT = "runner-env/journal@1"
GENESIS = "0" * 64
"""`prev` of the first line, and the head of an empty journal."""

MAX_LINE = 8 * 1024 * 1024
"""Bytes in a line, newline included; output never travels in events, so nothing honest comes near it."""

_MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line; the module describes the fields."""

    n: int
    at: str
    event: str
    data: Mapping[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What a journal is worth.

    Attributes:
        entries: lines that are whole and as they were written.
        head: hash of the last such line; `GENESIS` if there is none.
        problems: lines that were changed, removed, inserted or swapped (the first 50); empty for a sound journal.
        torn: the file ends in the middle of a line, as after a crash. Its event was never acted on: no problem.
        size: bytes of the lines before a torn one.
    """

    entries: int
    head: str
    problems: tuple[Finding, ...]
    torn: bool
    size: int = 0

    @property
    def ok(self) -> bool:
        """Whether every whole line is as it was written, in its place."""
        return not self.problems


def seal(n: int, at: str, event: str, data: Mapping[str, object], prev: str) -> tuple[bytes, str]:
    """A line and its hash.

    Raises:
        ValueError: a value that canonical JSON does not have, or a line of more than `MAX_LINE` bytes.
        TypeError: likewise, for a type.
    """
    entry: dict[str, object] = {"n": n, "at": at, "event": event, "data": data, "prev": prev}
    if n == 1:
        entry["format"] = FORMAT
    body = canonical(entry)
    digest = hashlib.sha256(prev.encode("ascii") + body).hexdigest()
    # Sorted keys put "hash" just before "n" and "prev", which have one spelling: the seal can be spliced in.
    tail = f'"n":{n},"prev":"{prev}"}}'.encode("ascii")
    if not body.endswith(tail):
        raise ValueError(f"{prev!r} is no hash")
    line = b'%s"hash":"%s",%s\n' % (body.removesuffix(tail), digest.encode("ascii"), tail)
    if len(line) > MAX_LINE:
        raise ValueError(f"event {event} has {len(line)} bytes; a journal line takes {MAX_LINE}")
    return line, digest


def encode(n: int, at: str, event: str, data: Mapping[str, object], prev: str) -> bytes:
    """The line for entry `n`, newline included. Raises as `seal` does."""
    return seal(n, at, event, data, prev)[0]


def decode(line: bytes) -> JournalEntry:
    """The entry in `line`, newline included, if the line is exactly as `encode` wrote it.

    Raises:
        ValueError: it is not.
    """
    try:
        fields = json.loads(line)
        entry = JournalEntry(*(fields[name] for name in JournalEntry.__slots__))
        rewritten, digest = seal(entry.n, entry.at, entry.event, entry.data, entry.prev)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("not a journal entry") from error
    if [type(fields[name]) for name in ("n", "at", "event", "data")] != [int, str, str, dict]:
        raise ValueError("not a journal entry")
    if rewritten != line or digest != entry.hash:
        raise ValueError("not as it was written")
    return entry


def verify(path: Path) -> JournalReport:
    """Check every line of a journal against its own hash and against the line before.

    Memory does not depend on the journal's length.

    Raises:
        EvidenceError: the file is missing or unreadable.
    """
    chain = _Chain(path.name)
    for number, line in _lines(path):
        chain.follow(number, line)
    return chain.report()


def read(path: Path) -> Iterator[JournalEntry]:
    """The entries of a journal, in order, without a torn last line; whether the lines are all there says `verify`.

    Raises:
        EvidenceError: the file is missing or unreadable, or a line is not as it was written; names the line.
    """
    for number, line in _lines(path):
        if not line.endswith(b"\n"):
            return
        try:
            yield decode(line)
        except ValueError as error:
            message = f"This line cannot be trusted: {error}."
            raise EvidenceError("journal_changed", message, where=Where(shown(path.name), number)) from error


class _Chain:
    """The state of a check, line by line."""

    def __init__(self, name: str) -> None:
        self._name = shown(name)
        self._entries = 0
        self._expected = 1
        self._head = GENESIS
        self._link: str | None = GENESIS
        self._problems: list[Finding] = []
        self._torn = False
        self._size = 0

    def follow(self, number: int, line: bytes) -> None:
        if not line.endswith(b"\n") and len(line) < MAX_LINE:
            self._torn = True
            return
        self._size += len(line)
        try:
            entry = decode(line)
        except ValueError:
            self._problem("journal_changed", number, "This line is not what was written here.")
            # What this line's hash was cannot be known, so the next line is taken at its word about it.
            self._expected, self._link = self._expected + 1, None
            return
        if entry.n != self._expected or self._link not in (None, entry.prev):
            self._problem("journal_gap", number, self._gap(entry))
        self._entries += 1
        self._head = self._link = entry.hash
        self._expected = entry.n + 1

    def report(self) -> JournalReport:
        return JournalReport(self._entries, self._head, tuple(self._problems), self._torn, self._size)

    def _gap(self, entry: JournalEntry) -> str:
        if entry.n == self._expected:
            return f"Entry {entry.n} does not continue the line before: it belongs to another history."
        return (
            f"Entry {self._expected} belongs here, but entry {entry.n} is here: lines were removed, added or swapped."
        )

    def _problem(self, code: str, line: int, message: str) -> None:
        if len(self._problems) < _MAX_PROBLEMS:
            where = Where(self._name, line)
            hint = "The evidence was changed after the run; do not trust its verdict. Run again."
            self._problems.append(Finding(code, message, where=where, hint=hint, verdict=Verdict.UNSCORED))


def _open(path: Path) -> BinaryIO:
    # A pipe in a journal's place must not make the reader wait.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise EvidenceError("evidence_io", f"{shown(path)} is not a regular file, so it is no journal.")
    return os.fdopen(fd, "rb")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with on_disk("read", path), _open(path) as file:
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            yield number, line
