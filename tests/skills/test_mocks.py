"""Mocks: names, rules, and which recorded calls count."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.errors import DefinitionError
from runner_env.providers.model import MockCall
from runner_env.skills.mocks import (
    as_declared,
    compiled,
    deciding,
    for_case,
    matches,
    matching,
    rule_names,
    wants_recording,
)
from runner_env.skills.values import Case, Match, Matcher, MockDecl, StubReply

Load = Callable[..., Case]
GIT = MockDecl(Match(contains="git"), "git", deny="no")
LS = MockDecl(Match(input={"command": Matcher(contains="ls")}), "ls")


def test_compiled_rules(case: Load) -> None:
    """The rules are those that the reference tool hands to a harness; spies have none."""
    loaded = case(
        "mocks:\n"
        "  - {name: a, match: {contains: git push}, deny: do not push}\n"
        "  - {name: b, match: {tool: bash, pattern: 'x (y|z)'}, stub: {output: queued, exit_code: 1}}\n"
        "  - {name: c, match: {input: {command: {contains: ls}}}}\n"
        "  - {name: d, match: {input: {file_path: /etc/passwd}}, rewrite: {file_path: f}}\n"
        "  - {match: {contains: q}, stub: ok}\n"
    )
    mocks = for_case(loaded, ())
    assert compiled(mocks, "/c")["rules"] == [
        {"match": {"event_contains": "git push"}, "action": {"deny": {"message": "do not push"}}},
        {
            "match": {"event_regex": "x (y|z)", "tool": "bash"},
            "action": {"stub": {"output": "queued", "exit_code": 1}},
        },
        {
            "match": {"input": {"file_path": {"equals": "/etc/passwd"}}},
            "action": {"rewrite": {"input": {"file_path": "f"}}},
        },
        {"match": {"event_contains": "q"}, "action": {"stub": {"output": "ok", "exit_code": 0}}},
    ]
    assert rule_names(mocks) == ("a", "b", "d", "mock_4")


def test_order_and_names(case: Load) -> None:
    """Shared mocks come before the case's own; unnamed ones are numbered over all of them."""
    loaded = case("mocks:\n  - {match: {contains: x}}\n  - {match: {contains: y}, stub: ok}\n")
    assert [mock.name for mock in for_case(loaded, (GIT,))] == ["git", "spy_1", "mock_2"]


def test_names_are_unique(case: Load) -> None:
    """A name that the config already uses is refused, with the places of both."""
    loaded = case("mocks:\n  - {name: git, match: {contains: x}}\n")
    with pytest.raises(DefinitionError, match="`git` is already used") as caught:
        for_case(loaded, (GIT,))
    assert str(caught.value.where) == "case.yaml:4:5"


@pytest.mark.parametrize("mocks", [(GIT,), ()])
def test_an_eval_about_an_unknown_mock(case: Load, mocks: tuple[MockDecl, ...]) -> None:
    """An eval that names no mock is refused before anything is run (W9)."""
    with pytest.raises(DefinitionError, match="unknown mock `ghost`"):
        for_case(case("evals: [{type: called, mock: ghost}]\n"), mocks)


@pytest.mark.parametrize(
    ("match", "call", "expected"),
    [
        (Match(tool="bash"), MockCall("Bash", {}), True),
        (Match(tool="bas"), MockCall("Bash", {}), False),
        (Match(contains="git push"), MockCall("Bash", {"command": "git push origin"}), True),
        (Match(contains='"n":3'), MockCall("T", {"n": 3}), True),
        (Match(pattern="push( --force)?"), MockCall("Bash", {"command": "git push"}), True),
        (Match(tool="bash", contains="x"), MockCall("Bash", {"command": "y"}), False),
        (Match(input={"n": Matcher(equals="3")}), MockCall("T", {"n": 3}), True),
        (Match(input={"f": Matcher(equals="true")}), MockCall("T", {"f": True}), True),
        (Match(input={"l": Matcher(equals='["a"]')}), MockCall("T", {"l": ["a"]}), True),
        (Match(input={"n": Matcher(contains="x")}), MockCall("T", {}), False),
        (Match(input={"n": Matcher(contains="x")}), MockCall("T", "x"), False),
        (Match(input={"n": Matcher(contains="a", pattern="b$")}), MockCall("T", {"n": "ab"}), True),
        (Match(input={"n": Matcher(contains="a", pattern="c$")}), MockCall("T", {"n": "ab"}), False),
    ],
)
def test_matching_a_call(match: Match, call: MockCall, expected: bool) -> None:
    """Every given criterion must hold; the call is looked into as compact JSON, fields that are no text too."""
    assert matches(match, call) is expected


def test_which_calls_count() -> None:
    """For a spy those it matches count, for another mock those that its rule decided about."""
    mocks = (LS, GIT)
    calls = [
        MockCall("Bash", {"command": "ls -la"}),
        MockCall("Bash", {"command": "git ls"}, "deny", 0),
        MockCall("Bash", {"command": "git"}, "allow"),
        MockCall("Bash", {"command": "git"}, "deny", 7),
    ]
    assert matching(calls, LS, mocks) == calls[:2]
    assert matching(calls, GIT, mocks) == calls[1:2]
    assert matching(calls, GIT, mocks, {"command": Matcher(contains="push")}) == []
    assert [deciding(call, mocks) for call in calls] == [None, "git", None, None]


def test_when_calls_are_recorded(case: Load) -> None:
    """Calls are recorded if there is a mock, or if the case or the config asks for it."""
    plain = case("")
    assert not wants_recording(plain, (), spy=False)
    assert wants_recording(plain, (LS,), spy=False)
    assert wants_recording(plain, (), spy=True)
    assert wants_recording(case("spy: true\n"), (), spy=False)


def test_an_empty_sequence_is_refused(case: Load) -> None:
    """A stub without a reply would answer nothing."""
    with pytest.raises(DefinitionError, match="at least 1"):
        case("mocks: [{match: {contains: x}, stub: []}]\n")


@given(st.text(), st.text())
def test_a_literal_is_found(before: str, needle: str) -> None:
    """A field matcher finds any text inside any other, whatever characters they have."""
    call = MockCall("T", {"f": before + needle})
    assert matches(Match(input={"f": Matcher(contains=needle)}), call)
    assert matches(Match(input={"f": Matcher(equals=before + needle)}), call)


def test_a_call_answered_by_a_stub_sequence() -> None:
    """It is reported as stubbed; a rewrite that was declared stays one."""
    sequence = MockDecl(Match(tool="Bash"), "s", stub=(StubReply("a"), StubReply("b")))
    declared = MockDecl(Match(tool="Read"), "r", rewrite={"x": 1})
    actions = [as_declared(MockCall("T", {}, "rewrite", rule), (sequence, declared)).action for rule in (0, 1, None, 9)]
    assert actions == ["stub", "rewrite", "rewrite", "rewrite"]


def test_a_single_reply_is_a_stub_and_more_are_a_rewrite() -> None:
    """Only a sequence needs a shell command that counts."""
    two = MockDecl(Match(tool="t"), "s", stub=(StubReply("a"), StubReply("b")))
    (rule,) = compiled((two,), "/c")["rules"]
    assert list(rule["action"]["rewrite"]["input"]) == ["command"]
