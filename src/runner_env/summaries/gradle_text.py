"""Gradle (https://gradle.org), which sums up only what failed; what passed it tells test by test, if asked to."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions, from_sums
from runner_env.summaries.model import Counts, Tally

_TASK = re.compile(r"> Task \S+.*")
_EVENT = re.compile(r"\S.{0,400}? > .{1,600} (?P<how>PASSED|FAILED|SKIPPED)")
_SUITE = re.compile(r".* > (?:Gradle Test (?:Run|Executor) \S+|[\w.$]+Test(?:s|Case)?) \w+")
_STATED = re.compile(r"(?P<total>\d+) tests? completed(?:, (?P<failed>\d+) failed)?(?:, (?P<skipped>\d+) skipped)?")
_BUILD = re.compile(r"BUILD (?:SUCCESSFUL|FAILED) in .*|BUILD FAILED")
_HOW = {"PASSED": "passed", "FAILED": "failed", "SKIPPED": "skipped"}


class GradleReader(Sessions):
    """Reads `10 tests completed, 2 failed` of a task, or else the tests that it told of, if some passed."""

    runner = "gradle"

    def __init__(self) -> None:
        super().__init__()
        self.events = {"passed": 0, "failed": 0, "skipped": 0}
        self.tasks = self.built = False
        self.last = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _TASK.fullmatch(text):
            self._close_task()
            self.tasks, self.built = True, False
        elif not self.tasks:
            return
        elif text.endswith(("PASSED", "FAILED", "SKIPPED")) and (found := _EVENT.fullmatch(text)):
            if not _SUITE.fullmatch(text):
                self.begin(number)
                self.events[_HOW[found["how"]]] += 1
                self.last = number
        elif found := _STATED.fullmatch(text):
            self._clear()
            sums = {name: int(count or 0) for name, count in found.groupdict().items()}
            self.end(number, from_sums(sums))
        elif _BUILD.fullmatch(text):
            self.built = True

    def _close_task(self) -> None:
        if self.events["passed"]:
            self.end(self.last, Counts(**self.events, errors=0, total=sum(self.events.values())))
        self._clear()

    def _clear(self) -> None:
        self.events = dict.fromkeys(self.events, 0)

    def pending(self) -> bool:
        """Whether the build did not end."""
        return self.tasks and not self.built

    def close(self) -> list[Tally]:
        """All tasks."""
        self._close_task()
        return super().close()
