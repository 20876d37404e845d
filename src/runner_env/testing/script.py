"""Rules read from a JSON file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from runner_env.core import Where
from runner_env.errors import InputError
from runner_env.testing.replies import Breakage, Fault, Reply, Tokens, ToolCall
from runner_env.testing.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=0)]


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


_Regex = Annotated[str, AfterValidator(_regex)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Tokens(_Closed):
    input_tokens: _Count
    output_tokens: _Count
    cached_tokens: _Count = 0


class _ToolCall(_Closed):
    name: str
    arguments: dict[str, object] = {}


class _Reply(_Closed):
    text: str = ""
    tool_calls: list[_ToolCall] = []
    usage: _Tokens | None = None
    finish_reason: str | None = None
    fault: Fault | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    message: str = ""
    late: bool = False
    broken: Breakage | None = None
    headers: dict[str, str] = {}
    times: Annotated[int, Field(ge=1)] | None = None
    delay: _Seconds = 0.0
    first_delay: _Seconds = 0.0
    chunk_delay: _Seconds = 0.0

    @model_validator(mode="after")
    def _one_refusal(self) -> _Reply:
        if self.fault is not None and self.status is not None:
            raise ValueError("give a fault or a status, not both")
        return self

    def reply(self) -> Reply:
        plain = self.model_dump(exclude={"tool_calls", "usage"})
        calls = tuple(ToolCall(call.name, call.arguments) for call in self.tool_calls)
        usage = Tokens(**self.usage.model_dump()) if self.usage else None
        return Reply(tool_calls=calls, usage=usage, **plain)


class _Rule(_Closed):
    replies: Annotated[list[_Reply], Field(min_length=1)]
    match: _Regex = ""
    model: _Regex = ""
    system: _Regex = ""
    result: _Regex = ""
    tools: bool | _Regex | None = None
    turn: Annotated[int, Field(ge=1)] | None = None

    def rule(self) -> Rule:
        return Rule([reply.reply() for reply in self.replies], **self.model_dump(exclude={"replies"}))


_RULES = TypeAdapter(list[_Rule])


def read_rules(path: Path) -> Sequence[Rule]:
    """The rules in a JSON file: a list of objects whose members are those of `Rule`, `Reply`, `Tokens` and `ToolCall`.

        [{"match": "capital of France", "replies": [{"status": 429, "times": 1}, {"text": "Paris"}]}]

    Raises:
        InputError: `script_unreadable` or `script_invalid`, naming every wrong member.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError("script_unreadable", f"The script cannot be read: {error}", where=Where(str(path))) from error
    try:
        rules = _RULES.validate_json(raw)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise InputError("script_invalid", f"The script is not usable: {wrong}", where=Where(str(path))) from error
    return [rule.rule() for rule in rules]
