"""unittest's text report and those that share it: Django, nose2, green, trial, zope.testrunner's relatives.

`Ran N tests` counts skipped tests or not, depending on the version, and a failing subtest is a failure without a
test; so passes are counted from the progress where it is shown and agrees with the statement.
"""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions, from_sums
from runner_env.summaries.model import Tally

ANCHORS = (b"Ran ",)

_RAN = re.compile(r"Ran (?P<n>\d+) tests? in [\d.]+ ?(?:s|seconds)(?P<workers> using \d+ process(?:es)?)?\.?")
_END = re.compile(r"(?P<word>OK|FAILED|PASSED|NO TESTS RAN)(?: \((?P<parts>[^()]{1,300})\))?")
_PART = re.compile(r"(?P<name>[A-Za-z_ ]+)=(?P<n>\d+)")
_NAMES = {
    "failures": "failed",
    "errors": "errors",
    "skipped": "skipped",
    "skips": "skipped",
    "skip": "skipped",
    "todos": "xfailed",
    "expected failures": "xfailed",
    "expectedfailures": "xfailed",
    "expected_failures": "xfailed",
    "unexpected successes": "xpassed",
    "unexpectedsuccesses": "xpassed",
    "unexpected_successes": "xpassed",
    "successes": "passed",
    "passes": "passed",
    "passed": "passed",
}
_DOTS = re.compile(r"[.FEsSxu]+")
_MARKS = {".": "passed", "F": "failed", "E": "errors", "s": "skipped", "S": "skipped", "x": "xfailed", "u": "xpassed"}
_VERBOSE = re.compile(
    r".{0,2000} \.\.\. (?:.{0,200}\s)?(?P<how>ok|FAIL|ERROR|skipped (?:['\"].*|\S.*)|expected failure"
    r"|unexpected success)"
)
_HOW = {
    "ok": "passed",
    "FAIL": "failed",
    "ERROR": "errors",
    "expected failure": "xfailed",
    "unexpected success": "xpassed",
}
_ALONE = re.compile(r"(?P<how>ok|FAIL|ERROR|skipped ['\"].*|expected failure|unexpected success)")
_FIXTURE = re.compile(r"ERROR(?: \[[\d.]+s\])?: (?:(?:setUp|tearDown)(?:Class|Module) \(|_ErrorHolder$)")
_RULED = re.compile(r"-{20,}")
_RULE = re.compile(r"-{70}|={70}")
_HEADING = re.compile(r"(?:ERROR|FAIL)(?: \[[\d.]+s\])?: (?P<test>[^ ]+(?: \([^ ()]+\))?)")
MOST_NAMES = 200_000


class UnittestReader(Sessions):
    """Reads `Ran N tests` with the line after it, and the progress before it."""

    runner = "unittest"

    def __init__(self) -> None:
        super().__init__()
        self._clear()
        self.ran: tuple[int, int] | None = None
        self.ruled = False

    def _clear(self) -> None:
        self.dots: dict[str, int] = {}
        self.words: dict[str, int] = {}
        self.bad: set[str] = set()
        self.rules = 0
        self.announced = False  # testtools draws no rule and says that it begins

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if not text:
            return
        if self.ran is not None and self._ended(text, number):
            return
        found = _RAN.fullmatch(text)
        ruled, self.ruled = self.ruled, bool(_RULED.fullmatch(text))
        if found and (ruled or self.announced or found["workers"]):
            self.ran = (int(found["n"]), number)
            return
        self.announced = self.announced or text == "Tests running..."
        if self.rules == 0:
            self._progress(text, number)
        if _RULE.fullmatch(text):
            self.rules += 1
        elif (found := _HEADING.match(text)) and not _FIXTURE.match(text) and len(self.bad) < MOST_NAMES:
            self.bad.add(found["test"])

    def _progress(self, text: str, number: int) -> None:
        if _DOTS.fullmatch(text):
            self.begin(number)
            for mark in text:
                self.dots[_MARKS[mark]] = self.dots.get(_MARKS[mark], 0) + 1
            return
        found = _VERBOSE.fullmatch(text) or _ALONE.fullmatch(text)
        if found:
            self.begin(number)
            name = _HOW.get(found["how"], "skipped")
            self.words[name] = self.words.get(name, 0) + 1

    def _ended(self, text: str, number: int) -> bool:
        assert self.ran is not None
        count, at = self.ran
        self.ran = None if number - at > 3 else self.ran
        found = _END.fullmatch(text)
        if self.ran is None or not found:
            return False
        self.ran = None
        stated: dict[str, int] = {}
        for part in _PART.finditer(found["parts"] or ""):
            name = _NAMES.get(part["name"].strip().lower())
            if name:
                stated[name] = stated.get(name, 0) + int(part["n"])
        counts = from_sums(self._with_passes(count, stated))
        runner = "trial" if found["word"] == "PASSED" or ", successes=" in f", {found['parts']}" else "unittest"
        good = found["word"] in ("OK", "PASSED")
        self.done.append(Tally(runner, counts, self.first or at, number, good))
        self.first = 0
        self._clear()
        return True

    def _with_passes(self, ran: int, stated: dict[str, int]) -> dict[str, int]:
        if "passed" in stated:
            return stated
        others = {name: stated.get(name, 0) for name in ("failed", "errors", "skipped", "xfailed", "xpassed")}
        wrong = len(self.bad) if self.bad else others["failed"] + others["errors"]
        fewest = max(0, ran - min(wrong, others["failed"] + others["errors"]) - sum(list(others.values())[2:]))
        for shown in (self.dots, self.words):
            agrees = shown and all(shown.get(name, 0) == count for name, count in others.items() if name != "failed")
            if agrees and fewest <= shown.get("passed", 0) <= ran:
                return {**stated, "passed": shown.get("passed", 0)}
        return {**stated, "passed": fewest}

    def pending(self) -> bool:
        """Whether `Ran` was not followed by its verdict."""
        return self.ran is not None
