"""Evals: what a verdict or a count amounts to."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.providers.model import MockCall
from runner_env.skills.evals import score_boolean, score_calls, score_numeric, shown_call, unscored
from runner_env.skills.values import BooleanEval, CallsEval, Comparator, EvalOutcome, Match, MockDecl, NumericEval

DENY = MockDecl(Match(contains="git push"), "nopush", deny="no")
CALLS = (
    MockCall("Bash", {"command": "ls -la"}),
    MockCall("Bash", {"command": "git push origin"}, "deny", 0),
    MockCall("Read", {"file_path": "/a"}, "stub", None),
)


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("expected", [True, False])
def test_boolean(value: bool, expected: bool) -> None:
    """A boolean eval passes if the judge says what is expected."""
    outcome = score_boolean(BooleanEval("greets", expected), value, "because")
    detail = {"kind": "boolean", "value": value, "expected": expected}
    assert outcome == EvalOutcome("greets", value is expected, detail, "because")


@pytest.mark.parametrize(("comparator", "passing"), [("gte", [5, 6]), ("gt", [6]), ("lte", [4, 5]), ("lt", [4])])
def test_numeric(comparator: str, passing: list[int]) -> None:
    """A numeric eval passes if the grade compares with the threshold as declared."""
    item = NumericEval("warm", 0, 10, 5, Comparator(comparator))
    assert [value for value in (4, 5, 6) if score_numeric(item, value, "").passed] == passing


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_grade_is_moved_onto_the_scale(value: float) -> None:
    """Whatever number the judge says, what is compared and shown lies on the scale."""
    outcome = score_numeric(NumericEval("warm", 1, 5, 3), value, "")
    assert 1 <= outcome.detail["value"] <= 5
    assert outcome.passed is (outcome.detail["value"] >= 3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_grade_that_is_no_number(value: float) -> None:
    """A grade that is not finite is no grade, so nothing is said."""
    assert score_numeric(NumericEval("warm", 1, 5, 3, Comparator.LTE), value, "").passed is None


def test_called() -> None:
    """`called` wants at least one call, with `times` exactly so many, and a failure says what was seen."""
    passed = score_calls(CallsEval("nopush"), (DENY,), CALLS)
    assert (passed.passed, passed.reason) == (True, "mock `nopush` matched 1 call(s)")
    assert passed.detail == {"kind": "calls", "count": 1, "negated": False}
    twice = score_calls(CallsEval("nopush", times=2, name="twice"), (DENY,), CALLS)
    assert (twice.label, twice.detail["times"]) == ("twice", 2)
    assert twice.reason == (
        "mock `nopush` matched 1 call(s), expected exactly 2; observed: "
        "Bash(ls -la), Bash(git push origin) [deny], Read(/a) [stub]"
    )


def test_never_called() -> None:
    """`called: times 0` and `not_called` pass if there was no call."""
    assert score_calls(CallsEval("nopush", times=0), (DENY,), ()).passed
    none = score_calls(CallsEval("nopush", negated=True), (DENY,), ())
    assert (none.passed, none.detail) == (True, {"kind": "calls", "count": 0, "negated": True})
    some = score_calls(CallsEval("nopush", negated=True), (DENY,), CALLS)
    assert (some.passed, "expected no matching calls" in some.reason) == (False, True)
    others = (MockCall("W", {"b": 1, "a": None}), MockCall("T", "ls"), MockCall("N", None))
    seen = score_calls(CallsEval("nopush"), (DENY,), others)
    assert seen.reason.endswith('observed: W({"a":null,"b":1}), T("ls"), N()')
    nothing = score_calls(CallsEval("nopush"), (DENY,), ())
    assert nothing.reason.endswith("expected at least one; no tool calls were observed")


@pytest.mark.parametrize("negated", [True, False])
def test_nothing_was_recorded(negated: bool) -> None:
    """Where recording failed nothing is known: `not_called` does not pass for want of evidence (W10)."""
    outcome = score_calls(CallsEval("nopush", negated=negated), (DENY,), None)
    assert (outcome.passed, outcome.detail["count"]) == (None, None)


@pytest.mark.parametrize(
    ("item", "kind"), [(BooleanEval("a"), "boolean"), (NumericEval("a", 0, 1, 1), "numeric"), (CallsEval("m"), "calls")]
)
def test_unscored(item: BooleanEval | NumericEval | CallsEval, kind: str) -> None:
    """An eval about which nothing can be said keeps its label and its kind, and the reason."""
    outcome = unscored(item, "why")
    assert (outcome.passed, outcome.label, outcome.detail["kind"], outcome.reason) == (None, item.label, kind, "why")


def test_a_call_is_shown_in_a_line() -> None:
    """A call is shown without control characters other than line ends and not at endless length."""
    shown = shown_call(MockCall("Bash", {"command": "a\x1b[31m\nb" + "x" * 500}, "deny", 0))
    assert "\x1b" not in shown
    assert "\\x1b[31m\nb" in shown
    assert len(shown) < 160
    assert shown.endswith("…) [deny]")
    assert shown_call(MockCall("T", {"a": 1, "b": [2]})) == 'T({"a":1,"b":[2]})'
