"""Cases, evals and mocks in code; each becomes what stands in a case file, and is checked as such."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner_env.errors import OptionError

Stub = str | Mapping[str, Any]
EvalSpec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a text must look like; made by `contains`, `matching`, `anything` and `equals`."""

    field: str
    text: str

    def as_mapping(self) -> dict[str, str]:
        """As a case file has it."""
        return {self.field: self.text}


def equals(text: str) -> Pattern:
    """Exactly `text`."""
    return Pattern("equals", text)


def contains(text: str) -> Pattern:
    """Any text with `text` in it."""
    return Pattern("contains", text)


def matching(pattern: str | re.Pattern[str]) -> Pattern:
    """Any text in which the regular expression is found."""
    return Pattern("pattern", pattern if isinstance(pattern, str) else pattern.pattern)


def anything() -> Pattern:
    """Any text at all, as long as the field is there."""
    return Pattern("pattern", ".*")


@dataclass(frozen=True, slots=True)
class Mock:
    """A mock or spy; made by `spy`, `stub`, `deny` and `rewrite`."""

    name: str | None
    match: Mapping[str, Any]
    action: Mapping[str, Any] = field(default_factory=dict)

    def as_mapping(self) -> dict[str, Any]:
        """As a case file has it."""
        name = {} if self.name is None else {"name": self.name}
        return {**name, "match": dict(self.match), **self.action}


def spy(name: str | None = None, **match: Any) -> Mock:  # noqa: ANN401 - see `_match`
    """Only watch. `match`: `tool=`, `contains=`, `pattern=`, `input={field: text or Pattern}`; at least one."""
    return Mock(name, _match(match))


def stub(
    output: str = "",
    *,
    exit_code: int = 0,
    responses: Sequence[Stub] | None = None,
    name: str | None = None,
    **match: Any,  # noqa: ANN401 - see `_match`
) -> Mock:
    """Answer in the tool's place: always with `output`, or the n-th call with the n-th of `responses`."""
    if responses is not None:
        replies = [one if isinstance(one, str) else dict(one) for one in responses]
        return Mock(name, _match(match), {"stub": replies})
    return Mock(name, _match(match), {"stub": {"output": output, "exit_code": exit_code}})


def deny(message: str, *, name: str | None = None, **match: Any) -> Mock:  # noqa: ANN401 - see `_match`
    """Refuse the call."""
    return Mock(name, _match(match), {"deny": {"message": message}})


def rewrite(new_input: object, *, name: str | None = None, **match: Any) -> Mock:  # noqa: ANN401 - see `_match`
    """Let the call happen with another input."""
    return Mock(name, _match(match), {"rewrite": new_input})


def boolean(criterion: str, *, expected: bool = True, name: str | None = None) -> EvalSpec:
    """The judge says whether `criterion` holds."""
    return _eval("boolean", criterion=criterion, expected=expected, name=name)


def numeric(
    criterion: str,
    *,
    min: float,  # noqa: A002 - the names of the case format
    max: float,  # noqa: A002
    threshold: float,
    comparator: str = "gte",
    name: str | None = None,
) -> EvalSpec:
    """The judge grades `criterion`; the grade is compared with `threshold`."""
    scale = {"min": min, "max": max, "threshold": threshold, "comparator": comparator}
    return _eval("numeric", criterion=criterion, **scale, name=name)


def called(
    mock: str | Mock, *, times: int | None = None, where: Mapping[str, str | Pattern] | None = None, name: str = ""
) -> EvalSpec:
    """`mock` saw calls: exactly `times`, or at least one."""
    return _eval("called", mock=_mock_name(mock), times=times, where=_where(where), name=name or None)


def not_called(
    mock: str | Mock, *, where: Mapping[str, str | Pattern] | None = None, name: str | None = None
) -> EvalSpec:
    """`mock` saw no call."""
    return _eval("not_called", mock=_mock_name(mock), where=_where(where), name=name)


def user(persona: str, *, done_when: str | None = None, max_turns: int | None = None) -> Mapping[str, Any]:
    """A simulated user."""
    return _given(persona=persona, done_when=done_when, max_turns=max_turns)


@dataclass(frozen=True, slots=True)
class TestCase:
    """A case in code.

    Attributes:
        skill: the skill's directory, relative to `cwd` of the run.
        input: what the user says first.
        evals: what must hold, made by `boolean`, `numeric`, `called`, `not_called`.
        name: in the report.
        user: the simulated user, made by `user`.
        mocks: made by `spy`, `stub`, `deny`, `rewrite`.
        spy: record tool calls even without mocks.
    """

    __test__ = False  # pytest takes every class named Test… for a test

    skill: str | Path
    input: str
    evals: Sequence[EvalSpec]
    name: str | None = None
    user: Mapping[str, Any] | None = None
    mocks: Sequence[Mock | Mapping[str, Any]] = ()
    spy: bool = False

    def as_mapping(self) -> dict[str, Any]:
        """As a case file has it."""
        mocks = [one.as_mapping() if isinstance(one, Mock) else dict(one) for one in self.mocks]
        value = _given(name=self.name, user=self.user, mocks=mocks or None, spy=self.spy or None)
        return {**value, "skill": str(self.skill), "input": self.input, "evals": [dict(one) for one in self.evals]}


def _eval(kind: str, **fields: object) -> EvalSpec:
    return {"type": kind, **_given(**fields)}


def _given(**fields: object) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _mock_name(mock: str | Mock) -> str:
    if isinstance(mock, str):
        return mock
    if mock.name is None:
        raise OptionError("unnamed_mock", "A mock that an eval is about needs a name.", hint="Give it `name=`.")
    return mock.name


def _match(given: Mapping[str, Any]) -> dict[str, Any]:
    match = dict(given)
    if isinstance(match.get("input"), Mapping):
        match["input"] = _where(match["input"])
    return match


def _where(fields: Mapping[str, str | Pattern] | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    return {key: value.as_mapping() if isinstance(value, Pattern) else value for key, value in fields.items()}
