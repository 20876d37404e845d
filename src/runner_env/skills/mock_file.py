"""Mock declarations as they stand in a case, a config or a `--mocks` file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from runner_env.skills.fields import NonBlank, NonEmpty, Pattern, Strict, Text, refuse


class _OrText:
    """Says in the JSON Schema that text is accepted too, and, of a list, a single item."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        options = [{"type": "string"}, schema]
        if "items" in schema:
            schema["items"] = {"anyOf": [{"type": "string"}, schema["items"]]}
            options[1:1] = [schema["items"]["anyOf"][1]]
        return {"anyOf": options}


_ACTIONS = ("stub", "deny", "rewrite")


class MatcherFile(Strict):
    """What one field of a tool call's input must look like; every given key must hold."""

    equals: str | None = None
    """The exact text."""
    contains: NonEmpty | None = None
    """A part of the text."""
    pattern: Pattern | None = None
    """A regular expression that is found in the text."""

    @model_validator(mode="after")
    def _some(self) -> MatcherFile:
        if self.equals is None and self.contains is None and self.pattern is None:
            raise refuse("empty_value", "must have `equals`, `contains` or `pattern`")
        return self


def _short_matcher(value: object) -> object:
    return {"equals": value} if isinstance(value, str) else value


Matcher = Annotated[
    MatcherFile,
    BeforeValidator(_short_matcher),
    _OrText(),
]
"""Text stands for `{equals: text}`."""
FieldMatchers = Annotated[dict[str, Matcher], Field(min_length=1)]


class MatchFile(Strict):
    """Which tool calls a mock is about; every given key must hold."""

    tool: NonBlank | None = None
    """The tool's name; case does not matter."""
    contains: NonBlank | None = None
    """A part of the call (its tool name and input as JSON)."""
    pattern: Pattern | None = None
    """A regular expression that is found in the call."""
    input: FieldMatchers | None = None
    """Fields of the tool's input."""

    @model_validator(mode="after")
    def _some(self) -> MatchFile:
        if self.tool is None and self.contains is None and self.pattern is None and self.input is None:
            raise refuse("empty_value", "must have at least one of `tool`, `contains`, `pattern`, `input`")
        return self


class StubFile(Strict):
    """What a tool call yields instead of being executed."""

    output: Text
    """What the tool prints."""
    exit_code: Annotated[int, Field(ge=0, le=255)] = 0
    """Its exit code."""


class DenyFile(Strict):
    """Why a tool call is refused."""

    message: Text
    """What the agent is told."""


def _short_stub(value: object) -> object:
    if isinstance(value, list):
        return [_short_reply(item) for item in value]
    return [_short_reply(value)]


def _short_reply(value: object) -> object:
    """Text stands for its output; a number does not, because it might be meant as an exit code."""
    if value == "":
        raise refuse("empty_value", "must not be empty")
    return {"output": value} if isinstance(value, str) else value


def _short_deny(value: object) -> object:
    return {"message": value} if isinstance(value, str) else value


Stub = Annotated[list[StubFile], Field(min_length=1), BeforeValidator(_short_stub), _OrText()]
Deny = Annotated[DenyFile, BeforeValidator(_short_deny), _OrText()]


class MockFile(Strict):
    """A mock, or without `stub`, `deny` and `rewrite` a spy."""

    name: NonBlank | None = None
    """How evals refer to it; default: `mock_<i>` or `spy_<i>`, counted over all mocks of the case."""
    match: MatchFile
    """Which tool calls it is about; the first mock that matches a call decides."""
    stub: Stub | None = None
    """Answer instead of the tool; of a list the n-th call gets the n-th item, later ones the last."""
    deny: Deny | None = None
    """Refuse the call with this message."""
    rewrite: dict[str, Any] | None = None
    """Execute the call with this input instead."""

    @model_validator(mode="after")
    def _one_action(self) -> MockFile:
        if len([name for name in _ACTIONS if getattr(self, name) is not None]) > 1:
            raise refuse("several_actions", "may have at most one of `stub`, `deny` and `rewrite` (none makes a spy)")
        return self


class MocksFile(Strict):
    """A list of mocks, as the file of `--mocks` has it."""

    mocks: list[MockFile]
