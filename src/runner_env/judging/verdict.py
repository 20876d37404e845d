"""A judge's reply as a verdict. A doubt is an error, never a guess.

As in the reference tool the last JSON object with a correctly typed `value` counts. Three things are stricter:
an object that also stands in what the judge was shown is a quotation, not a verdict; an object without a reason does
not outvote one that gives a reason; and if a further verdict was begun but is malformed, nothing counts.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from runner_env.core import FailureKind
from runner_env.errors import ProviderError
from runner_env.judging.fence import shown_texts
from runner_env.judging.objects import Found, find_objects
from runner_env.judging.query import JudgeKind, JudgeVerdict
from runner_env.text.clipping import head_tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner_env.core import Message
    from runner_env.judging.query import JudgeQuery

LONGEST_REPLY = 4 << 20
"""Characters of a reply that are looked at; a verdict is one line."""

_KEPT = 1 << 16
_SHOWN = 300
_IGNORED = re.compile(r"[\s\\]+")
_ASK = "Return an object with a correctly typed `value`."


def parse_verdict(query: JudgeQuery, reply: str, messages: Sequence[Message] = (), *, context: str) -> JudgeVerdict:
    """The verdict in a reply.

    Args:
        query: what was asked.
        reply: what was answered, in any wording around it.
        messages: the conversation that the judge was shown, so that a quotation of it is not taken for a verdict.
        context: who was asked, for the error.

    Raises:
        ProviderError: there is no verdict, or none that can be told apart from quoted or injected text.
    """
    if len(reply) > LONGEST_REPLY:
        raise _error("no_verdict", f"the judge's reply has {len(reply)} characters", reply, context)
    found = list(find_objects(reply))
    typed = [item for item in found if item.value is not None and _typed(query.kind, item.value) is not None]
    if not typed:
        raise _none_usable(query.kind, found, reply, context)
    shown = _Shown([query.criterion, *shown_texts(messages)])
    own = [item.value for item in typed if item.value is not None and not shown.has(item)]
    if not own or _broken_off(found[found.index(typed[-1]) :]) or _at_odds(query.kind, own):
        message = "the judge's verdict cannot be told apart from quoted text"
        raise _error("ambiguous_verdict", f"{message}; got: {head_tail(reply, _SHOWN)}", reply, context)
    return _verdict(query.kind, own[-1], reply)


def stated_verdict(
    query: JudgeQuery, answer: Mapping[str, Any], messages: Sequence[Message] = (), *, context: str
) -> JudgeVerdict:
    """The verdict in an object that a harness or an API vouches for as the whole answer; arguments as above."""
    return parse_verdict(query, json.dumps(dict(answer), ensure_ascii=False), messages, context=context)


class _Shown:
    """What the judge was shown, to look quotations up in.

    A quotation has the same text, white space and backslashes aside, which quoting changes; or it is the same object
    written in another way.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        # most conversations have no such word, and need no copy
        worded = [text for text in texts if "value" in text]
        self._text = "\n".join(_IGNORED.sub("", text) for text in worded)
        self._objects = {_spelled(item.value) for text in worded for item in find_objects(text) if item.value}

    def has(self, item: Found) -> bool:
        if not self._text or item.value is None:
            return False
        return _spelled(item.value) in self._objects or _IGNORED.sub("", item.text) in self._text


def _spelled(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


def _typed(kind: JudgeKind, answer: Mapping[str, Any]) -> bool | float | None:
    value = answer.get("value")
    if kind is JudgeKind.BOOLEAN:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _reason(answer: Mapping[str, Any]) -> str:
    reason = answer.get("reason")
    return reason if isinstance(reason, str) else ""


def _at_odds(kind: JudgeKind, answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last answer contradicts an earlier one that, unlike itself, gives a reason."""
    last = answers[-1]
    return not _reason(last) and any(_reason(a) and _typed(kind, a) != _typed(kind, last) for a in answers)


def _broken_off(rest: Iterable[Found]) -> bool:
    """Whether a further verdict was begun that is malformed or cut off."""
    return any(item.value is None and '"value"' in item.text for item in rest)


def _verdict(kind: JudgeKind, answer: Mapping[str, Any], reply: str) -> JudgeVerdict:
    value = _typed(kind, answer)
    assert value is not None
    return JudgeVerdict(value, _reason(answer), head_tail(reply, _KEPT))


def _none_usable(kind: JudgeKind, found: Sequence[Found], reply: str, context: str) -> ProviderError:
    whole = [item.value for item in found if item.value is not None]
    valued = [answer["value"] for answer in whole if "value" in answer]
    if valued:
        noun = "bool" if kind is JudgeKind.BOOLEAN else "finite number"
        wrong = head_tail(json.dumps(valued[-1], ensure_ascii=False), _SHOWN)
        return _error("no_verdict", f"{kind.value} judge `value` was not a {noun}: {wrong}", reply, context)
    if whole:
        return _error("no_verdict", f"judge verdict has no `value` field; got: {_clip(reply)}", reply, context)
    return _error("no_verdict", f"judge did not return a usable JSON verdict; got: {_clip(reply)}", reply, context)


def _clip(reply: str) -> str:
    return head_tail(reply, _SHOWN)


def _error(code: str, message: str, reply: str, context: str) -> ProviderError:
    return ProviderError(
        code, message, context=context, kind=FailureKind.PROTOCOL, hint=_ASK, raw=head_tail(reply, _KEPT)
    )
