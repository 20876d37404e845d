"""Why a harness failed: by the HTTP status that it quotes, else by what oneharness makes of it, else by its words.

What it says is looked for in its output too: codex and opencode write it there alone, as the last JSON line of type
`turn.failed` or `error`.

oneharness takes some server errors for others (a 500 of claude-code for `auth`, its 429 for `quota`) and leaves many
unnamed, so what the harness itself says comes first.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from runner_env.core import FailureKind
from runner_env.wire.problems import by_status

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAST_CHARS = 4096
_STATUS = re.compile(
    r"API Error: (?:Request rejected \()?(\d{3})\b|\bstatus:? (\d{3})\b|\"statusCode\": ?(\d{3})\b|\bHTTP (\d{3})\b"
)
_NO_CREDIT = re.compile(r"insufficient_quota|billing|credit balance|exceeded your current quota", re.IGNORECASE)
_WORDS = (
    (re.compile(r"\bmodel\b.{0,120}?\b(?:does not exist|is not supported)\b", re.IGNORECASE), "model_not_found"),
    (re.compile(r"experiencing high demand|\boverloaded\b", re.IGNORECASE), "overloaded"),
    (re.compile(r"stream disconnected before completion|ECONNREFUSED|connection refused", re.IGNORECASE), "connection"),
)


def failure_kind(result: Mapping[str, Any]) -> FailureKind | None:
    """The kind of a failed result; None if nothing is known."""
    said = _last_words(result)
    for status in reversed(_STATUS.findall(said)):
        kind = by_status(int("".join(status)))
        if kind:
            return FailureKind.QUOTA if kind == "rate_limit" and _NO_CREDIT.search(said) else FailureKind(kind)
    named = result.get("failure_kind")
    if isinstance(named, str) and named:
        return FailureKind(named) if named in set(FailureKind) else FailureKind.OTHER
    if result.get("available") is False:
        return FailureKind.SPAWN
    if result.get("status") == "timeout":
        return FailureKind.TIMEOUT
    return next((FailureKind(kind) for words, kind in _WORDS if words.search(said)), None)


def reason(result: Mapping[str, Any]) -> str | None:
    """What the harness says about its failure; None if it says nothing."""
    texts = [result.get("error"), _told(result.get("stdout")), result.get("stderr"), result.get("text")]
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)


def _told(stdout: object) -> str | None:
    """The message of the last error among lines of JSON."""
    for line in reversed(stdout[-_LAST_CHARS * 4 :].splitlines() if isinstance(stdout, str) else ()):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and event.get("type") in ("error", "turn.failed"):
            return _message(event)
    return None


def _message(event: Mapping[str, Any]) -> str | None:
    """`message` of the event itself, of its `error`, or of that one's `data`."""
    error = event.get("error")
    data = error.get("data") if isinstance(error, dict) else None
    holders = (part for part in (event, error, data) if isinstance(part, dict))
    return next((part["message"] for part in holders if isinstance(part.get("message"), str)), None)


def _last_words(result: Mapping[str, Any]) -> str:
    parts = (result.get(name) for name in ("stdout", "stderr", "text", "error"))
    return "\n".join(part[-_LAST_CHARS:] for part in parts if isinstance(part, str))
