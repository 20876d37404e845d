"""What the events of a server say about a turn, and when there is no use in waiting for it."""

from __future__ import annotations

from typing import Any

import pytest

from runner_env.core import FailureKind
from runner_env.harnesses.model import AgentEvent
from runner_env.harnesses.opencode.progress import Progress


def session(kind: str, **properties: Any) -> dict[str, Any]:
    """An event about the session."""
    return {"type": kind, "properties": {"sessionID": "ses_1", **properties}}


def message(name: str, **info: Any) -> dict[str, Any]:
    """An event about a message of the assistant."""
    info = {"id": name, "role": "assistant", "sessionID": "ses_1", **info}
    return {"type": "message.updated", "properties": {"info": info}}


def part(message_id: str, **content: Any) -> dict[str, Any]:
    """An event about a part of a message."""
    return {"type": "message.part.updated", "properties": {"part": {"id": "prt_1", "messageID": message_id, **content}}}


def retry(attempt: int, said: str) -> dict[str, Any]:
    """The server waits before it asks the model again."""
    return session("session.status", status={"type": "retry", "attempt": attempt, "message": said, "next": 0})


def heard(*events: dict[str, Any], allowed: int = 1, told: list[AgentEvent] | None = None) -> Progress:
    """A turn in which these events came."""
    progress = Progress("ses_1", allowed, None if told is None else told.append)
    for event in events:
        progress.hear(event)
    return progress


def test_a_turn_is_over_when_its_session_is_idle() -> None:
    """That of another session says nothing about it."""
    assert not heard({"type": "session.idle", "properties": {"sessionID": "ses_2"}}).idle
    assert heard(session("session.idle")).idle


@pytest.mark.parametrize(("attempt", "hopeless"), [(1, False), (2, True)])
def test_repetitions_are_bounded(attempt: int, hopeless: bool) -> None:
    """One is allowed: the second that is announced is not waited for."""
    progress = heard(*(retry(n, "Provider is overloaded") for n in range(1, attempt + 1)))
    assert progress.hopeless is hopeless
    assert progress.retries == 1
    assert progress.kind is FailureKind.OVERLOADED


def test_an_answer_begins_a_new_count() -> None:
    """What fails at a later call of the turn is not added to what passed."""
    progress = heard(retry(1, "busy"), message("msg_1", finish="tool-calls"), retry(1, "busy"))
    assert not progress.hopeless
    assert progress.retries == 2


def test_answers_without_an_end_are_bounded() -> None:
    """The server asks again and again when a model's answers do not say why they ended; unless they call tools."""
    formless = [message(f"msg_{n}", finish="unknown") for n in range(2)]
    assert heard(*formless).kind is FailureKind.PROTOCOL
    assert heard(*formless).hopeless
    tool = {"type": "tool", "tool": "write", "state": {"status": "running"}}
    acting = [event for n in range(2) for event in (message(f"msg_{n}"), part(f"msg_{n}", **tool))]
    assert not heard(*acting, *formless).hopeless


def test_a_conversation_that_is_too_long_is_hopeless() -> None:
    """The server would shorten it and go on without what was asked."""
    error = {"name": "ContextOverflowError", "data": {"message": "x"}}
    assert heard(session("session.error", error=error), allowed=9).hopeless


def test_what_waits_for_a_person_is_collected() -> None:
    """Permissions and questions."""
    progress = heard(session("permission.asked", id="per_1"), session("question.asked", id="que_1"))
    assert progress.questions == ["/permission/per_1/reply", "/question/que_1/reject"]


def test_each_event_is_told_once() -> None:
    """When it is over: parts come many times while they grow. What the user said is none."""
    told: list[AgentEvent] = []
    done = {"type": "tool", "tool": "write", "state": {"status": "completed", "input": {"a": 1}, "output": "ok"}}
    heard(
        message("msg_1"),
        part("msg_0", type="text", text="the prompt", time={"end": 1}),
        part("msg_1", type="tool", tool="write", state={"status": "running"}),
        part("msg_1", **done),
        part("msg_1", **done),
        told=told,
    )
    assert told == [AgentEvent("tool_call", "write", "completed", {"a": 1}, "ok")]


@pytest.mark.parametrize(
    "event", [{}, {"type": "session.idle"}, {"properties": []}, session("session.status", status=1)]
)
def test_events_of_any_shape_are_taken(event: dict[str, Any]) -> None:
    """Another version may send others."""
    assert not heard(event).idle
