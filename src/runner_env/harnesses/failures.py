"""Why an agent program took no usable turn, by our own reading.

The programs' own words are wrong or missing in many cases (a 500 called `auth`, a 429 called `quota`, a timeout that
was an overload), so what is looked at is, in this order: what the model's API answered, as far as the program quotes
it; the name that the program gives its error; its words; and last of all the kind that oneharness makes of it.

Programs write errors as JSON lines of type `error`, `turn.failed` or `result`; the last one of them counts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner_env.core import FailureKind
from runner_env.harnesses.failure_words import NAMES, NO_CREDIT, STATUS, WORDS
from runner_env.wire.problems import by_status, classify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LAST_CHARS = 4096
_HINTS = {
    FailureKind.AUTH: "Log {program} in, or pass it the key of its model's vendor (`pass_env`).",
    FailureKind.RATE_LIMIT: "Wait, or choose another model.",
    FailureKind.QUOTA: "Add credit with the model's vendor, or choose another model.",
    FailureKind.MODEL_NOT_FOUND: "Choose a model that {program} has.",
    FailureKind.OVERLOADED: "Try again later, or choose another model.",
    FailureKind.TIMEOUT: "Allow it more time, or choose a faster model.",
    FailureKind.CONNECTION: "Check the network, proxies and the address of the model.",
    FailureKind.CONTEXT_LENGTH: "Choose a model with a longer context, or have less told to it (`max_prompt_chars`).",
    FailureKind.TRUNCATED: "Raise the model's limit of output tokens in the configuration of {program}.",
}
_LONGEST_LINE = 1 << 18
_ERRORS = frozenset(("error", "turn.failed"))
_TOO_LARGE = 413


def kind_of(said: str = "", *, status: int | None = None, names: tuple[str, ...] = ()) -> FailureKind | None:
    """The kind of one failure; None if nothing is known.

    Args:
        said: messages and bodies, in any wording.
        status: of the HTTP answer of the model's API; None: looked for in `said`.
        names: what program and API call the error, the finer one first.
    """
    if status is None:
        quoted = STATUS.findall(said)
        status = int("".join(quoted[-1])) if quoted else None
    by_words = _by_words(said)
    named = next((kind for kind in map(_by_name, names) if kind), None)
    if by_words is FailureKind.CONTEXT_LENGTH and status != 429:
        return by_words
    if status == _TOO_LARGE:
        return FailureKind.CONTEXT_LENGTH
    if NO_CREDIT.search(said) and (status is None or 400 <= status < 500):
        return FailureKind.QUOTA
    if named is not None and named is not FailureKind.OTHER:
        return named
    if status is not None and (kind := by_status(status)):
        return FailureKind(kind)
    return by_words or named


def error_kind(error: Mapping[str, Any]) -> FailureKind | None:
    """The kind of an error of OpenCode: `{"name", "data": {"message", "statusCode", "responseBody", ...}}`."""
    data = error.get("data")
    data = data if isinstance(data, dict) else {}
    body = data.get("responseBody")
    status = data.get("statusCode")
    said = "\n".join(part for part in (data.get("message"), body) if isinstance(part, str))
    name = error.get("name")
    names = (*_api_names(body), *((name,) if isinstance(name, str) else ()))
    return kind_of(said, status=status if isinstance(status, int) else None, names=names)


def failure_kind(result: Mapping[str, Any]) -> FailureKind | None:
    """The kind of a failed result in an envelope of oneharness; None if nothing is known."""
    event = _last_error(result.get("stdout"))
    kind = _event_kind(event) if event else None
    if kind is None:
        kind = next(filter(None, map(kind_of, _last_words(result))), None)
    if kind is not None:
        return kind
    named = result.get("failure_kind")
    if isinstance(named, str) and named:
        return FailureKind(named) if named in set(FailureKind) else FailureKind.OTHER
    if result.get("available") is False:
        return FailureKind.SPAWN
    return FailureKind.TIMEOUT if result.get("status") == "timeout" else None


def reason(result: Mapping[str, Any]) -> str | None:
    """What the program says about its failure; None if it says nothing."""
    event = _last_error(result.get("stdout"))
    told = next(_messages(event), None) if event else None
    texts = (result.get("error"), told, result.get("stderr"), result.get("text"))
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)


def hint_for(kind: FailureKind | None, program: str) -> str | None:
    """What to do about a failure of that kind; None if there is nothing to say."""
    hint = _HINTS.get(kind) if kind else None
    return hint and hint.format(program=program)


def _event_kind(event: Mapping[str, Any]) -> FailureKind | None:
    error = event.get("error")
    if isinstance(error, dict) and isinstance(error.get("data"), dict):
        return error_kind(error)
    status = event.get("api_error_status")
    names = tuple(_names(event))
    return kind_of("\n".join(_messages(event)), status=status if isinstance(status, int) else None, names=names)


def _last_error(stdout: object) -> dict[str, Any] | None:
    for line in reversed(stdout.splitlines() if isinstance(stdout, str) else ()):
        if not line.startswith("{") or len(line) > _LONGEST_LINE:
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if event.get("type") in _ERRORS or event.get("is_error") is True:
            return dict(event)
    return None


def _messages(event: Mapping[str, Any]) -> Iterator[str]:
    """What an event says in `message` or `result`, its own, that of its `error`, or that of the error's `data`."""
    error = event.get("error")
    data = error.get("data") if isinstance(error, dict) else None
    for part in (event, error, data):
        if isinstance(part, dict):
            yield from (part[key] for key in ("message", "result") if isinstance(part.get(key), str))
    if isinstance(error, str):
        yield error


def _names(event: Mapping[str, Any]) -> Iterator[str]:
    error = event.get("error")
    for part in (error, event):
        if isinstance(part, dict):
            yield from (part[key] for key in ("code", "name", "subtype") if isinstance(part.get(key), str))


def _api_names(body: object) -> Iterator[str]:
    """What a model's API calls its error, in an answer's body."""
    try:
        answer = json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):
        return
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        yield from (error[key] for key in ("code", "type") if isinstance(error.get(key), str))


def _by_name(name: str) -> FailureKind | None:
    kind = NAMES.get(name) or classify(name)
    return FailureKind(kind) if kind else None


def _by_words(said: str) -> FailureKind | None:
    return next((kind for words, kind in WORDS if words.search(said)), None)


def _last_words(result: Mapping[str, Any]) -> Iterator[str]:
    """What it said outside of its events, which are about the work: they quote whatever was read or run in it.

    The text comes last: it may be about the work too, and says nothing of the end where the time was up.
    """
    stdout = result.get("stdout")
    lines = stdout[-_LAST_CHARS:].splitlines() if isinstance(stdout, str) else ()
    plain = "\n".join(line for line in lines if '"type"' not in line)
    parts = (plain, *(result.get(name) for name in ("stderr", "error")))
    yield "\n".join(part[-_LAST_CHARS:] for part in parts if isinstance(part, str))
    text = result.get("text")
    if isinstance(text, str) and result.get("status") != "timeout":
        yield text[-_LAST_CHARS:]
