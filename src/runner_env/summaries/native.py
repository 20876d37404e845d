"""GoogleTest, CTest, prove, Maven's surefire, XCTest, .NET: reports whose counts are spread over several lines."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions, from_sums
from runner_env.summaries.model import Counts, Tally

_GT_HEAD = re.compile(r"\[=+\] Running (?P<n>\d+) tests? from \d+ test (?:suites?|cases?)\.")
_GT_RAN = re.compile(r"\[=+\] (?P<n>\d+) tests? from \d+ test (?:suites?|cases?|files?) ran\.(?: \([\d.]+ ms total\))?")
_GT_ROW = re.compile(
    r"\[ {1,2}(?P<how>PASSED|SKIPPED|FAILED|ERROR) {1,3}\] (?P<n>\d+) (?:tests?|errors?)(?:\.|, listed below:)"
)
_GT_DISABLED = re.compile(r" {2}YOU HAVE (?P<n>\d+) DISABLED TESTS?")


class GoogleTestReader(Sessions):
    """Reads what follows the line `[==========] 5 tests from 2 test suites ran.` in a report."""

    runner = "googletest"

    def __init__(self) -> None:
        super().__init__()
        self.ran = self.announced = -1
        self.at = 0
        self.rows: dict[str, int] = {}

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _GT_HEAD.fullmatch(text):
            self._finish()
            self.first, self.announced = number, int(found["n"])
        elif found := _GT_RAN.fullmatch(text):
            if self.announced not in (-1, int(found["n"])):
                return  # printed by a test
            self._finish()
            self.begin(number)
            self.ran, self.at, self.rows = int(found["n"]), number, {}
        elif self.ran >= 0 and (found := _GT_ROW.fullmatch(text)):
            self.rows.setdefault(
                {"PASSED": "passed", "SKIPPED": "skipped", "FAILED": "failed", "ERROR": "errors"}[found["how"]],
                int(found["n"]),
            )
            self.at = number
        elif self.ran >= 0 and (found := _GT_DISABLED.fullmatch(text)):
            self.rows["disabled"] = int(found["n"])

    def _finish(self) -> None:
        if self.ran >= 0:
            rows = {"passed": 0, **{k: v for k, v in self.rows.items() if k != "disabled"}}
            if self.announced < 0 and "passed" in self.rows:  # a brief report has no row for failures
                rows.setdefault("failed", max(0, self.ran - sum(rows.values())))
            self.end(self.at, from_sums(rows), whole=sum(rows.values()) == self.ran)
            self.announced = -1
        self.ran = -1

    def pending(self) -> bool:
        """Whether a program began and did not end."""
        return bool(self.first)

    def close(self) -> list[Tally]:
        """All programs."""
        self._finish()
        return super().close()


_CT_DONE = re.compile(r"(?P<percent>\d+)% tests passed, (?P<failed>\d+) tests? failed out of (?P<total>\d+)")
_CT_NONE = re.compile(r"No tests were found!!!")
_CT_PROJECT = re.compile(r"Test project \S.*")
_CT_SKIPPED = re.compile(r"\s+\d+ - .+ \((?:Skipped|Disabled)\)")
_CT_LINE = re.compile(r" *\d+/\d+ Test +#\d+: \S+ \.*(?P<disabled>\*{3}Not Run \(Disabled\)|.*)")


class CTestReader(Sessions):
    """Reads `80% tests passed, 1 tests failed out of 5` and the list of tests that did not run."""

    runner = "ctest"

    def __init__(self) -> None:
        super().__init__()
        self.skips = 0
        self.disabled = 0
        self.stated: tuple[int, int, int] = (0, 0, -1)

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _CT_PROJECT.fullmatch(text):
            self._finish()
            self.first = number
        elif found := _CT_DONE.fullmatch(text):
            self._finish()
            self.begin(number)
            self.skips = self.disabled = 0
            self.stated = (int(found["failed"]), int(found["total"]), number)
        elif self.stated[2] >= 0 and _CT_SKIPPED.fullmatch(text):
            self.skips += text.endswith("(Skipped)")
            self.disabled += text.endswith("(Disabled)")
        elif _CT_NONE.fullmatch(text) and self.first:
            self.end(number, Counts(0, 0, 0, 0, total=0))

    def _finish(self) -> None:
        failed, total, at = self.stated
        if at >= 0:
            skipped = self.skips + self.disabled
            passed = max(0, total - failed - self.skips)
            self.end(at, Counts(passed, failed, 0, skipped, total=passed + failed + skipped))
        self.stated = (0, 0, -1)

    def pending(self) -> bool:
        """Whether a run began and did not end."""
        return bool(self.first)

    def close(self) -> list[Tally]:
        """All runs."""
        self._finish()
        return super().close()


_PR_FILES = re.compile(r"Files=(?P<files>\d+), Tests=(?P<n>\d+), .*")
_PR_RESULT = re.compile(r"Result: (?P<how>PASS|FAIL|NOTESTS)")
_PR_FILE = re.compile(r"\S.* +\(Wstat: .*Tests: (?P<n>\d+) Failed: (?P<failed>\d+)\)")
_PR_LESS = re.compile(r".*\(less (?P<n>\d+) skipped subtests?: \d+ okay\).*|.*\(less .{0,60}?(?P<n2>\d+) skipped .*")
_PR_SKIP = re.compile(r"(?:ok|\S.* \.\. (?:\? )?ok|.* skipped subtests?)\b.*")
_PR_FIRST = re.compile(r"\S.* \.{2,}")
_PR_POINT = re.compile(r"(?P<ok>ok|not ok) \d+(?: .*)?")
_PR_SKIPPED = re.compile(r"# *skip", re.IGNORECASE)
_PR_TODO = re.compile(r"# *todo", re.IGNORECASE)
_PR_PASSED = re.compile(r" {2}TODO passed: ")
_PR_PARSE = re.compile(r" {2}Parse errors: ")


class ProveReader(Sessions):
    """Reads prove's (TAP::Harness) report."""

    runner = "prove"

    def __init__(self) -> None:
        super().__init__()
        self._clear()

    def _clear(self) -> None:
        self.files: list[tuple[int, int]] = []
        self.tests = -1
        self.skipped = self.shown_skips = 0
        self.parse_errors = 0
        self.fatal = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if not text:
            return
        if found := _PR_FILE.fullmatch(text):
            self.files.append((int(found["n"]), int(found["failed"])))
        elif found := _PR_FILES.fullmatch(text):
            self.tests = int(found["n"])
        elif self.tests >= 0 and (found := _PR_RESULT.fullmatch(text)):
            self._state(found["how"], number)
        elif found := _PR_LESS.fullmatch(text):
            self.skipped += int(found["n"] or found["n2"])
        elif _PR_FIRST.match(text):
            self.begin(number)
        elif _PR_PARSE.match(text):
            self.parse_errors += 1
        elif (found := _PR_POINT.fullmatch(text)) and _PR_SKIPPED.search(text):
            self.shown_skips += 1

    def _state(self, how: str, number: int) -> None:
        failed = sum(count for _, count in self.files)
        errors = sum(1 for _, count in self.files if not count) if how == "FAIL" else 0
        skipped = self.skipped or self.shown_skips
        passed = max(0, self.tests - failed - skipped)
        counts = Counts(passed, failed, errors, skipped, total=passed + failed + skipped + errors)
        self.end(number, counts, good=how == "PASS")
        self._clear()


_MV_ROW = re.compile(
    r"(?:\[\w+\] )?Tests run: +(?P<total>\d+), Failures: +(?P<failed>\d+), Errors: +(?P<errors>\d+), Skipped: +"
    r"(?P<skipped>\d+)"
    r"(?:, Flakes: +\d+)?(?P<time>, Time elapsed: .*)?"
)
_MV_RESULTS = re.compile(r"(?:\[\w+\] )?Results ?:")
_MV_BUILD = re.compile(r"(?:\[\w+\] )?BUILD (?P<how>SUCCESS|FAILURE)")
_MV_START = re.compile(r"(?:\[\w+\] )?(?:Scanning for projects\.\.\.|Building \S.*| T E S T S|-+< \S+ >-+)")


class SurefireReader(Sessions):
    """Sums the rows below `Results:`, one for each module; rows with a time are single classes."""

    runner = "maven"

    def __init__(self) -> None:
        super().__init__()
        self.results = False
        self.classes: list[dict[str, int]] = []
        self.project = False
        self.verdict = ""

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _MV_ROW.fullmatch(text):
            sums = {name: int(found[name]) for name in ("total", "failed", "errors", "skipped")}
            if found["time"]:
                self.begin(number)
            elif self.results:
                self.end(number, from_sums(sums))
                self.results = False
        elif _MV_RESULTS.fullmatch(text):
            self.results = True
        elif found := _MV_BUILD.fullmatch(text):
            self.verdict = found["how"]
        elif _MV_START.fullmatch(text):
            self.project = self.project or "T E S T S" not in text

    def close(self) -> list[Tally]:
        """All modules; a build that was announced must have ended well."""
        good = self.verdict == "SUCCESS" or (not self.verdict and not self.project)
        whole = bool(self.verdict) or not self.project
        return [Tally(t.runner, t.counts, t.first, t.last, good, whole) for t in self.done]


_XC = re.compile(
    r"\s+Executed (?P<total>\d+) tests?, with (?:(?P<skipped>\d+) tests? skipped and )?(?P<failed>\d+) failures?"
    r" \((?P<unexpected>\d+) unexpected\) in [\d.]+ \([\d.]+\) seconds"
)
_XC_SUITE = re.compile(r"Test Suite '(?P<name>[^']+)' (?P<how>started|passed|failed) at .*")
_XC_CASE = re.compile(r"Test Case '(?P<name>[^']+)' (?P<how>passed|failed|skipped) \([\d.]+ seconds\)\.?")


class XCTestReader(Sessions):
    """Reads `Executed 5 tests` of the outermost suite; suites nest."""

    runner = "xctest"

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.cases = {"passed": 0, "failed": 0, "skipped": 0}

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _XC_SUITE.fullmatch(text):
            self.depth += 1 if found["how"] == "started" else -1
            if found["how"] == "started":
                self.begin(number)
        elif found := _XC_CASE.fullmatch(text):
            self.cases[found["how"]] += 1
        elif self.depth == 0 and self.first and (found := _XC.fullmatch(text)):
            total, skipped = int(found["total"]), int(found["skipped"] or 0)
            # A failure is an assertion, and a test can have several.
            failed = self.cases["failed"] if any(self.cases.values()) else min(int(found["failed"]), total)
            counts = Counts(max(0, total - failed - skipped), failed, 0, skipped, total=total)
            self.end(number, counts)
            self.cases = {"passed": 0, "failed": 0, "skipped": 0}

    def pending(self) -> bool:
        """Whether a suite began and did not end."""
        return self.depth > 0


_SWIFT = re.compile(
    r"\S+ +Test run with (?P<n>\d+) tests?(?: in \d+ suites?)? (?P<how>passed|failed) after [\d.]+ seconds"
    r"(?:\.| with \d+ (?:known )?issues?.*)"
)
_SWIFT_FAILED = re.compile(r"\S+ +Test (?!run with )\S.* failed after [\d.]+ seconds with .*")


class SwiftTestingReader(Sessions):
    """Reads `Test run with 2 tests failed`, which counts issues; the tests that failed are those told before."""

    runner = "swift-testing"

    def __init__(self) -> None:
        super().__init__()
        self.failed = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _SWIFT_FAILED.fullmatch(text):
            self.begin(number)
            self.failed += 1
        elif found := _SWIFT.fullmatch(text):
            total, good = int(found["n"]), found["how"] == "passed"
            failed = 0 if good else min(self.failed, total)
            self.end(number, Counts(total - failed, failed, 0, 0, total=total), good=good, whole=good or failed > 0)
            self.failed = 0


_NET_LINE = re.compile(
    r"\s*(?P<how>Passed|Failed|Skipped)! +- Failed: +(?P<failed>\d+), Passed: +(?P<passed>\d+), Skipped: +"
    r"(?P<skipped>\d+),"
    r" Total: +(?P<total>\d+)(?:, Duration: .*)?"
)
_NET_TOTAL = re.compile(
    r"Total tests: (?P<n>\d+|Unknown)(?:\. Passed: (?P<passed>\d+)\. Failed: (?P<failed>\d+)\. Skipped: "
    r"(?P<skipped>\d+)\.)?"
)
_NET_ROW = re.compile(r" +(?P<what>Passed|Failed|Skipped): (?P<n>\d+)")
_NET_END = re.compile(r" ?Total time: .*|Test Run (?:Successful|Failed|Aborted)\..*")
_NET_LOGGER = re.compile(
    r"Test summary: total: (?P<total>\d+), failed: (?P<failed>\d+), succeeded: (?P<passed>\d+), skipped: "
    r"(?P<skipped>\d+), duration: .*"
)
_NET_MTP = re.compile(
    r"Test run summary: (?P<how>Passed!|Failed!|Zero tests ran|Minimum expected tests .*|Aborted)(?: - .*)?"
)
_NET_MTP_ROW = re.compile(r" {2}(?P<what>total|failed|succeeded|skipped): (?P<n>\d+)")


class DotnetReader(Sessions):
    """Reads .NET's ways to end: a line for each assembly, VSTest's block, the terminal logger, the testing platform."""

    runner = "dotnet"

    def __init__(self) -> None:
        super().__init__()
        self.block: dict[str, int] = {}
        self.mtp: dict[str, int] = {}
        self.in_mtp = False
        self.aborted = False
        self.at = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if (found := _NET_LINE.fullmatch(text)) or (found := _NET_LOGGER.fullmatch(text)):
            numbers = {name: int(found[name]) for name in ("failed", "passed", "skipped", "total")}
            self.end(number, Counts(**numbers, errors=0))
        elif found := _NET_TOTAL.fullmatch(text):
            self._total(found, number)
        elif self.block and (found := _NET_ROW.fullmatch(text)):
            self.block[found["what"]] = int(found["n"])
        elif self.block and _NET_END.fullmatch(text):
            self._finish()
        elif _NET_MTP.fullmatch(text):
            self.in_mtp, self.mtp, self.at = True, {}, number
        elif self.in_mtp and (found := _NET_MTP_ROW.fullmatch(text)):
            self._platform(found["what"], int(found["n"]), number)
        elif text.startswith(("Test Run Aborted", "The active test run was aborted")):
            self.aborted = True

    def _total(self, found: re.Match[str], number: int) -> None:
        self.at = number
        if found["passed"] is not None:
            numbers = {name: int(found[name]) for name in ("passed", "failed", "skipped")}
            self.end(number, Counts(**numbers, errors=0, total=int(found["n"])))
        elif found["n"] != "Unknown":
            self.block = {"total": int(found["n"])}

    def _platform(self, what: str, count: int, number: int) -> None:
        self.mtp[what] = count
        if len(self.mtp) == 4:
            said, self.in_mtp = self.mtp, False
            self.end(number, Counts(said["succeeded"], said["failed"], 0, said["skipped"], total=said["total"]))

    def _finish(self) -> None:
        said = self.block
        if said:
            passed, failed, skipped = (said.get(name, 0) for name in ("Passed", "Failed", "Skipped"))
            whole = passed + failed + skipped == said["total"]
            self.end(self.at, Counts(passed, failed, 0, skipped, total=said["total"]), whole=whole)
        self.block = {}

    def pending(self) -> bool:
        """Whether the run was aborted."""
        return self.aborted
