"""pytest's terminal report (https://docs.pytest.org), in its framed and its quiet form.

A suite may run pytest inside pytest and show the inner report among its captured output. Sessions nest: what is
stated within an open session is not counted.
"""

from __future__ import annotations

import re
from dataclasses import replace

from runner_env.summaries.kit import Sessions, from_sums
from runner_env.summaries.model import Tally

ANCHORS = (
    b"Results (",
    b" passed",
    b" failed",
    b" error",
    b" skipped",
    b" xfailed",
    b" xpassed",
    b"no tests ran",
    b" deselected",
)

_KINDS = {
    "passed": "passed",
    "failed": "failed",
    "error": "errors",
    "errors": "errors",
    "skipped": "skipped",
    "xfailed": "xfailed",
    "xpassed": "xpassed",
    "deselected": "deselected",
}
_PART = r"\d{1,9} [a-z]{1,20}(?: [a-z]{1,20}){0,3}"
LONGEST = 400
_TIME = r" in \d+(?:\.\d+)?s?(?: seconds)?(?: \(\d+(?: days?, )?[\d:]+\))?"
_STATED = re.compile(
    rf"(?:(?P<rule>=+) )?(?P<parts>{_PART}(?:, {_PART})*|no tests ran)(?P<time>{_TIME})(?: (?P<end>=+))?"
)
_HEAD = re.compile(
    r"(?:.{0,1000}[^=])?(?P<rule>=+ test session starts(?: \(.{1,120}\))? =+)"
)  # with -s right after a mark
_SECTION = re.compile(
    r"=+ (?:FAILURES|ERRORS|PASSES|XFAILURES|XPASSES|warnings summary(?: \(final\))?|short test summary info"
    r"|rerun test summary info) =+"
)
_WARNINGS = re.compile(r"=+ (?:warnings summary(?: \(final\))?|short test summary info) =+")
_SHORT = re.compile(r"(?:FAILED|ERROR|SKIPPED|XFAIL|XPASS|PASSED|SUBFAILED.{0,80}|RERUN) (?:\[\d+\] )?\S")
_DOTS = re.compile(r"(?:\S+\.py )?[.FEsxXRuy,]{1,400}(?: +\[ *\d{1,3}%\]| +\[ *\d+/\d+\])?")
_VERBOSE = re.compile(
    r"(?:\[gw\d+\] (?:\[ *\d+%\] )?(?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)|.{1,500}(?:::| )\S.{0,500} "
    r"(?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: .{0,200})?$)"
)
_COLLECTED = re.compile(
    r"bringing up nodes\.\.\."
    r"|(?:collecting \.\.\. ?)?collected \d+ items?|\d+ workers? \[\d+ items?\]|created: \d+/\d+ workers?"
)
_BROKEN = re.compile(
    r"!+ .{0,60}(?:KeyboardInterrupt|Interrupted: (?!\d+ errors? during collection|stopping after)"
    r"|_pytest\.outcomes\.Exit|Exit: ).{0,400}!+"
)
_INTERNAL = re.compile(r"INTERNALERROR> ")
_TABLE = re.compile(r"Results \(\d+(?:\.\d+)?s(?: \([\d:]+\))?\):")
_ROW = re.compile(r" {2,}(?P<part>\d{1,9} [a-z]{1,20})(?: .{0,40})?|.*:\d+ .*| +- .*")
_STOPPED = re.compile(r"FAIL Required test coverage of |ERROR: Coverage failure: ")


_CAPTURED = re.compile(r"_{3,} .{1,400} _{3,}|-{3,} Captured .{1,60} -{3,}")
_ADVANCED = re.compile(r"(?:\S+\.py )?[.FEsxXRuy,]{1,400} +\[ *\d{1,3}%\]")


class PytestReader(Sessions):
    """Reads framed sessions and quiet ones.

    A quiet statement may be what a test printed; it is believed once a new session begins or the output ends without
    more details of the same session.
    """

    runner = "pytest"

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[int, int]] = []  # where each open framed session begins, and how wide it is
        self.closed: tuple[int, int] | None = None  # the same of the last one, until another session is seen
        self.evidence = 0
        self.believed: Tally | None = None
        self.details = self.short = self.broken = False
        self.good = True
        self.table: list[str] | None = None  # the rows of pytest-sugar's or pytest-pretty's statement
        self.only: Tally | None = None
        self.others = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if not text:
            return
        if self.table is not None and self._row(text, number):
            return
        stated = _STATED.fullmatch(text) if text[-1] in "s)=" and len(text) <= LONGEST else None
        if stated and bool(stated["rule"]) == bool(stated["end"]):
            self._stated(stated, number)
            return
        self.others += 1
        if text[0] == "R" and (self.open or self.evidence) and _TABLE.fullmatch(text):
            self.table = []
        if text[-1] == "=":
            self._rule(text, number)
        elif text[0] == "!":
            self._broke(text, number)
        elif text[0] == "I" and _INTERNAL.match(text):
            self.broken, self.evidence = True, self.evidence or number
        elif text[0] in "FE" and _STOPPED.match(text):
            self.good = False
        if not self.open:
            self._quiet(text, number)

    def _rule(self, text: str, number: int) -> None:
        if found := _HEAD.fullmatch(text) if " test session starts" in text else None:
            self._believe()
            self.closed = None
            self.open.append((number, len(found["rule"])))
        elif _SECTION.fullmatch(text):
            self.believed = None
            self.details = True
            self.short = "short test summary" in text
            self.evidence = self.evidence or number

    def _row(self, text: str, number: int) -> bool:
        """Take a row of the table; the first other line ends it."""
        assert self.table is not None
        found = _ROW.fullmatch(text)
        if found:
            self.table += [found["part"]] if found["part"] else []
            return True
        self._tabled(number - 1)
        return False

    def _tabled(self, number: int) -> None:
        rows, self.table = self.table or [], None
        parts = self._parts(", ".join(rows)) if rows else None
        if parts is None:
            return
        first = self.open[0][0] if self.open else self.evidence
        self.done.append(self._tally(parts, first, number))
        self.open, self.believed, self.evidence = [], None, 0
        self._clear()

    def _broke(self, text: str, number: int) -> None:
        """`pytest.exit` is announced before the statement or right after it."""
        if not _BROKEN.fullmatch(text):
            return
        last = self.believed or (self.done[-1] if self.done else None)
        if last is None or last.last != number - 1:
            self.broken = True
        elif self.believed:
            self.believed = replace(self.believed, whole=False)
        else:
            self.done[-1] = replace(last, whole=False)

    def _quiet(self, text: str, number: int) -> None:
        """Signs of a session without a frame."""
        if self.believed and _ADVANCED.fullmatch(text) and (self.short or not self.details):
            self._believe()
        elif self.believed and (_CAPTURED.fullmatch(text) or _SHORT.match(text)):
            self.believed = None
        if not self.evidence and self._progress(text):
            self.evidence = number

    @staticmethod
    def _progress(text: str) -> bool:
        return bool(_DOTS.fullmatch(text) or _COLLECTED.match(text) or _SHORT.match(text) or _VERBOSE.match(text))

    def _stated(self, found: re.Match[str], number: int) -> None:
        parts = self._parts(found["parts"])
        if parts is None:
            return
        framed = bool(found["rule"])
        if not self.open and self.closed and framed and self._as_wide(found, self.closed[1]):
            self.done.pop()  # what closed the session was printed by a test
            self.open, self.believed, self.evidence = [self.closed], None, 0
        if self.open:
            first, width = self.open[-1]
            if not framed or not self._as_wide(found, width):
                return  # printed by a test
            self.closed = self.open.pop()
            if not self.open:
                self.done.append(self._tally(parts, first, number))
                self._clear()
        elif not self.evidence:
            self.only = self._tally(parts, number, number)
        else:
            self.believed = self._tally(parts, self.evidence, number)

    @staticmethod
    def _as_wide(found: re.Match[str], width: int) -> bool:
        return abs(len(found[0]) - width) <= 1 or len(found["rule"]) == 1

    def _tally(self, parts: dict[str, int], first: int, number: int) -> Tally:
        return Tally("pytest", from_sums(parts), first, number, self.good, not self.broken)

    def _believe(self) -> None:
        if self.believed is not None:
            self.done.append(self.believed)
            self.believed, self.evidence = None, 0
            self._clear()

    def _clear(self) -> None:
        self.details = self.short = self.broken = False
        self.good = True

    @staticmethod
    def _parts(text: str) -> dict[str, int] | None:
        """The counts; None if this is no statement about tests that ran."""
        sums: dict[str, int] = {"deselected": 0}
        if text == "no tests ran":
            return sums
        for part in text.split(", "):
            count, _, kind = part.partition(" ")
            if kind in _KINDS:
                sums[_KINDS[kind]] = sums.get(_KINDS[kind], 0) + int(count)
        return sums if len(sums) > 1 or sums["deselected"] else None

    def pending(self) -> bool:
        """Whether a session has begun and not ended."""
        return bool(self.open)

    def close(self) -> list[Tally]:
        """All sessions, and what is open; a statement without any sign of a session counts where it is all there is."""
        if self.table is not None:
            self._tabled(self.others + 1)
        self._believe()
        if not self.done and self.only and not self.others:
            self.done.append(self.only)
        done = super().close()
        begun = self.open[0][0] if self.open else self.evidence if self.details else 0
        return [*done, Tally.unfinished("pytest", begun)] if begun else done
