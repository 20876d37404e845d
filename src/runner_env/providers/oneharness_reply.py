"""What `oneharness run` printed, as a provider's reply or error. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.core import FailureKind
from runner_env.errors import ProviderError
from runner_env.harnesses.claims import Invalid
from runner_env.harnesses.oneharness import envelope
from runner_env.providers.model import MockCall
from runner_env.text.jsontext import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_env.harnesses.commands import Finished
    from runner_env.harnesses.oneharness.envelope import HarnessReply
    from runner_env.providers.model import Event

_NAME = "oneharness"
_TOOL_EVENTS = frozenset(("tool_call", "tool_result"))


def read_finished(finished: Finished, harness: str, *, streamed: bool = False, blank: bool = False) -> HarnessReply:
    """The reply in what oneharness printed; see `envelope.read_finished`.

    Raises:
        ProviderError: the harness failed, or what was printed is no envelope.
    """
    try:
        return envelope.read_finished(finished, streamed=streamed, blank=blank)
    except envelope.Unusable as problem:
        raise _error(problem, harness) from None


def read_spied(lines: str) -> tuple[MockCall, ...]:
    """The tool calls in a spy file: a line `{"event": {"tool_name", "tool_input"}, "action", "rule"}` for each.

    Raises:
        ProviderError: a line is no such thing.
    """
    try:
        return tuple(_mock_call(read_json(line)) for line in lines.splitlines() if line.strip())
    except ValueError as problem:
        message = f"could not read the record of tool calls: {problem}"
        raise ProviderError("protocol", message, context=_NAME, kind=FailureKind.PROTOCOL) from None


def tool_events(events: Iterable[Event]) -> tuple[Event, ...]:
    """The tool events among `events`, each with an `index`: messages are in the reply's text already."""
    told = [event for event in events if event.get("kind") in _TOOL_EVENTS]
    return tuple({**event, "index": event.get("index", number)} for number, event in enumerate(told))


def _mock_call(record: object) -> MockCall:
    event = record.get("event") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(event, dict) or not isinstance(event.get("tool_name"), str):
        raise Invalid("a line has no `event` with a `tool_name`")
    rule = record.get("rule")
    action = record.get("action")
    if not isinstance(action, str):
        raise Invalid("a line has no `action`")
    return MockCall(
        event["tool_name"],
        event.get("tool_input"),
        action,
        rule if isinstance(rule, int) and not isinstance(rule, bool) else None,
    )


def _error(problem: envelope.Unusable, harness: str) -> ProviderError:
    kind = problem.kind
    hint = _HINTS.get(kind, _HINT) if kind else _HINT
    return ProviderError(
        kind.value if kind else "harness_failed",
        problem.message,
        context=f"{_NAME}:{harness}" if problem.blames_harness else _NAME,
        kind=kind,
        hint=hint,
        raw=problem.raw,
        usage=problem.usage,
    )


_HINT = "Run the same harness by hand, and see that it works."
_HINTS = {
    FailureKind.AUTH: "Authentication failed: log in to the harness, or set its API key.",
    FailureKind.RATE_LIMIT: "The calls were rate-limited: wait, or run fewer trials side by side (--jobs).",
    FailureKind.QUOTA: "The account's credit or quota is used up.",
    FailureKind.MODEL_NOT_FOUND: "Check the model's name (--model) and that the account may use it.",
    FailureKind.OVERLOADED: "The model's server is overloaded; try again later.",
    FailureKind.TIMEOUT: "The call timed out: raise --timeout, or simplify the prompt.",
    FailureKind.SPAWN: "Check that the harness is installed and on PATH.",
    FailureKind.CONNECTION: "Check the connection to the model's server.",
    FailureKind.PROTOCOL: "The output breaks the protocol: run the command by hand; check the version of oneharness.",
}
