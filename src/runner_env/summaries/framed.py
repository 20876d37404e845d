"""PHPUnit and Pest, Julia, clojure.test, Boost.Test: the lines around a statement give its sense."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions, from_sums, number_of
from runner_env.summaries.model import Counts, Tally

_PU_OK = re.compile(r"OK \((?P<n>[\d,]+) tests?, [\d,]+ assertions?\)")
_PU_ROW = re.compile(r"Tests: (?P<n>\d+), Assertions: \d+(?P<rest>(?:, [A-Z][A-Za-z ]+: \d+)*)\.")
_PU_PART = re.compile(r"(?P<name>[A-Z][A-Za-z ]+): (?P<n>\d+)")
_PU_HEAD = re.compile(r"PHPUnit (?P<major>\d+)\.\d+\S* by Sebastian Bergmann")
_PU_VERDICT = re.compile(
    r"(?:OK, but .*|FAILURES!|ERRORS!|WARNINGS!|No tests executed!|Tests: .*|There (?:was|were) .*)"
)
_PU_NONE = re.compile(r"No tests executed!")
_PU_BAD = re.compile(r"FAILURES!|ERRORS!|WARNINGS!")
_PEST = re.compile(r" {2}Tests: +(?P<parts>\d+ [a-z]+(?:, \d+ [a-z]+)*)(?: \(\d+ assertions?\))?")
_PEST_NAMES = {
    "passed": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "todo": "todo",
    "todos": "todo",
    "incomplete": "skipped",
}


class PhpunitReader(Sessions):
    """Reads `OK (8 tests, 9 assertions)`, `Tests: 8, Assertions: 9, Failures: 1.` and Pest's `Tests:  1 failed`."""

    runner = "phpunit"

    def __init__(self) -> None:
        super().__init__()
        self.major = 0
        self.bad = self.announced = False
        self.stated = 0  # where the run began of which a statement was seen

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _PU_HEAD.match(text):
            self.first, self.major, self.bad, self.announced = number, int(found["major"]), False, True
            self.stated = 0
        elif (found := _PU_OK.fullmatch(text)) and (self.announced or self.stated):
            total = number_of(found["n"])
            self._say(number, Counts(total, 0, 0, 0, total=total), good=True)
            self.announced = False
        elif _PU_NONE.fullmatch(text) and self.announced:
            self._say(number, Counts(0, 0, 0, 0, total=0), good=True)
        elif found := _PU_ROW.fullmatch(text):
            self._row(int(found["n"]), found["rest"], number)
        elif _PU_BAD.fullmatch(text) or text.startswith("OK, but "):
            self.announced = True
            self.bad = text in ("FAILURES!", "ERRORS!")
        elif found := _PEST.fullmatch(text):
            self._pest(found["parts"], number)

    def _row(self, total: int, rest: str, number: int) -> None:
        if not self.announced:
            return
        said = {part["name"]: int(part["n"]) for part in _PU_PART.finditer(rest)}
        skipped = said.get("Skipped", 0) + said.get("Incomplete", 0)
        failed, errors = said.get("Failures", 0), said.get("Errors", 0)
        warned = said.get("Warnings", 0) if 0 < self.major < 10 else 0
        passed = max(0, total - skipped - failed - errors - warned)
        self._say(number, Counts(passed, failed, errors, skipped, total=total), good=not self.bad)
        self.announced = self.bad = False

    def _say(self, number: int, counts: Counts, *, good: bool) -> None:
        """The last statement of a run is its own; those before were printed by tests."""
        if self.stated:
            self.first = self.stated
            self.done.pop()
        self.stated = self.first
        self.end(number, counts, good=good)

    def _pest(self, parts: str, number: int) -> None:
        sums = {"passed": 0}
        for count, name in (part.split(" ") for part in parts.split(", ")):
            if name in ("warnings", "warning", "deprecated", "notices", "notice", "risky"):
                sums["passed"] += int(count)  # the test passed, and there is something to say about it
            elif name in _PEST_NAMES:
                sums[_PEST_NAMES[name]] = sums.get(_PEST_NAMES[name], 0) + int(count)
            else:
                return
        self.end(number, from_sums(sums), runner="pest")

    def pending(self) -> bool:
        """Whether a run began and did not end."""
        return bool(self.first) and self.announced


_JL_HEAD = re.compile(r"Test Summary: *\|(?P<columns>(?: +(?:Pass|Fail|Error|Broken|Total|Time))+)")
_JL_ROW = re.compile(r"(?P<name>\S.{0,300}?) *\| (?P<cells>[ \d.msh]+)")
_JL_NAMES = {"Pass": "passed", "Fail": "failed", "Error": "errors", "Broken": "skipped", "Total": "total"}


class JuliaReader(Sessions):
    """Reads the first row, which sums the others, of each `Test Summary:` table."""

    runner = "julia"

    def __init__(self) -> None:
        super().__init__()
        self.columns: list[tuple[str, int]] = []

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _JL_HEAD.fullmatch(text):
            offset = found.start("columns")
            self.columns = [(m[0], offset + m.end()) for m in re.finditer(r"\w+", found["columns"])]
        elif self.columns:
            if (found := _JL_ROW.fullmatch(text)) and "|" in text:
                self._row(text, number)
            self.columns = []

    def _row(self, text: str, number: int) -> None:
        sums: dict[str, int] = {"passed": 0}
        previous = text.index("|") + 1
        for name, end in self.columns:
            cell = text[previous:end].strip()
            if name in _JL_NAMES and cell.isdigit():
                sums[_JL_NAMES[name]] = int(cell)
            previous = end
        self.end(number, from_sums(sums))


_CLJ_RAN = re.compile(r"Ran (?P<n>\d+) tests containing \d+ assertions\.")
_CLJ_DONE = re.compile(r"(?P<failed>\d+) failures, (?P<errors>\d+) errors\.")
_CLJ_CASE = re.compile(r"(?P<how>FAIL|ERROR) in \((?P<name>[^\s)]+).*")


class ClojureReader(Sessions):
    """Reads clojure.test; a failure there is an assertion, so the tests that have one are counted by their names."""

    runner = "clojure.test"

    def __init__(self) -> None:
        super().__init__()
        self.ran = (-1, 0)
        self.bad: dict[str, str] = {}

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _CLJ_CASE.fullmatch(text):
            self.begin(number)
            if len(self.bad) < 100_000:
                self.bad[found["name"]] = "ERROR" if "ERROR" in (found["how"], self.bad.get(found["name"])) else "FAIL"
        elif found := _CLJ_RAN.fullmatch(text):
            self.ran = (int(found["n"]), number)
        elif self.ran[1] == number - 1 and (found := _CLJ_DONE.fullmatch(text)):
            self._state(int(found["failed"]), int(found["errors"]), number)

    def _state(self, failures: int, problems: int, number: int) -> None:
        failed = sum(how == "FAIL" for how in self.bad.values()) if self.bad else failures
        errors = sum(how == "ERROR" for how in self.bad.values()) if self.bad else problems
        total = self.ran[0]
        self.end(number, Counts(max(0, total - failed - errors), failed, errors, 0, total=total))
        self.bad = {}


_BT_RUNNING = re.compile(r"Running (?P<n>\d+) test cases?\.\.\.")
_BT_CASE = re.compile(r".{1,500}: (?:fatal )?error: in \"(?P<name>[^\"]{1,300})\": .*")
_BT_END = re.compile(r"\*\*\* (?:(?P<good>No errors detected)|\d+ failures? (?:is|are) detected.*)")
_BT_REPORT = re.compile(r"Test module \".{1,300}\" (?:has passed|has failed|was aborted|was skipped) with:")
_BT_ROW = re.compile(r" {2}(?P<n>\d+) test cases? out of (?P<total>\d+) (?P<how>passed|failed|skipped|aborted|warned)")


class BoostReader(Sessions):
    """Reads Boost.Test; it counts failed assertions, so the cases that have one are counted by their names.

    A report of test cases, where one was asked for, counts them itself.
    """

    runner = "boost.test"

    def __init__(self) -> None:
        super().__init__()
        self.total = -1
        self.bad: set[str] = set()
        self.report: dict[str, int] | None = None
        self.last = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        self.last = number
        if self.report is not None:
            self._reported(text, number)
        if found := _BT_RUNNING.fullmatch(text):
            self.total, self.bad, self.first = int(found["n"]), set(), number
        elif self.total < 0:
            return
        elif _BT_REPORT.fullmatch(text):
            self.report = {}
        elif found := _BT_CASE.fullmatch(text):
            self.bad.add(found["name"])
        elif (found := _BT_END.fullmatch(text)) and " expected)" in text:
            self.end(number, Counts(None, None, 0, 0, total=self.total), good=False)  # of which cases is not told
            self.total = -1
        elif found:
            failed = 0 if found["good"] else min(max(1, len(self.bad)), self.total)
            self.end(number, Counts(self.total - failed, failed, 0, 0, total=self.total), good=bool(found["good"]))
            self.total = -1

    def _reported(self, text: str, number: int) -> None:
        rows = self.report
        assert rows is not None
        if found := _BT_ROW.fullmatch(text):
            rows[found["how"]], rows["total"] = int(found["n"]), int(found["total"])
        elif "total" in rows:
            failed, skipped = rows.get("failed", 0), rows.get("skipped", 0)
            passed = rows.get("passed", 0) + rows.get("warned", 0)
            whole = passed + failed + skipped == rows["total"]
            self.end(number, Counts(passed, failed, 0, skipped, total=rows["total"]), good=not failed, whole=whole)
            self.total, self.report = -1, None
        elif text:
            self.report = None

    def close(self) -> list[Tally]:
        """All programs; the last line may be that of a report."""
        if self.report is not None:
            self._reported("", self.last)
        return super().close()

    def pending(self) -> bool:
        """Whether a program began and did not end."""
        return self.total >= 0
