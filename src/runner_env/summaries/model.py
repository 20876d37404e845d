"""What a test runner's output states: the counts of one session, and the summary of a whole output."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, fields

_STRICT = ("passed", "skipped", "total")


@dataclass(frozen=True)
class Counts:
    """How many tests ended in which way; None is a count that the output does not state.

    `total` has every other count in it but `deselected`. What is still to be written (todo) is in `total` alone.
    """

    passed: int | None = None
    failed: int | None = 0
    errors: int | None = 0
    skipped: int | None = None
    xfailed: int | None = None
    xpassed: int | None = None
    deselected: int | None = None
    total: int | None = None

    def __add__(self, other: Counts) -> Counts:
        """Both together; an unknown number of passes, skips or tests stays unknown."""
        return Counts(**{f.name: _sum(f.name, getattr(self, f.name), getattr(other, f.name)) for f in fields(self)})


def _sum(name: str, one: int | None, two: int | None) -> int | None:
    if one is None or two is None:
        return None if name in _STRICT else (two if one is None else one)
    return one + two


@dataclass(frozen=True)
class Tally:
    """What one session of one runner states.

    Attributes:
        runner: its name, lower case.
        counts: what it counted.
        first: number of the line where the session begins.
        last: number of the line where its statement ends.
        good: whether the runner itself says nothing of a failure.
        whole: whether the session ended as it should; False after an interrupt or where results are missing.
        score: a score that is stated as such or comes from something other than single tests, from 0 to 1.
        void: whether it states nothing.
    """

    runner: str
    counts: Counts
    first: int = 0
    last: int = 0
    good: bool = True
    whole: bool = True
    score: float | None = None
    void: bool = False

    @classmethod
    def unfinished(cls, runner: str, first: int) -> Tally:
        """A session that began and never stated anything; what lies within it is not counted."""
        return cls(runner, Counts(), first, sys.maxsize, whole=False, void=True)

    @property
    def passed(self) -> bool:
        """Whether something ran and nothing went wrong."""
        counts = self.counts
        ran = (counts.passed or 0) + (counts.xfailed or 0) > 0 or (counts.passed is None and self.score is not None)
        return ran and self.good and self.whole and not counts.failed and not counts.errors


@dataclass(frozen=True)
class Summary:
    """What an output states about the tests that ran.

    Attributes:
        runner: the runner's name, several joined by `+`; None if the output states no result.
        passed: tests that passed.
        failed: tests that failed.
        errors: what could not be tested: fixtures, collection, builds.
        skipped: tests that were skipped.
        xfailed: tests that failed as expected.
        xpassed: tests that passed although a failure was expected.
        deselected: tests that were not asked for.
        total: all tests but the deselected ones.
        ok: whether tests ran, every one was good, and neither runner nor exit code says otherwise.
        score: `passed / (passed + failed + errors)`, from 0 to 1; None if nothing ran or the run did not end properly.
    """

    runner: str | None = None
    passed: int | None = None
    failed: int | None = None
    errors: int | None = None
    skipped: int | None = None
    xfailed: int | None = None
    xpassed: int | None = None
    deselected: int | None = None
    total: int | None = None
    ok: bool = False
    score: float | None = None

    def to_json(self) -> str:
        """One line of JSON; the keys are the fields, in their order."""
        return json.dumps(asdict(self))

    def describe(self) -> str:
        """One line for a reader: the runner, whether all is well, every count that is stated, the score."""
        if self.runner is None:
            return "no result: the output states none"
        names = ("passed", "failed", "errors", "skipped", "xfailed", "xpassed", "deselected", "total")
        counts = ", ".join(f"{getattr(self, name)} {name}" for name in names if getattr(self, name) is not None)
        score = "no score" if self.score is None else f"score {self.score:.4g}"
        return f"{self.runner}: {'ok' if self.ok else 'not ok'}: {counts}; {score}"
