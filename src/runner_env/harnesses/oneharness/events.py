"""oneharness's tool events as those of an agent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from runner_env.harnesses.model import EVENT_CHARS, AgentEvent
from runner_env.text.clipping import head_tail

_STATUSES = {"completed": "completed", "failed": "error", "error": "error"}


class Events:
    """Makes one event of a tool's call and of its result, which some harnesses report apart."""

    def __init__(self) -> None:
        self._waiting: dict[str, AgentEvent] = {}

    def take(self, event: Mapping[str, Any]) -> list[AgentEvent]:
        """The events that are complete now. A call that gave no output waits for its result, or for a message."""
        kind, call = event.get("kind"), str(event.get("tool_call_id") or "")
        if kind == "tool_result":
            return [_finished(self._waiting.pop(call), event)] if call in self._waiting else []
        if kind == "tool_call":
            told = _tool_call(event)
            if call and event.get("output") is None:
                self._waiting[call] = told
                return []
            return [told]
        return [*self.rest(), *([_message(event)] if kind == "message" else [])]

    def rest(self) -> list[AgentEvent]:
        """The calls that no result came for."""
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())


def agent_events(events: Iterable[Mapping[str, Any]]) -> tuple[AgentEvent, ...]:
    """All events of a turn that is over."""
    taking = Events()
    told = [complete for event in events for complete in taking.take(event)]
    return (*told, *taking.rest())


def _tool_call(event: Mapping[str, Any]) -> AgentEvent:
    given = event.get("input")
    return AgentEvent(
        "tool_call",
        str(event.get("name") or ""),
        _status(event),
        given if isinstance(given, dict) else {} if given is None else {"input": given},
        _output(event),
    )


def _finished(call: AgentEvent, result: Mapping[str, Any]) -> AgentEvent:
    return replace(call, status=_status(result) or call.status, output=_output(result))


def _message(event: Mapping[str, Any]) -> AgentEvent:
    return AgentEvent("message", output=_output(event))


def _status(event: Mapping[str, Any]) -> str:
    return _STATUSES.get(str(event.get("status")), "")


def _output(event: Mapping[str, Any]) -> str:
    output = event.get("output")
    return head_tail(output if isinstance(output, str) else "" if output is None else str(output), EVENT_CHARS)
