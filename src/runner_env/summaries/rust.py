"""`cargo test` and cargo-nextest (https://nexte.st)."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions, from_sums
from runner_env.summaries.model import Counts, Tally

_RUNNING = re.compile(r"running (?P<n>\d+) tests?")
_RESULT = re.compile(
    r"test result: (?P<how>ok|FAILED)\. (?P<passed>\d+) passed; (?P<failed>\d+) failed;(?: "
    r"(?P<broken>\d+) allowed;)? (?P<ignored>\d+) ignored;"
    r" (?P<measured>\d+) measured; (?P<out>\d+) filtered out(?:; finished in [\d.]+m?s)?"
)
_CANNOT = re.compile(r"error: could not compile .*")
_NEXT = re.compile(r" {3,5}(?:Running (?:unittests |tests/|benches/|examples/|`)\S.*|Doc-tests \S+)")


class CargoReader(Sessions):
    """Sums the `test result:` lines of all binaries.

    A test may print such a line, and a `running` line too: a binary's own result has as many tests as it announced,
    and is the last one that has.
    """

    runner = "cargo"

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[int, int]] = []  # where a binary announced its tests, and how many
        self.last: tuple[int, int] | None = None
        self.broken = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if found := _RUNNING.fullmatch(text):
            self.open.append((number, int(found["n"])))
        elif found := _RESULT.fullmatch(text):
            self._result(found, number)
        elif _NEXT.fullmatch(text):
            self.broken = self.broken or bool(self.open)
            self.open, self.last = [], None
        elif _CANNOT.fullmatch(text):
            self.broken = True

    def _result(self, found: re.Match[str], number: int) -> None:
        passed, failed, skipped = int(found["passed"]), int(found["failed"]), int(found["ignored"])
        ran = passed + failed + skipped + int(found["measured"]) + int(found["broken"] or 0)
        again = not self.open and self.last is not None and self.last[1] == ran
        if again:
            self.open, self.last = [self.last or (0, 0)], None
            self.done.pop()
        while self.open and self.open[-1][1] != ran and self.open[0][1] == ran:
            self.open.pop()
        if not self.open or self.open[-1][1] != ran:
            return  # printed by a test
        first = self.open.pop()
        if self.open:
            return
        self.last = first
        out = int(found["out"]) if found["out"] else None
        counts = Counts(passed, failed, 0, skipped, deselected=out, total=passed + failed + skipped)
        self.done.append(Tally("cargo", counts, first[0], number, found["how"] == "ok"))

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

    def __init__(self) -> None:
        super().__init__()
        self.stated = 0  # where the run began of which a statement was seen

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _STARTING.fullmatch(text):
            self.first, self.stated = number, 0
        elif found := _SUMMARY.fullmatch(text):
            sums = {"passed": 0}
            for part in _NESTED.sub("", found["parts"]).split(","):
                if counted := _PART.fullmatch(part.strip()):
                    name = _WHAT.get(counted["what"], "errors")
                    sums[name] = sums.get(name, 0) + int(counted["n"])
            whole = found["planned"] is None or found["planned"] == found["ran"] or bool(sums.get("failed"))
            if self.stated:  # the statement before was printed by a test
                self.first = self.stated
                self.done.pop()
            self.stated = self.first
            self.end(number, from_sums(sums), whole=whole)

    def pending(self) -> bool:
        """Whether a run began and did not end."""
        return bool(self.first)
