"""Test runners of shells: bats and shunit2."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions
from runner_env.summaries.model import Counts

_BATS_DONE = re.compile(
    r"(?P<total>\d+) tests?, (?P<failed>\d+) failures?(?:, (?P<skipped>\d+) skipped)?(?:, "
    r"(?P<lost>\d+) not run)?(?: in \d+ seconds?)?"
)
_BATS_LINE = re.compile(r" (?:✓|✗|-) \S.*|\S+\.bats")


class BatsReader(Sessions):
    """Reads bats' pretty report: check marks and `3 tests, 1 failure, 1 skipped`."""

    runner = "bats"

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _BATS_LINE.fullmatch(text):
            self.begin(number)
        elif self.first and (found := _BATS_DONE.fullmatch(text)):
            total, failed, skipped, lost = (int(found[name] or 0) for name in ("total", "failed", "skipped", "lost"))
            passed = max(0, total - failed - skipped - lost)
            self.end(number, Counts(passed, failed, 0, skipped, total=total), whole=not lost)

    def pending(self) -> bool:
        """Whether a run began and did not end."""
        return bool(self.first)


_SH_RAN = re.compile(r"Ran (?P<n>\d+) tests?\.")
_SH_END = re.compile(r"(?P<word>OK|FAILED)(?: \((?P<parts>(?:failures|skipped)=\d+(?:,(?:failures|skipped)=\d+)*)\))?")
_SH_TEST = re.compile(r"test\w*")


class Shunit2Reader(Sessions):
    """Reads `Ran 3 tests.` and its verdict, which counts assertions; tests that fail are those with one below them."""

    runner = "shunit2"

    def __init__(self) -> None:
        super().__init__()
        self.ran: tuple[int, int] | None = None
        self.test = ""
        self.bad: set[str] = set()

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _SH_TEST.fullmatch(text):
            self.begin(number)
            self.test = text
        elif text.startswith("ASSERT:") and len(self.bad) < 100_000:
            self.bad.add(self.test)
        elif found := _SH_RAN.fullmatch(text):
            self.ran = (int(found["n"]), number)
        elif self.ran and text and (found := _SH_END.fullmatch(text)):
            self._state(self.ran[0], found, number)
        elif self.ran and text:
            self.ran = None

    def _state(self, total: int, found: re.Match[str], number: int) -> None:
        parts = dict(part.split("=") for part in (found["parts"] or "").split(",") if part)
        failed = min(total, len(self.bad) or int(parts.get("failures", 0)))
        self.end(number, Counts(total - failed, failed, 0, 0, total=total), good=found["word"] == "OK")
        self.ran, self.bad, self.test = None, set(), ""
