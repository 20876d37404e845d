"""`cargo test` and cargo-nextest (https://nexte.st)."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions, from_sums
from runner_env.summaries.model import Counts, Tally

_RUNNING = re.compile(r"running (?P<n>\d+) tests?")
_RESULT = re.compile(
    r"test result: (?P<how>ok|FAILED)\. (?P<passed>\d+) passed; (?P<failed>\d+) failed;(?: "
    r"(?P<broken>\d+) allowed;)? (?P<ignored>\d+) ignored;"
    r" \d+ measured; (?P<out>\d+) filtered out(?:; finished in [\d.]+m?s)?"
)
_BROKEN = re.compile(
    r"error: (?:could not compile|test failed, to rerun|doctest failed|\d+ targets? failed).*|.*\(signal: \d+.*\)"
)
_CRASH = re.compile(r".*process didn't exit successfully: .*\(signal: .*\)|Caused by:")
_CANNOT = re.compile(r"error: could not compile .*")


class CargoReader(Sessions):
    """Sums the `test result:` lines of all binaries; an inner one, among a test's output, is not counted."""

    runner = "cargo"

    def __init__(self) -> None:
        super().__init__()
        self.open: list[int] = []
        self.broken = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _RUNNING.fullmatch(text):
            self.open.append(number)
        elif (found := _RESULT.fullmatch(text)) and self.open:
            first = self.open.pop()
            if not self.open:
                passed, failed, skipped = int(found["passed"]), int(found["failed"]), int(found["ignored"])
                out = int(found["out"]) if found["out"] else None
                counts = Counts(passed, failed, 0, skipped, deselected=out, total=passed + failed + skipped)
                self.done.append(Tally("cargo", counts, first, number, found["how"] == "ok"))
        elif _CANNOT.fullmatch(text):
            self.broken = True

    def pending(self) -> bool:
        """Whether a binary did not finish."""
        return bool(self.open) or self.broken


_SUMMARY = re.compile(r" *Summary \[ *[\d.]+s\] +(?P<ran>\d+)(?:/(?P<planned>\d+))? tests? run: (?P<parts>.*)")
_STARTING = re.compile(r" *Starting \d+ tests? across .*")
_NESTED = re.compile(r"\([^()]*\)")
_PART = re.compile(r"(?P<n>\d+) (?P<what>passed|failed|exec failed|timed out|skipped|setup scripts? failed)")
_WHAT = {"passed": "passed", "failed": "failed", "exec failed": "failed", "timed out": "failed", "skipped": "skipped"}


class NextestReader(Sessions):
    """Reads the `Summary [...] 23 tests run:` line."""

    runner = "nextest"

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _STARTING.fullmatch(text):
            self.first = number
        elif found := _SUMMARY.fullmatch(text):
            sums = {"passed": 0}
            for part in _NESTED.sub("", found["parts"]).split(","):
                if counted := _PART.fullmatch(part.strip()):
                    name = _WHAT.get(counted["what"], "errors")
                    sums[name] = sums.get(name, 0) + int(counted["n"])
            whole = found["planned"] is None or found["planned"] == found["ran"] or bool(sums.get("failed"))
            self.end(number, from_sums(sums), whole=whole)
            self.first = 0

    def pending(self) -> bool:
        """Whether a run began and did not end."""
        return bool(self.first)
