"""What every reader of a runner's text is made of: the protocol, and two kinds that a table can describe."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol

from runner_env.summaries.model import Counts, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOTHING = re.compile(r"(?!)")


class Reader(Protocol):
    """Reads one source's lines, one by one, and says at the end which sessions it saw."""

    def line(self, text: str, number: int) -> None:
        """Take the next line, clean and without its newline."""

    def close(self) -> list[Tally]:
        """All sessions, in their order."""


@dataclass(frozen=True)
class Kind:
    """One entry of the table of readers.

    Attributes:
        name: the reader's name; most often the runner's.
        anchors: an output without any of these bytes states nothing for this reader.
        make: a new reader.
        over: readers whose sessions are not counted where this one found a result, because it drove their runners or
            because their text looks the same.
        raw: whether it reads a machine's format, whose lines are neither quoted nor clipped.
    """

    name: str
    anchors: tuple[bytes, ...]
    make: Callable[[], Reader]
    over: tuple[str, ...] = ()
    raw: bool = False


class Sessions:
    """The base of hand-written readers: collects sessions.

    A session that began and did not end is reported by `pending`, so that what was cut off is never a pass.
    """

    runner: ClassVar[str] = ""

    def __init__(self) -> None:
        self.done: list[Tally] = []
        self.first = 0

    def begin(self, number: int) -> None:
        """The session begins here, unless it has begun before."""
        self.first = self.first or number

    def end(self, number: int, counts: Counts, *, good: bool = True, whole: bool = True, runner: str = "") -> None:
        """The session ends here with that statement."""
        self.done.append(Tally(runner or self.runner, counts, self.first or number, number, good, whole))
        self.first = 0

    def pending(self) -> bool:
        """Whether a session is open."""
        return False

    def close(self) -> list[Tally]:
        """All sessions; the last is not whole if another one was begun after it."""
        if self.done and self.pending():
            last = self.done[-1]
            self.done[-1] = replace(last, whole=False)
        return self.done


def counted(found: Mapping[str, str | None]) -> Counts:
    """Counts from named groups; the digits at a name's end are dropped, so `skipped2` adds to `skipped`.

    `one` is a single test that passed; beside `alone` nothing is known but what is stated.
    Missing passes, or else missing failures, are what is left of the total; a missing total is the sum.
    """
    sums: dict[str, int] = {"passed": 1} if found.get("one") is not None else {}
    for name, text in found.items():
        if text is not None and (key := name.rstrip("0123456789")) in _NAMES:
            sums[key] = sums.get(key, 0) + number_of(text)
    if found.get("alone") is not None:
        return Counts(None, sums.get("failed", 0), sums.get("errors", 0))
    return from_sums(sums)


def from_sums(sums: dict[str, int]) -> Counts:
    """Counts from what is stated; `more` are added to a stated total that lacks them, `less` taken out of it."""
    parts = {name: sums.get(name, 0) for name in ("passed", "failed", "errors", "skipped", "xfailed", "xpassed")}
    rest = sum(parts.values()) - parts["passed"] + sums.get("todo", 0)
    if "total" in sums:
        total = max(0, sums["total"] + sums.get("more", 0) - sums.get("less", 0))
        if "passed" not in sums:
            parts["passed"] = max(0, total - rest)
        elif "failed" not in sums:
            parts["failed"] = max(0, total - rest - parts["passed"])
    else:
        total = parts["passed"] + rest
    return Counts(**parts, deselected=sums.get("deselected"), total=total)


_NAMES = frozenset(
    ("passed", "failed", "errors", "skipped", "xfailed", "xpassed", "deselected", "total", "todo", "more", "less")
)


def number_of(text: str) -> int:
    """A count as text; thousands may be grouped; nothing is 0."""
    return int(text.replace(",", "")[:18] or 0)


@dataclass(frozen=True)
class Phrase:
    """A runner whose statement is one line.

    Attributes:
        pattern: the whole line; named groups are counts, `bad` says that the runner states a failure.
        evidence: a line that must have been seen before, since the last statement.
        sequel: a line that must follow within `within` lines.
        last: whether a statement replaces the one before (a running tally) instead of adding to it.
    """

    pattern: re.Pattern[str]
    evidence: re.Pattern[str] | None = None
    sequel: re.Pattern[str] | None = None
    within: int = 6
    last: bool = False


class PhraseReader(Sessions):
    """Reads the statements of one or several phrases of one runner."""

    def __init__(self, runner: str, phrases: tuple[Phrase, ...]) -> None:
        super().__init__()
        self.name = runner
        self.phrases = phrases
        self.seen = [phrase.evidence is None for phrase in phrases]
        self.waiting: tuple[Phrase, Tally] | None = None

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if self.waiting is not None:
            self._follow(text, number)
        for index, phrase in enumerate(self.phrases):
            if not self.seen[index] and phrase.evidence is not None and phrase.evidence.match(text):
                self.seen[index] = True
                self.begin(number)
            found = phrase.pattern.fullmatch(text)
            if found and self.seen[index]:
                self._stated(phrase, found, number)
                return

    def _stated(self, phrase: Phrase, found: re.Match[str], number: int) -> None:
        groups = found.groupdict()
        tally = Tally(self.name, counted(groups), self.first or number, number, good=not groups.get("bad"))
        self.first = 0
        self.seen = [one.evidence is None for one in self.phrases]
        if phrase.last:
            self.done = []
            self.seen = [True for _ in self.phrases]
        if phrase.sequel is None:
            self.done.append(tally)
        else:
            self.waiting = (phrase, tally)

    def _follow(self, text: str, number: int) -> None:
        assert self.waiting is not None
        phrase, tally = self.waiting
        if phrase.sequel is not None and phrase.sequel.match(text):
            self.done.append(tally)
            self.waiting = None
        elif number - tally.last > phrase.within:
            self.waiting = None


@dataclass(frozen=True)
class Block:
    """A runner whose statement is several lines, one for each count.

    Attributes:
        rows: pattern of a whole line with named groups; each is taken at most once in a block.
        need: names that must have been stated.
        between: lines that may lie between rows, besides blank ones.
        evidence: a line that must have been seen before; until it is seen again, a later block replaces an earlier one.
        last: whether a later block replaces an earlier one.
        closing: a line that must follow the rows; "" for none.
    """

    rows: re.Pattern[str]
    need: tuple[str, ...]
    between: re.Pattern[str] = NOTHING
    evidence: re.Pattern[str] | None = None
    closing: re.Pattern[str] | None = None
    last: bool = False


class BlockReader(Sessions):
    """Reads the statements of a block of rows."""

    def __init__(self, runner: str, block: Block) -> None:
        super().__init__()
        self.name = runner
        self.block = block
        self.ready = block.evidence is None
        self.start = 0
        self.stated = False
        self.sums: dict[str, int] = {}
        self.last = 0
        self.bad = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if self.block.evidence is not None and self.block.evidence.match(text):
            if self.sums:
                self._finish()
            self.ready, self.stated = True, False
            self.start = self.first = number
        found = self.block.rows.fullmatch(text) if self.ready else None
        if found:
            self._row({k: v for k, v in found.groupdict().items() if v is not None}, number)
        elif self.sums and self.block.closing is not None and self.block.closing.match(text):
            self._finish(closed=True)
        elif self.sums and text and not self.block.between.match(text):
            self._finish()

    def _row(self, groups: dict[str, str], number: int) -> None:
        if any(name in self.sums for name in groups):
            self._finish()
        self.begin(number)
        self.last = number
        for name, text in groups.items():
            if name == "bad":
                self.bad = True
            else:
                self.sums[name] = number_of(text)

    def _finish(self, *, closed: bool = False) -> None:
        sums, self.sums = self.sums, {}
        if all(name in sums for name in self.block.need) and (closed or self.block.closing is None):
            groups = {name: str(value) for name, value in sums.items()}
            if self.block.last:
                self.done = []
            elif self.stated:
                self.done.pop()  # it was printed by a test
            self.stated = self.block.evidence is not None
            self.done.append(Tally(self.name, counted(groups), self.first, self.last, good=not self.bad))
        self.first = self.start
        self.bad = False

    def close(self) -> list[Tally]:
        """All sessions."""
        if self.sums:
            self._finish()
        return self.done
