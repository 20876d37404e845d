"""A case as it stands in its file: every key of it is declared here and nowhere else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from runner_env.skills.fields import Exact, Label, NonBlank, Number, Positive, Strict, refuse
from runner_env.skills.mock_file import Matcher, MockFile
from runner_env.skills.values import Comparator


def _comparator(value: object) -> object:
    names = {symbol: comparator for comparator in Comparator for symbol in (comparator.value, comparator.symbol)}
    if isinstance(value, str) and value in names:
        return names[value]
    raise refuse("bad_value", f"must be one of {', '.join(names)}, not {value!r}")


def _times(value: int) -> int:
    if value < 1:
        raise refuse("bad_value", f"must be at least 1, not {value}; no call at all is what `not_called` is for")
    return value


def _turns(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _listed(value: object) -> object:
    return [] if value is None else value


class UserFile(Strict):
    """A simulated user that answers the skill."""

    persona: NonBlank
    """Who the user is and what they want."""
    done_when: NonBlank | None = None
    """A criterion: once it holds, the conversation is over."""
    max_turns: Annotated[Positive | None, BeforeValidator(_turns)] = None
    """Answers of the skill at most; default: `max_turns` of the config."""


class BooleanFile(Strict):
    """The judge says whether the criterion holds."""

    type: Literal["boolean"]
    criterion: Exact
    """What is judged, as a statement about the conversation."""
    expected: bool = True
    """What the judge must say."""
    name: Label = None
    """Label in the report; default: the criterion."""


class NumericFile(Strict):
    """The judge gives a number, which is compared with a threshold."""

    type: Literal["numeric"]
    criterion: Exact
    """What is graded."""
    min: Number
    """Lower end of the scale."""
    max: Number
    """Upper end of the scale."""
    threshold: Number
    """What the grade is compared with; on the scale."""
    comparator: Annotated[
        Comparator,
        BeforeValidator(_comparator),
        WithJsonSchema({"enum": ["gte", "gt", "lte", "lt", ">=", ">", "<=", "<"]}),
    ] = Comparator.GTE
    """How the grade must compare with the threshold."""
    name: Label = None
    """Label in the report; default: the criterion."""

    @field_validator("max")
    @classmethod
    def _is_a_scale(cls, value: float, info: ValidationInfo) -> float:
        low = info.data.get("min")
        if low is not None and not low < value:
            raise refuse("bad_value", f"must be greater than `min`: min ({low:g}) is not below max ({value:g})")
        return value

    @field_validator("threshold")
    @classmethod
    def _is_on_the_scale(cls, value: float, info: ValidationInfo) -> float:
        low, high = info.data.get("min"), info.data.get("max")
        if low is not None and high is not None and not low <= value <= high:
            raise refuse("bad_value", f"must lie between `min` ({low:g}) and `max` ({high:g}), not {value:g}")
        return value


class CalledFile(Strict):
    """A mock or spy saw calls."""

    type: Literal["called"]
    mock: Exact
    """The name of the mock."""
    times: Annotated[int, Field(le=1_000_000), AfterValidator(_times)] | None = None
    """Exactly how often; default: at least once."""
    where: dict[str, Matcher] | None = None
    """Only calls whose input looks like this are counted."""
    name: Label = None
    """Label in the report; default: `called: <mock>`."""


class NotCalledFile(Strict):
    """A mock or spy saw no call."""

    type: Literal["not_called"]
    mock: Exact
    """The name of the mock."""
    where: dict[str, Matcher] | None = None
    """Only calls whose input looks like this are counted."""
    name: Label = None
    """Label in the report; default: `not_called: <mock>`."""


EvalFile = Annotated[BooleanFile | NumericFile | CalledFile | NotCalledFile, Field(discriminator="type")]


class CaseFile(Strict):
    """A test case of a skill."""

    name: Label = None
    """Default: the file's name without its last extension."""
    skill: NonBlank
    """The skill's directory, relative to this file."""
    input: NonBlank
    """What the user says first."""
    user: UserFile | None = None
    """A simulated user; without one the skill answers once."""
    mocks: Annotated[list[MockFile], BeforeValidator(_listed)] = Field(default_factory=list)
    """Tool calls to watch, answer, refuse or change; looked at after those of the config."""
    spy: bool = False
    """Record tool calls even if there are no mocks."""
    evals: Annotated[list[EvalFile], Field(min_length=1)]
    """What must hold for the case to pass."""
