"""OpenCode's messages and events as what happened in a turn. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_env.core import FailureKind, Usage, UsageSource
from runner_env.harnesses.model import EVENT_CHARS, AgentEvent
from runner_env.text.clipping import head_tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_OVER = frozenset(("completed", "error"))
_FINISHES = {
    "length": (FailureKind.TRUNCATED, "The model's answer was cut off at its limit of tokens."),
    "content-filter": (FailureKind.REFUSAL, "The model's answer was withheld by its content filter."),
    "error": (FailureKind.PROTOCOL, "The model's answer ended in an error."),
}

Message = dict[str, Any]


def new_messages(listed: object, known: frozenset[str]) -> list[Message]:
    """The messages in an answer of `GET /session/{id}/message`, but for those that were known before."""
    found = (item for item in listed if isinstance(item, dict)) if isinstance(listed, list) else ()
    return [item for item in found if message_id(item) not in known]


def of_role(messages: Iterable[Message], role: str) -> list[Message]:
    """Those of `assistant` or `user`."""
    return [message for message in messages if info_of(message).get("role") == role]


def info_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """The head of a message."""
    info = message.get("info")
    return info if isinstance(info, dict) else {}


def message_id(message: Mapping[str, Any]) -> str:
    """Its handle."""
    return str(info_of(message).get("id", ""))


def finished(messages: Sequence[Message]) -> bool:
    """Whether the last message is one after which nothing comes."""
    if not messages:
        return False
    info = info_of(messages[-1])
    times = info.get("time")
    ended = isinstance(times, dict) and "completed" in times
    return "error" in info or (ended and info.get("finish") != "tool-calls")


def text_of(messages: Sequence[Message]) -> str:
    """What the assistant said last."""
    texts = (part.get("text") for part in _parts(messages[-1:]) if part.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def usage_of(messages: Iterable[Message]) -> Usage:
    """The sum over messages, one for each call of the model; input counts what came from the cache too."""
    return Usage.total(_usage(info_of(message)) for message in messages)


def events_of(messages: Iterable[Message]) -> tuple[AgentEvent, ...]:
    """What the agent did, oldest first."""
    return tuple(event for part in _parts(messages) if (event := event_of(part)) is not None)


def event_of(part: Mapping[str, Any]) -> AgentEvent | None:
    """A part of a message that is over, as an event; None if it is something else, or goes on."""
    if part.get("type") == "text":
        times, text = part.get("time"), part.get("text")
        over = isinstance(times, dict) and "end" in times
        return AgentEvent("message", output=_clip(text)) if over and isinstance(text, str) and text else None
    state = part.get("state")
    if part.get("type") != "tool" or not isinstance(state, dict) or state.get("status") not in _OVER:
        return None
    given = state.get("input")
    said = state.get("output") if state["status"] == "completed" else state.get("error")
    return AgentEvent(
        "tool_call",
        name=str(part.get("tool", "")),
        status=state["status"],
        input=given if isinstance(given, dict) else {},
        output=_clip(said),
    )


def last_error(messages: Sequence[Message]) -> dict[str, Any] | None:
    """The error with which the last message ended."""
    error = info_of(messages[-1]).get("error") if messages else None
    return error if isinstance(error, dict) else None


def unusable(messages: Sequence[Message]) -> tuple[FailureKind, str] | None:
    """Why a turn without an error is none all the same: nothing was answered, or only a part."""
    if not messages:
        return FailureKind.PROTOCOL, "OpenCode ended the turn without an answer."
    info = info_of(messages[-1])
    if known := _FINISHES.get(str(info.get("finish"))):
        return known
    if not finished(messages):
        return FailureKind.PROTOCOL, "OpenCode ended the turn in the middle of an answer."
    return None


def _parts(messages: Iterable[Message]) -> Iterator[dict[str, Any]]:
    for message in messages:
        parts = message.get("parts")
        yield from (part for part in parts if isinstance(part, dict)) if isinstance(parts, list) else ()


def _usage(info: Mapping[str, Any]) -> Usage:
    tokens = info.get("tokens")
    tokens = tokens if isinstance(tokens, dict) else {}
    cache = tokens.get("cache")
    cache = cache if isinstance(cache, dict) else {}
    read = [_count(tokens.get("input")), _count(cache.get("read")), _count(cache.get("write"))]
    written = [_count(tokens.get("output")), _count(tokens.get("reasoning"))]
    if not any(read) and not any(written):
        return Usage()
    cost = info.get("cost")
    priced = float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and cost > 0 else None
    return Usage(sum(read), sum(written), 1, priced, UsageSource.CLAIMED)


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0


def _clip(text: object) -> str:
    return head_tail(text, EVENT_CHARS) if isinstance(text, str) else ""
