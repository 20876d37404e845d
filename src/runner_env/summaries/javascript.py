"""jest, vitest, mocha (and cypress around it), node-tap's reports, node's spec reporter, ava."""

from __future__ import annotations

import re
from dataclasses import replace

from runner_env.summaries.kit import Sessions, from_sums
from runner_env.summaries.model import Counts, Tally

_JEST_PART = r"\d+ (?:failed|skipped|pending|todo|passed|obsolete|total)"
_JEST = re.compile(rf"Tests: +(?P<parts>{_JEST_PART}(?:, {_JEST_PART})*)")
_JEST_SUITES = re.compile(rf"Test Suites: +(?P<parts>{_JEST_PART}(?:, {_JEST_PART}|, \d+ of \d+ total)*)")
_JEST_NAMES = {
    "failed": "failed",
    "skipped": "skipped",
    "pending": "skipped",
    "todo": "todo",
    "passed": "passed",
    "total": "total",
}
_JEST_END = re.compile(r"Time: +\d[\d.]* (?:ms|s|m|min|h)\b")
_JEST_BROKEN = re.compile(r" {1,4}● Test suite failed to run")
_JEST_SHORT = re.compile(r"(?:Jest: .{0,200}(?:coverage threshold|threshold for)|Jest: Coverage for )")
_JEST_FILE = re.compile(r"(?:PASS|FAIL|RUNS) +\S")


class JestReader(Sessions):
    """Reads `Test Suites:`, `Tests:`, `Snapshots:`, `Time:`; all but the third must be there."""

    runner = "jest"

    def __init__(self) -> None:
        super().__init__()
        self.suites: dict[str, int] | None = None
        self.tests: dict[str, int] | None = None
        self.at = 0
        self.broken = 0
        self.again = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _JEST_FILE.match(text):
            self.begin(number)
        elif _JEST_BROKEN.fullmatch(text):
            self.broken += not self.again
        elif text == "Summary of all failing tests":
            self.again = True
        elif found := _JEST_SUITES.fullmatch(text):
            self.suites, self.at = _parts(found["parts"]), number
        elif self.suites is not None and number <= self.at + 2 and (found := _JEST.fullmatch(text)):
            self.tests, self.at = _parts(found["parts"]), number
        elif self.tests is not None and _JEST_END.match(text) and number <= self.at + 3:
            self._state(number)
        elif self.done and _JEST_SHORT.match(text):
            last = self.done[-1]
            self.done[-1] = replace(last, good=False)

    def _state(self, number: int) -> None:
        assert self.tests is not None
        assert self.suites is not None
        sums = {_JEST_NAMES[name]: count for name, count in self.tests.items() if name in _JEST_NAMES}
        sums.setdefault("total", 0)
        sums.setdefault("passed", 0)
        broken = min(self.broken, self.suites.get("failed", 0))
        counts = from_sums({**sums, "errors": broken})
        good = not self.suites.get("failed")
        seen = sum(self.suites.get(name, 0) for name in ("failed", "passed", "skipped", "pending"))
        whole = seen == self.suites.get("total", self.suites.get("of")) or bool(sums.get("failed"))
        self.end(number, counts, good=good, whole=whole)
        self.suites = self.tests = None
        self.broken, self.again = 0, False


def _parts(text: str) -> dict[str, int]:
    """Counts by their names; `2 of 3 total` has 3 under `of`."""
    parts = (part.split(" ") for part in re.split(r", | \| ", text))
    return {words[1]: int(words[2] if words[1] == "of" else words[0]) for words in parts}


_VI_PART = r"\d+ (?:failed|passed|skipped|todo|expected fail)"
_VI_FILES = re.compile(rf" *Test Files +(?:{_VI_PART}(?: \| {_VI_PART})*|no tests) *(?:\((?P<n>\d+)\))?")
_VI_TESTS = re.compile(rf" *Tests +(?P<parts>{_VI_PART}(?: \| {_VI_PART})*|no tests) *(?:\((?P<total>\d+)\))?")
_VI_ERRORS = re.compile(r" *Errors +(?P<n>\d+) errors?")
_VI_TYPES = re.compile(r" *Type Errors +(?P<n>\d+) failed|.*Failed Suites (?P<suites>\d+) .*")
_VI_END = re.compile(r" *(?:Start at|Duration) +\S")
_VI_RUN = re.compile(r" (?:RUN|DEV) +v\d")
_VI_SHORT = re.compile(r"ERROR: Coverage for ")


class VitestReader(Sessions):
    """Reads `Test Files`, `Tests`, `Errors`, `Duration`."""

    runner = "vitest"

    def __init__(self) -> None:
        super().__init__()
        self._clear()
        self.run = 0  # where the run began of which a statement was seen

    def _clear(self) -> None:
        self.files_at = 0
        self.tests: dict[str, int] | None = None
        self.errors = 0
        self.suites = 0
        self.files_failed = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _VI_RUN.match(text):
            self._clear()
            self.first, self.run = number, 0
        elif _VI_FILES.fullmatch(text):
            self.files_at = number
            self.files_failed = " failed" in text
        elif self.files_at and number <= self.files_at + 3 and (found := _VI_TESTS.fullmatch(text)):
            self.tests = {} if found["parts"] == "no tests" else _vitest_parts(found["parts"])
            self.tests["total"] = int(found["total"] or 0)
        elif found := _VI_ERRORS.fullmatch(text):
            self.errors = int(found["n"])
        elif found := _VI_TYPES.fullmatch(text):
            self.suites += int(found["suites"] or 0)
        elif self.tests is not None and _VI_END.match(text):
            counts = from_sums({"passed": 0, **self.tests, "errors": self.errors + self.suites})
            if self.run:  # the statement before was printed by a test
                self.first = self.run
                self.done.pop()
            self.run = self.first
            self.end(number, counts, good=not self.files_failed)
            self._clear()
        elif self.done and _VI_SHORT.match(text):
            last = self.done[-1]
            self.done[-1] = replace(last, good=False)

    def pending(self) -> bool:
        """Whether a run began and did not state anything."""
        return bool(self.first)


def _vitest_parts(text: str) -> dict[str, int]:
    names = {"expected fail": "xfailed"}
    pairs = (part.split(" ", 1) for part in text.split(" | "))
    return {names.get(name, name): int(count) for count, name in pairs}


_MOCHA = re.compile(r" {2}(?P<n>\d+) passing \([^()]{1,20}\)")
_MOCHA_MORE = re.compile(r" {2}(?P<n>\d+) (?P<what>pending|failing|todo|skipped)")
_MOCHA_PASSED = re.compile(r" {2,60}[✔✓√] \S")
_MOCHA_FIRST = re.compile(r" {2}1\) ")
_MOCHA_FAILED = re.compile(r" {2,60}\d+\) \S.*")
_TAP_TOTAL = re.compile(r"total \.{3,200} \d+/\d+(?: +\S+)?")
_CYPRESS = re.compile(r" {2}\((?:Run Starting|Run Finished)\)")


class MochaReader(Sessions):
    """Reads `N passing`, `N pending`, `N failing`; node-tap up to 16 ends in the same way after `total ... 4/6`."""

    runner = "mocha"

    def __init__(self) -> None:
        super().__init__()
        self.sums: dict[str, int] = {}
        self.at = 0
        self.marked = self.passes = self.confirmed = self.sure = 0
        self.tap = self.cypress = False
        self.blank = True
        self.details = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        alone, self.blank = self.blank, not text.strip()
        if self.blank:
            return
        self.passes += bool(_MOCHA_PASSED.match(text))
        if self.details:
            self._detail(text)
        if found := _MOCHA.fullmatch(text) if alone else None:
            self._finish()
            self.sums, self.at = {"passed": int(found["n"])}, number
        elif self.sums and (found := _MOCHA_MORE.fullmatch(text)) and number <= self.at + 4:
            name = {"pending": "skipped", "failing": "failed"}.get(found["what"], found["what"])
            self.sums.setdefault(name, int(found["n"]))
            self.at = number
        elif self.sums:
            self._finish()
            self._detail(text)
        elif _MOCHA_FAILED.fullmatch(text):
            self.marked += 1
        elif _TAP_TOTAL.fullmatch(text):
            self.tap = True
        elif _CYPRESS.match(text):
            self.cypress = True

    def _finish(self) -> None:
        if not self.sums:
            return
        runner = "tap" if self.tap else "cypress" if self.cypress else "mocha"
        if 0 < self.sums["passed"] == self.passes - self.confirmed:
            del self.done[self.sure :]  # as many check marks as passes: statements in between were printed by tests
            self.sure, self.confirmed = len(self.done) + 1, self.passes
        self.details = bool(self.sums.get("failed"))
        whole = not self.marked or bool(self.sums.get("failed"))
        self.end(self.at, from_sums(self.sums), whole=whole, runner=runner)
        self.sums, self.marked, self.tap = {}, 0, False

    def _detail(self, text: str) -> None:
        """Failures that were counted are told right below; a statement without that was printed by a test."""
        if self.details and not _MOCHA_FIRST.match(text):
            self.done.pop()
            self.sure = min(self.sure, len(self.done))
        self.details = False

    def close(self) -> list[Tally]:
        """All sessions."""
        self._finish()
        return self.done


_NODE = re.compile(r"[ℹi] (?P<name>tests|suites|pass|fail|cancelled|skipped|todo) (?P<n>\d+)")
_NODE_NEED = frozenset(("tests", "pass", "fail", "cancelled", "skipped", "todo"))
_NODE_LINE = re.compile(r" *[✔✖▶﹣] .{1,4000}")


class NodeSpecReader(Sessions):
    """Reads the `ℹ tests 8` lines of node's spec reporter."""

    runner = "node:test"

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, int] = {}
        self.running = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _NODE.fullmatch(text):
            if found["name"] == "tests":
                self.said = {}
            self.begin(number)
            self.said[found["name"]] = int(found["n"])
            if found["name"] == "todo" and self.said.keys() >= _NODE_NEED:
                said = self.said
                self.end(
                    number, Counts(said["pass"], said["fail"], said["cancelled"], said["skipped"], total=said["tests"])
                )
                self.said = {}
        elif not self.first and _NODE_LINE.fullmatch(text):
            self.first = self.first if self.done else number


_AVA = re.compile(
    r" {2}(?P<n>\d+) (?P<what>tests? passed|tests? failed|known failures?|tests? skipped|tests? todo"
    r"|uncaught exceptions?"
    r"|unhandled rejections?|tests? remained? pending.*|hooks? failed|test files? (?:were|was) not found.*)"
)
_AVA_FILE = re.compile(r" {2}(?P<mark>[✔✘✖]|-) (?P<kind>\[[^\]]{1,20}\]:?)? ?(?P<rest>.*)")
_AVA_NONE = re.compile(r" *[✘✖] (?:Couldn.t find any (?:files to test|matching tests)|No tests found in .*)")
_AVA_LOST = re.compile(
    r" *[✘✖] (?P<rest>.*(?:exited with a non-zero exit code|No tests found in|Failed to|exited due to).*)"
)


class AvaReader(Sessions):
    """Reads ava's counts; a run with failures does not count its passes, so check marks are counted."""

    runner = "ava"

    def __init__(self) -> None:
        super().__init__()
        self._clear()

    def _clear(self) -> None:
        self.sums: dict[str, int] = {}
        self.stated_passes = False
        self.marks = 0
        self.at = 0
        self.lost = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if not text:
            return
        if found := _AVA.fullmatch(text):
            self._row(found["what"], int(found["n"]), number)
        elif self.sums and number > self.at + 2:
            self._finish()
        elif _AVA_LOST.fullmatch(text):
            self.lost += 1
        elif found := _AVA_FILE.fullmatch(text):
            self.begin(number)
            self.marks += found["mark"] == "✔" and not found["kind"]

    def _row(self, what: str, count: int, number: int) -> None:
        self.begin(number)
        self.at = number
        first = what.split(" ", maxsplit=1)[0]
        name = {
            "known": "xfailed",
            "uncaught": "errors",
            "unhandled": "errors",
            "hook": "errors",
            "hooks": "errors",
        }.get(first)
        name = name or {"passed": "passed", "failed": "failed", "skipped": "skipped", "todo": "todo"}.get(
            what.split(" ")[1], "errors"
        )
        self.stated_passes = self.stated_passes or name == "passed"
        self.sums[name] = self.sums.get(name, 0) + count

    def _finish(self) -> None:
        if self.sums and (self.marks or self.stated_passes or self.lost):
            passed = self.sums.get("passed", self.marks)
            sums = {**self.sums, "passed": passed, "errors": self.sums.get("errors", 0) + self.lost}
            self.end(self.at, from_sums(sums))
        self.first = 0
        self._clear()

    def close(self) -> list[Tally]:
        """All sessions."""
        self._finish()
        return self.done
