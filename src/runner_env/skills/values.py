"""The values of skill testing: cases, evals, mocks, and what became of an eval."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner_env.core import Where


class Comparator(StrEnum):
    """How a grade must compare with its threshold; the values are those of reports."""

    GTE = "gte"
    GT = "gt"
    LTE = "lte"
    LT = "lt"

    @property
    def symbol(self) -> str:
        """As a person writes it: `>=`, `>`, `<=` or `<`."""
        return {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}[self.value]

    def holds(self, value: float, threshold: float) -> bool:
        """Whether `value` compares with `threshold` like this."""
        match self:
            case Comparator.GTE:
                return value >= threshold
            case Comparator.GT:
                return value > threshold
            case Comparator.LTE:
                return value <= threshold
            case Comparator.LT:
                return value < threshold


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a text must look like; every given field must hold."""

    equals: str | None = None
    contains: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Which tool calls a mock is about; every given field must hold."""

    tool: str | None = None
    contains: str | None = None
    pattern: str | None = None
    input: Mapping[str, Matcher] | None = None


@dataclass(frozen=True, slots=True)
class StubReply:
    """What a tool call yields instead of being executed."""

    output: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class MockDecl:
    """A mock as declared. Without `stub`, `deny` and `rewrite` it is a spy.

    Attributes:
        match: which calls it is about.
        name: None until all mocks of a case are known (`mocks.named`).
        stub: the replies of the first, second, … call; the last repeats.
        deny: why the call is refused.
        rewrite: the input to use instead.
        where: the place of the declaration.
    """

    match: Match
    name: str | None = None
    stub: tuple[StubReply, ...] = ()
    deny: str | None = None
    rewrite: Any = None
    where: Where | None = None

    @property
    def is_spy(self) -> bool:
        """Whether calls are only watched."""
        return not self.stub and self.deny is None and self.rewrite is None


@dataclass(frozen=True, slots=True)
class BooleanEval:
    """The judge says whether the criterion holds; it must say `expected`."""

    criterion: str
    expected: bool = True
    name: str | None = None

    @property
    def label(self) -> str:
        """How the report names it."""
        return self.name or self.criterion


@dataclass(frozen=True, slots=True)
class NumericEval:
    """The judge gives a number from `minimum` to `maximum`, which is compared with `threshold`."""

    criterion: str
    minimum: float
    maximum: float
    threshold: float
    comparator: Comparator = Comparator.GTE
    name: str | None = None

    @property
    def label(self) -> str:
        """How the report names it."""
        return self.name or self.criterion


@dataclass(frozen=True, slots=True)
class CallsEval:
    """A mock or spy saw calls (exactly `times`, or at least one), or, if `negated`, none."""

    mock: str
    negated: bool = False
    times: int | None = None
    where: Mapping[str, Matcher] | None = None
    name: str | None = None

    @property
    def label(self) -> str:
        """How the report names it."""
        return self.name or f"{'not_called' if self.negated else 'called'}: {self.mock}"


Eval = BooleanEval | NumericEval | CallsEval


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """Who answers the skill, until when, and how often at most (None: as the config says)."""

    persona: str
    done_when: str | None = None
    max_turns: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A test case of a skill.

    Attributes:
        name: as given, or the file's stem; not unique.
        skill: the skill's directory as the report shows it, not normalised.
        skill_dir: the skill's directory, to be read.
        input: what the user says first.
        evals: what must hold; at least one.
        user: the simulated user, if there is one.
        mocks: its own mocks; those of the config come before them (`mocks.for_case`).
        spy: whether tool calls are recorded even without mocks.
        origin: the file it comes from as given on the command line, or where else it was made.
        sha256: of its canonical JSON, for the record.
    """

    name: str
    skill: str
    skill_dir: Path
    input: str
    evals: tuple[Eval, ...]
    user: SimulatedUser | None = None
    mocks: tuple[MockDecl, ...] = ()
    spy: bool = False
    origin: Where | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class EvalOutcome:
    """What became of one eval.

    Attributes:
        label: how the report names it.
        passed: None if it could not be scored, for which `reason` says why.
        detail: the report's `detail` object, with its `kind`.
        reason: the judge's reason, or what was counted.
    """

    label: str
    passed: bool | None
    detail: Mapping[str, Any]
    reason: str
