"""The JSON protocol between the runner and a provider command (docs/protocol.md). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_env.core import FailureKind
from runner_env.errors import ProviderError
from runner_env.harnesses.claims import Invalid, finite, read_usage
from runner_env.judging.query import JudgeKind, JudgeQuery, JudgeVerdict
from runner_env.providers.model import AssistantTurn, MockCall, UserTurn
from runner_env.text.clipping import head_tail
from runner_env.text.jsontext import read_json, repeated_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_env.core import Message
    from runner_env.providers.model import MockRules, SkillRef

_SHOWN = 500
_KEPT = 1 << 16


def respond_request(
    target: tuple[str, str],
    skill: SkillRef,
    messages: Sequence[Message],
    session: str | None = None,
    mocks: MockRules | None = None,
) -> dict[str, Any]:
    """The request for an assistant's turn; `target` is platform and model."""
    request: dict[str, Any] = {
        "op": "respond",
        "platform": target[0],
        "model": target[1],
        "skill": {"name": skill.name, "path": skill.dir, "instructions": skill.instructions},
        "messages": [message.as_json() for message in messages],
    }
    if session is not None:
        request["session"] = session
    if mocks is not None:
        request["mocks"] = {"rules": mocks.rules}
    return request


def user_request(model: str, persona: str, messages: Sequence[Message]) -> dict[str, Any]:
    """The request for a simulated user's turn."""
    return {"op": "user", "model": model, "persona": persona, "messages": [message.as_json() for message in messages]}


def judge_request(model: str, query: JudgeQuery, messages: Sequence[Message]) -> dict[str, Any]:
    """The request for a judgement."""
    request: dict[str, Any] = {"op": "judge", "model": model, "kind": query.kind.value, "criterion": query.criterion}
    if query.scale is not None:
        request["min"], request["max"] = query.scale
    request["messages"] = [message.as_json() for message in messages]
    return request


def read_reply(op: str, text: str) -> dict[str, Any]:
    """The JSON object that a provider answered with.

    Raises:
        ProviderError: nothing, no JSON, more than one value, or no object.
    """
    if not text.strip():
        raise bad_reply(op, "provider produced no output (expected one JSON response object)", text)
    try:
        reply = read_json(text)
    except ValueError as error:
        raise invalid_reply(op, error, text) from None
    if not isinstance(reply, dict):
        raise invalid_reply(op, Invalid("it must be an object"), text)
    if again := repeated_key(text):
        raise invalid_reply(op, Invalid(f"duplicate field `{again}`"), text)
    return reply


def assistant_turn(reply: Mapping[str, Any], text: str, mocks: MockRules | None) -> AssistantTurn:
    """The turn in a reply to `respond`.

    Raises:
        ProviderError: it lacks something, or has a wrong type.
    """
    try:
        calls = _objects(reply, "mock_calls")
        if mocks is not None and calls is None:
            raise Invalid("missing field `mock_calls`, although `mocks` was sent: this provider cannot mock tools")
        return AssistantTurn(
            message=_text(reply, "message"),
            done=_flag(reply, "done"),
            usage=read_usage(reply.get("usage")),
            session_id=_optional_text(reply, "session_id") or None,
            events=_numbered(_objects(reply, "events")),
            mock_calls=None if calls is None else tuple(map(read_mock_call, calls)),
            raw=head_tail(text, _KEPT),
        )
    except Invalid as problem:
        raise invalid_reply("respond", problem, text) from None


def user_turn(reply: Mapping[str, Any], text: str) -> UserTurn:
    """The turn in a reply to `user`; raises as `assistant_turn`."""
    try:
        return UserTurn(
            message=_text(reply, "message"),
            stop=_flag(reply, "stop"),
            usage=read_usage(reply.get("usage")),
            raw=head_tail(text, _KEPT),
        )
    except Invalid as problem:
        raise invalid_reply("user", problem, text) from None


def judgement(query: JudgeQuery, reply: Mapping[str, Any], text: str) -> JudgeVerdict:
    """The verdict in a reply to `judge`; raises as `assistant_turn`."""
    try:
        usage = read_usage(reply.get("usage"))
        reason = _text(reply, "reason") if "reason" in reply else ""
        return JudgeVerdict(_value(query.kind, reply), reason, head_tail(text, _KEPT), usage)
    except Invalid as problem:
        raise invalid_reply("judge", problem, text) from None


def read_mock_call(call: Mapping[str, Any]) -> MockCall:
    """One recorded tool call: `{tool, input, action, rule?}`.

    Raises:
        Invalid: a field is missing or has a wrong type.
    """
    rule = call.get("rule")
    if rule is not None and (isinstance(rule, bool) or not isinstance(rule, int) or rule < 0):
        raise Invalid("`rule` must be the index of a rule")
    return MockCall(_text(call, "tool"), call.get("input"), _text(call, "action"), rule)


def bad_reply(op: str, message: str, text: str) -> ProviderError:
    """The error for a reply that breaks the protocol."""
    return ProviderError(
        "protocol",
        message,
        context=op,
        kind=FailureKind.PROTOCOL,
        hint="A provider answers each request with one JSON object on its standard output; see docs/protocol.md.",
        raw=head_tail(text, _KEPT),
    )


def invalid_reply(op: str, problem: ValueError, text: str) -> ProviderError:
    """The error for a reply that is no valid JSON object of its kind."""
    shown = head_tail(text.strip(), _SHOWN)
    return bad_reply(op, f"provider response was not valid JSON for `{op}`: {problem}; got: {shown}", text)


def _value(kind: JudgeKind, reply: Mapping[str, Any]) -> bool | float:
    value = reply.get("value")
    if kind is JudgeKind.BOOLEAN:
        if not isinstance(value, bool):
            raise Invalid("`value` must be a bool for a boolean judgement")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid("`value` must be a number for a numeric judgement")
    return finite("value", value)


def _text(reply: Mapping[str, Any], name: str) -> str:
    if name not in reply:
        raise Invalid(f"missing field `{name}`")
    value = reply[name]
    if not isinstance(value, str):
        raise Invalid(f"`{name}` must be a string")
    return value


def _optional_text(reply: Mapping[str, Any], name: str) -> str | None:
    return None if reply.get(name) is None else _text(reply, name)


def _flag(reply: Mapping[str, Any], name: str) -> bool:
    value = reply.get(name, False)
    if not isinstance(value, bool):
        raise Invalid(f"`{name}` must be true or false")
    return value


def _objects(reply: Mapping[str, Any], name: str) -> tuple[dict[str, Any], ...] | None:
    value = reply.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Invalid(f"`{name}` must be a list of objects")
    return tuple(value)


def _numbered(events: tuple[dict[str, Any], ...] | None) -> tuple[dict[str, Any], ...] | None:
    """The events, each with an `index`, which a provider may leave out."""
    if events is None:
        return None
    for event in events:
        _text(event, "kind")
    return tuple({**event, "index": event.get("index", number)} for number, event in enumerate(events))
