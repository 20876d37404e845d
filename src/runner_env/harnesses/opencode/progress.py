"""What the server's events say about one turn. Pure but for the callback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_env.core import FailureKind
from runner_env.harnesses.failures import error_kind, kind_of
from runner_env.harnesses.opencode.messages import event_of

if TYPE_CHECKING:
    from runner_env.harnesses.model import OnEvent

_ABORTED = "MessageAbortedError"


class Progress:
    """Follows one turn of one session.

    Args:
        session: its handle.
        retries_allowed: how many repetitions of a call to the model are waited for.
        on_event: told of each event once.

    Attributes:
        idle: the server says that the turn is over.
        retry_said: why the last of them was needed.
        retry_at_ms: when it is due, in milliseconds since 1970.
        error: the last error of the session.
        questions: what waits for a person: paths below which a refusal is posted.
    """

    def __init__(self, session: str, retries_allowed: int, on_event: OnEvent | None) -> None:
        self._session = session
        self._allowed = retries_allowed
        self._on_event = on_event
        self._told: set[str] = set()
        self._own: set[str] = set()
        self._acting: set[str] = set()
        self._formless: set[str] = set()
        self._attempt = 0
        self._retries = 0
        self.idle = False
        self.retry_said = ""
        self.retry_at_ms = 0.0
        self.error: dict[str, Any] | None = None
        self.questions: list[str] = []

    @property
    def hopeless(self) -> bool:
        """Whether there is no use in waiting.

        Left alone, the server would go on for ever: repeat a call that fails; ask again after an answer without an end
        (an empty body, a page of a proxy, a stream that just stops); shorten a conversation that does not fit, leave
        out what was asked, and continue as if all were well.
        """
        return (
            self._attempt > self._allowed
            or len(self._formless) > self._allowed
            or self.kind is FailureKind.CONTEXT_LENGTH
        )

    @property
    def retries(self) -> int:
        """Repetitions of calls to the model so far."""
        return self._retries + min(len(self._formless), self._allowed)

    @property
    def retrying(self) -> bool:
        """Whether the server waits before it repeats a call to the model."""
        return self._attempt > 0

    @property
    def kind(self) -> FailureKind | None:
        """What its error or its repetitions are about; None if there are none, or nothing is known."""
        if self.error is not None and self.error.get("name") != _ABORTED:
            return error_kind(self.error)
        if len(self._formless) > self._allowed:
            return FailureKind.PROTOCOL
        # it repeats calls after an overload, at a limit of rate, or without a connection, and after nothing else
        return kind_of(self.retry_said) or FailureKind.OVERLOADED if self.retrying else None

    def hear(self, event: dict[str, Any]) -> None:
        """Take in one event of the server; those of other sessions are ignored."""
        properties = event.get("properties")
        if not isinstance(properties, dict):
            return
        kind = event.get("type")
        if kind == "message.part.updated":
            self._part(properties.get("part"))
        elif kind == "message.updated":
            self._message(properties.get("info"))
        elif properties.get("sessionID") == self._session:
            self._session_event(str(kind), properties)

    def _session_event(self, kind: str, properties: dict[str, Any]) -> None:
        if kind == "session.idle":
            self.idle = True
        elif kind == "session.error" and isinstance(properties.get("error"), dict):
            self.error = properties["error"]
        elif kind == "session.status":
            self._status(properties.get("status"))
        elif kind == "permission.asked":
            self.questions.append(f"/permission/{properties.get('id')}/reply")
        elif kind == "question.asked":
            self.questions.append(f"/question/{properties.get('id')}/reject")

    def _status(self, status: object) -> None:
        """Take in the session's status: `{"type": "busy" | "idle" | "retry", "attempt", "message", "next"}`."""
        if not isinstance(status, dict):
            return
        if status.get("type") == "retry":
            attempt, due = status.get("attempt"), status.get("next")
            self._attempt = attempt if isinstance(attempt, int) else self._attempt + 1
            self.retry_said = str(status.get("message", ""))
            self.retry_at_ms = float(due) if isinstance(due, int | float) else 0.0
            if self._attempt <= self._allowed:
                self._retries += 1

    def _message(self, info: object) -> None:
        if isinstance(info, dict) and info.get("sessionID") == self._session and info.get("role") == "assistant":
            name = str(info.get("id"))
            self._own.add(name)
            if info.get("finish") == "unknown" and name not in self._acting:
                self._formless.add(name)
            elif info.get("finish"):
                self._attempt = 0  # an answer has come; what fails later is counted anew

    def _part(self, part: object) -> None:
        if not isinstance(part, dict) or part.get("messageID") not in self._own:
            return
        if part.get("type") == "tool":
            self._acting.add(str(part["messageID"]))
        event = event_of(part)
        name = str(part.get("id"))
        if event is not None and name not in self._told:
            self._told.add(name)
            if self._on_event is not None:
                self._on_event(event)
