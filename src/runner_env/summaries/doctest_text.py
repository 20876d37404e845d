"""Python's doctest, and Sphinx's (https://docs.python.org/3/library/doctest.html)."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions
from runner_env.summaries.model import Counts

ANCHORS = (b"tests in ", b"test in ", b"***Test Failed***", b"Doctest summary")

_TESTS = re.compile(r"(?P<n>\d+) tests? in (?P<items>\d+) items?\.")
_RESULT = re.compile(
    r"(?P<passed>\d+) passed(?: and (?P<failed>\d+) failed)?(?:,? and (?P<skipped>\d+) skipped)?\.|"
    r"(?P<only>\d+) failed\."
)
_OF = re.compile(r" +(?P<failed>\d+) of +(?P<total>\d+) in \S.*")
_FAILED = re.compile(r"\*\*\*Test Failed\*\*\* (?P<failed>\d+) failures?(?: and (?P<skipped>\d+) skipped tests?)?\.")
_GOOD = re.compile(r"Test passed\.")
_SPHINX = re.compile(r" +(?P<n>\d+) (?P<what>tests?|failures? in (?:tests|setup code|cleanup code))")


class DoctestReader(Sessions):
    """Reads the summary of a verbose run, and of a quiet one that failed."""

    runner = "doctest"

    def __init__(self) -> None:
        super().__init__()
        self.tests = -1
        self.at = 0
        self.result: tuple[int, int, int] = (0, 0, 0)
        self.listed = [0, 0]
        self.sphinx: dict[str, int] = {}
        self.in_sphinx = 0
        self.summed = 0  # sessions that Sphinx's summaries have summed up

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if text == "Doctest summary":
            self.in_sphinx, self.sphinx = number, {}
        if self.in_sphinx and number - self.in_sphinx <= 6:
            self._sphinx(text, number)
        if found := _TESTS.fullmatch(text):
            self.tests, self.at = int(found["n"]), number
        elif found := _OF.fullmatch(text):
            self.listed[0] += int(found["failed"])
            self.listed[1] += int(found["total"])
        elif self.tests >= 0 and number == self.at + 1 and (found := _RESULT.fullmatch(text)):
            self.result = (
                int(found["passed"] or 0),
                int(found["failed"] or found["only"] or 0),
                int(found["skipped"] or 0),
            )
        elif (found := _FAILED.fullmatch(text)) or (_GOOD.fullmatch(text) and self.tests >= 0):
            self._end(int(found["failed"]) if found else 0, number)

    def _end(self, failed: int, number: int) -> None:
        if self.tests >= 0 and number <= self.at + 3:
            passed, failed, skipped = self.result
            self.end(number, Counts(passed, failed, 0, skipped, total=passed + failed + skipped))
        elif failed and self.listed[0] >= failed:
            self.end(number, Counts(None, failed, 0, None))
        self.tests, self.listed = -1, [0, 0]

    def _sphinx(self, text: str, number: int) -> None:
        if found := _SPHINX.fullmatch(text):
            self.sphinx[found["what"]] = int(found["n"])
        tests = self.sphinx.get("tests", self.sphinx.get("test"))
        failures = [count for what, count in self.sphinx.items() if what.startswith("failure")]
        if tests is not None and len(failures) == 3:
            in_tests = next(count for what, count in self.sphinx.items() if what.endswith("in tests"))
            passed = max(0, tests - in_tests)
            del self.done[self.summed :]  # it told them document by document
            self.summed = len(self.done) + 1
            self.end(number, Counts(passed, in_tests, sum(failures) - in_tests, 0, total=tests))
            self.in_sphinx = 0
