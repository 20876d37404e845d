"""From a judge's verdict, or from recorded tool calls, to what became of an eval."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner_env.skills.mocks import matching
from runner_env.skills.values import CallsEval, EvalOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.providers.model import MockCall
    from runner_env.skills.values import BooleanEval, Eval, MockDecl, NumericEval

_SHOWN_CALLS = 20
_SHOWN_INPUT = 120


def score_boolean(item: BooleanEval, value: bool, reason: str) -> EvalOutcome:
    """The outcome of a boolean eval whose judge said `value`."""
    detail = {"kind": "boolean", "value": value, "expected": item.expected}
    return EvalOutcome(item.label, value is item.expected, detail, reason)


def score_numeric(item: NumericEval, value: float, reason: str) -> EvalOutcome:
    """The outcome of a numeric eval whose judge said `value`, which is first moved onto the scale."""
    if not math.isfinite(value):
        return unscored(item, f"the judge's grade is {value}, which is no finite number")
    grade = min(max(float(value), item.minimum), item.maximum)
    detail = {"kind": "numeric", "value": grade, "threshold": item.threshold, "comparator": item.comparator.value}
    return EvalOutcome(item.label, item.comparator.holds(grade, item.threshold), detail, reason)


def score_calls(item: CallsEval, mocks: Sequence[MockDecl], calls: Sequence[MockCall] | None) -> EvalOutcome:
    """The outcome of a `called` or `not_called` eval.

    Args:
        item: the eval.
        mocks: those of the case (`mocks.for_case`).
        calls: every call that was recorded; None if recording failed, and then nothing is known.
    """
    if calls is None:
        return unscored(item, "the tool calls were not recorded, so nothing is known about them")
    mock = next(mock for mock in mocks if mock.name == item.mock)
    count = len(matching(calls, mock, mocks, item.where))
    if item.negated:
        passed, expected = count == 0, "no matching calls"
    elif item.times is not None:
        passed, expected = count == item.times, f"exactly {item.times}"
    else:
        passed, expected = count > 0, "at least one"
    reason = f"mock `{item.mock}` matched {count} call(s)"
    if not passed:
        reason += f", expected {expected}; {_observed(calls)}"
    return EvalOutcome(item.label, passed, _detail(item, count), reason)


def unscored(item: Eval, reason: str) -> EvalOutcome:
    """The outcome of an eval about which nothing can be said, for instance because the judge could not be had."""
    if isinstance(item, CallsEval):
        detail = _detail(item, None)
    else:
        detail = {"kind": "numeric" if hasattr(item, "threshold") else "boolean", "value": None}
    return EvalOutcome(item.label, None, detail, reason)


def shown_call(call: MockCall) -> str:
    """A call in a line: `Bash(git push) [deny]`."""
    text = _subject(call.input)
    text = text if len(text) <= _SHOWN_INPUT else text[: _SHOWN_INPUT - 1] + "…"
    shown = "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in f"{call.tool}({text})"
    )
    return shown if call.action == "allow" else f"{shown} [{call.action}]"


def _detail(item: CallsEval, count: int | None) -> dict[str, Any]:
    times = {} if item.times is None else {"times": item.times}
    return {"kind": "calls", "count": count, **times, "negated": item.negated}


def _observed(calls: Sequence[MockCall]) -> str:
    if not calls:
        return "no tool calls were observed"
    more = f" and {len(calls) - _SHOWN_CALLS} more" if len(calls) > _SHOWN_CALLS else ""
    return f"observed: {', '.join(shown_call(call) for call in calls[:_SHOWN_CALLS])}{more}"


def _subject(value: object) -> str:
    """What the call is about: its command, its only text, or all of its input."""
    if isinstance(value, Mapping):
        if isinstance(command := value.get("command"), str):
            return command
        if len(value) == 1 and isinstance(only := next(iter(value.values())), str):
            return only
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
