"""`go test`, plain and verbose. Without `-v` it counts packages, not tests; then only failures are known."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions
from runner_env.summaries.model import Counts, Tally

ANCHORS = (b"ok  \t", b"FAIL\t", b"--- PASS: ", b"--- FAIL: ", b"[no test files]", b"ok   ")

_TIME = r"(?:\d+(?:\.\d+)?s|\(cached\))"
_OK = re.compile(rf"ok {{1,4}}\s(?P<package>\S+)\s+{_TIME}(?P<rest>\s.*)?")
_FAIL = re.compile(r"FAIL\s+(?P<package>\S+)(?:\s+(?:\d+(?:\.\d+)?s|(?P<broken>\[[^\]]{1,60}\])))(?:\s.*)?")
_RESULT = re.compile(r"(?: {4})*--- (?P<how>PASS|FAIL|SKIP): (?P<name>\S+) \(\d+(?:\.\d+)?(?:s|ms)\)")
_RUN = re.compile(r"=== RUN +(?P<name>\S+)")
_NO_FILES = re.compile(r"\?\s+\S+\s+\[no test files\]")
_LISTED = re.compile(r"(?:Test|Example|Benchmark|Fuzz)\w*")
_HOW = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
MOST_NAMES = 200_000


class GoReader(Sessions):
    """Reads result lines, which count subtests too, and one line for each package."""

    runner = "go"

    def __init__(self) -> None:
        super().__init__()
        self.packages = {"ok": 0, "fail": 0, "none": 0}
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.errors = 0
        self.verbose_all = True
        self.verbose = False
        self._package()
        self.last = 0

    def _package(self) -> None:
        self.running: set[str] = set()
        self.here = {"passed": 0, "failed": 0, "skipped": 0}
        self.ran_here = False
        self.listed = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _RUN.fullmatch(text):
            self.begin(number)
            self.ran_here = True
            if len(self.running) < MOST_NAMES:
                self.running.add(found["name"])
        elif found := _RESULT.fullmatch(text):
            self._result(found, number)
        elif found := _OK.fullmatch(text):
            self._close_package("ok", found["rest"] or "", number)
        elif found := _FAIL.fullmatch(text):
            self._close_package("fail", found["broken"] or "", number)
        elif _LISTED.fullmatch(text):
            self.listed = True
        elif _NO_FILES.fullmatch(text):
            self.begin(number)
            self.packages["none"] += 1
            self.last = number

    def _result(self, found: re.Match[str], number: int) -> None:
        self.begin(number)
        name = found["name"]
        if self.ran_here:
            if name not in self.running:
                return  # printed by a test
            self.running.discard(name)
        self.here[_HOW[found["how"]]] += 1
        self.last = number

    def _close_package(self, how: str, rest: str, number: int) -> None:
        self.begin(number)
        self.last = number
        if "no tests to run" in rest or "no test files" in rest or (self.listed and not self.ran_here):
            self.packages["none"] += 1
        elif how == "ok":
            self.packages["ok"] += 1
            self.verbose_all = self.verbose_all and self.ran_here
        else:
            self.packages["fail"] += 1
            self.errors += bool(rest) or not self.here["failed"]
        self.verbose = self.verbose or self.ran_here
        for name, count in self.here.items():
            self.counts[name] += count
        self._package()

    def close(self) -> list[Tally]:
        """One session for the whole; none if no package line was seen."""
        tested = self.packages["ok"] + self.packages["fail"]
        if not tested:
            return [Tally("go", Counts(0, 0, 0, 0, total=0), self.first, self.last)] if self.packages["none"] else []
        whole = not (self.running or any(self.here.values()))
        if self.verbose and self.verbose_all:
            total = sum(self.counts.values()) + self.errors
            counts = Counts(
                self.counts["passed"], self.counts["failed"], self.errors, self.counts["skipped"], total=total
            )
            return [Tally("go", counts, self.first, self.last, not self.packages["fail"], whole)]
        counts = Counts(None, self.counts["failed"], self.errors)
        share = self.packages["ok"] / tested
        return [Tally("go", counts, self.first, self.last, not self.packages["fail"], whole, share)]
