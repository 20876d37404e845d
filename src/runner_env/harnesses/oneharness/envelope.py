"""What `oneharness run` printed, as one reply or one classified failure. Pure.

The envelope is that of oneharness 0.21 to 0.26: `{"results": [{status, text, stdout, ...}], "history_file"}`; streamed,
a line `{"type": "event", "event"}` for each event and at last `{"type": "result", "report": <envelope>}`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner_env.core import FailureKind, Usage
from runner_env.harnesses.claims import Invalid, read_usage
from runner_env.harnesses.failures import failure_kind, reason
from runner_env.text.clipping import head_tail
from runner_env.text.jsontext import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_env.harnesses.commands import Finished

_KEPT = 1 << 16
_SHOWN = 2000
_TEXTS = ("text", "session_id", "error", "failure_kind")
_STREAMS = ("stdout", "stderr")


@dataclass(frozen=True, slots=True)
class HarnessReply:
    """What one harness answered.

    Attributes:
        text: its reply; its whole output if oneharness found no reply in it.
        usage: what it consumed; None: not reported.
        session_id: to continue the session with.
        events: tool events; None: none were reported.
        structured: the answer that satisfies the schema asked for; None: there is none.
        recorded: whether oneharness recorded the session.
        cached_tokens: of the model's input, read from the cache and written to it.
    """

    text: str
    usage: Usage | None
    session_id: str | None
    events: tuple[dict[str, Any], ...] | None
    structured: Mapping[str, Any] | None
    recorded: bool
    cached_tokens: int = 0


class Unusable(Exception):
    """No usable reply; whoever asked makes an error of its own of it.

    Args:
        message: what happened.
        raw: what oneharness printed, as it came, at most 64 Ki characters of it.
        kind: the class of the failure; None: nothing is known.
        blames_harness: whether it is the harness that failed, and not oneharness.
        usage: what the turn consumed all the same, if that was reported.
        session_id: of the harness's session, if it has one all the same.
    """

    def __init__(
        self,
        message: str,
        raw: str,
        kind: FailureKind | None = FailureKind.PROTOCOL,
        *,
        blames_harness: bool = False,
        usage: Usage | None = None,
        session_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.raw = head_tail(raw, _KEPT)
        self.kind = kind
        self.blames_harness = blames_harness
        self.usage = usage
        self.session_id = session_id


def read_finished(finished: Finished, *, streamed: bool = False, blank: bool = False) -> HarnessReply:
    """The reply in what oneharness printed.

    Args:
        finished: its exit code and output.
        streamed: whether events were asked for as they happen.
        blank: whether a reply that says nothing is one.

    Raises:
        Unusable: the harness failed, or what was printed is no envelope.
    """
    try:
        envelope, events = _streamed(finished.stdout) if streamed else (_envelope(read_json(finished.stdout)), ())
    except _NoResult:
        message = f"oneharness stream produced no result; stderr: {_clip(finished.stderr)}"
        raise Unusable(message, finished.stdout) from None
    except ValueError as problem:
        raise _unreadable(finished, problem) from None
    results = envelope["results"]
    if not results:
        raise Unusable("oneharness returned no results", finished.stdout)
    result = _the_one(results, finished)
    if finished.exit_code != 0:
        message = f"oneharness exited with exit status: {finished.exit_code}; {_clip(finished.stderr)}"
        raise Unusable(message, finished.stdout, blames_harness=True)
    try:
        return _reply(result, events, recorded=bool(envelope.get("history_file")), blank=blank)
    except Invalid as problem:
        message = f"could not use the harness's result: {problem}"
        raise Unusable(message, finished.stdout, blames_harness=True) from None


def read_event(line: bytes) -> dict[str, Any] | None:
    """The event in one line of a streamed run; None if the line is something else."""
    try:
        item = read_json(line.decode("utf-8", "replace"))
    except ValueError:
        return None
    event = item.get("event") if isinstance(item, dict) and item.get("type") == "event" else None
    return event if isinstance(event, dict) else None


class _NoResult(ValueError):
    """A stream ended before its result."""


def _streamed(text: str) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    events: list[dict[str, Any]] = []
    report: object = None
    problem: ValueError | None = None
    for line in filter(str.strip, text.splitlines()):
        try:
            item = read_json(line)
        except ValueError as error:
            item, problem = None, error
        if not isinstance(item, dict):
            problem = problem or Invalid("a line is no object")
        elif item.get("type") == "event" and isinstance(item.get("event"), dict):
            events.append(item["event"])
        elif item.get("type") == "result":
            report = item.get("report")
    if report is None:
        raise _NoResult
    if problem is not None:
        raise problem
    return _envelope(report), tuple(events)


def _envelope(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or "results" not in value:
        raise Invalid("missing field `results`")
    results = value["results"]
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise Invalid("`results` must be a list of objects")
    for result in results:
        if not isinstance(result.get("status"), str):
            raise Invalid("`status` of a result must be text")
        wrong = [name for name in _TEXTS if not isinstance(result.get(name), str | None)]
        wrong += [name for name in _STREAMS if not isinstance(result.get(name, ""), str)]
        if wrong:
            raise Invalid(f"`{wrong[0]}` of a result must be text")
        if not isinstance(result.get("events"), list | None):
            raise Invalid("`events` of a result must be a list")
        if not isinstance(result.get("schema_valid"), bool | None):
            raise Invalid("`schema_valid` of a result must be true or false")
        read_usage(result.get("usage"))
    return value


def _the_one(results: Sequence[dict[str, Any]], finished: Finished) -> dict[str, Any]:
    good = [result for result in results if result.get("status") == "ok"]
    if len(good) > 1:
        message = "multiple successful results; one run must give one reply (run mode `fallback`)"
        raise Unusable(message, finished.stdout)
    if good:
        return good[0]
    raise _failed(results[-1], finished)


def _reply(
    result: Mapping[str, Any], events: tuple[dict[str, Any], ...], *, recorded: bool, blank: bool
) -> HarnessReply:
    text = next((said for said in (result.get("text"), result.get("stdout")) if _said(said)), None)
    structured = result.get("structured") if result.get("schema_valid") is True else None
    if text is None and isinstance(structured, dict):
        text = json.dumps(structured, ensure_ascii=False)
    if text is None and not blank:
        raise Invalid("harness produced neither extractable text nor stdout")
    own = result.get("events")
    listed = tuple(item for item in own if isinstance(item, dict)) if isinstance(own, list) else None
    return HarnessReply(
        text=text or "",
        usage=read_usage(result.get("usage")),
        session_id=_session_id(result),
        events=listed or events or listed,
        structured=structured if isinstance(structured, dict) else None,
        recorded=recorded,
        cached_tokens=_cached(result.get("usage")),
    )


def _session_id(result: Mapping[str, Any]) -> str | None:
    session = result.get("session_id")
    return str(session) if _said(session) else None


def _cached(usage: object) -> int:
    counts = [usage.get(f"cache_{how}_tokens") for how in ("read", "write")] if isinstance(usage, dict) else []
    return sum(count for count in counts if isinstance(count, int) and not isinstance(count, bool) and count > 0)


def _said(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _failed(result: Mapping[str, Any], finished: Finished) -> Unusable:
    why = reason(result) or f"status `{result.get('status')}`"
    return Unusable(
        f"harness run failed: {_clip(why)}",
        finished.stdout,
        failure_kind(result),
        blames_harness=True,
        usage=read_usage(result.get("usage")),
        session_id=_session_id(result),
    )


def _unreadable(finished: Finished, problem: ValueError) -> Unusable:
    if finished.exit_code != 0:
        message = f"oneharness exited with exit status: {finished.exit_code}; {_clip(finished.stderr)}"
    else:
        message = f"could not parse oneharness output: {problem}; stderr: {_clip(finished.stderr)}"
    return Unusable(message, finished.stdout)


def _clip(text: str) -> str:
    return head_tail(text.strip(), _SHOWN)
