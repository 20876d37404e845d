from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.testing import ChatRequest, Message, Reply, Rule
from runner_env.testing.rules import Script


def request(*roles: str) -> ChatRequest:
    """A request whose messages have these roles."""
    return ChatRequest("m", tuple(Message(role, "text") for role in roles), (), stream=False, body={})


@pytest.mark.parametrize(
    ("roles", "step"),
    [
        (["user"], 0),
        (["user", "assistant", "tool"], 1),
        (["user", "assistant", "tool", "tool"], 1),
        (["user", "assistant", "tool", "assistant", "tool"], 2),
        (["user", "assistant", "tool", "assistant", "user"], 0),
        ([], 0),
    ],
)
def test_steps_are_rounds_of_tool_results(roles: list[str], step: int) -> None:
    """Adjacent tool results are one round, and a new user message starts over."""
    assert request(*roles).step == step


@settings(max_examples=50)
@given(st.lists(st.integers(1, 3), max_size=3), st.integers(0, 12))
def test_counted_replies_come_in_order(times: list[int], hits: int) -> None:
    """For any counts, each counted reply is served exactly that often before the lasting one."""
    counted = [Reply(f"r{index}", times=count) for index, count in enumerate(times)]
    script = Script([Rule([*counted, Reply("last")])])
    expected = [f"r{index}" for index, count in enumerate(times) for _ in range(count)]
    expected += ["last"] * hits
    assert [script(request("user")).text for _ in range(hits)] == expected[:hits]


WRONG: list[dict[str, Any]] = [
    {"status": 200},
    {"status": 302},
    {"status": 600},
    {"times": 0},
    {"fault": "tired"},
    {"broken": "nicely"},
    {"fault": "auth", "status": 401},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_reply_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    """A fault is an error status or a known one, and a count is at least one."""
    with pytest.raises(ValueError, match="must be"):
        Reply(text="x", **wrong)


TALK = (
    Message("system", "Be brief."),
    Message("user", "context that a client adds"),
    Message("user", "first"),
    Message("assistant", "", ("ls",)),
    Message("tool", "old result"),
    Message("assistant", "done"),
    Message("user", "second"),
    Message("assistant", "", ("read", "grep")),
    Message("tool", "Permission denied"),
    Message("tool", "3 hits"),
)


@pytest.mark.parametrize(
    ("rule", "accepts"),
    [
        (Rule([Reply()], system="brief"), True),
        (Rule([Reply()], system="long"), False),
        (Rule([Reply()], result="denied.3 hits"), True),
        (Rule([Reply()], result="old"), False),
        (Rule([Reply()], tools=True), True),
        (Rule([Reply()], tools=False), False),
        (Rule([Reply()], tools="^write$"), True),
        (Rule([Reply()], tools="^patch$"), False),
        (Rule([Reply()], turn=2), True),
        (Rule([Reply()], turn=3), False),
        (Rule([Reply()], match="second", turn=1), False),
    ],
)
def test_what_a_rule_may_ask_for(rule: Rule, accepts: bool) -> None:
    """System text, the latest tool results, the tools offered, the turn: all that is given must hold."""
    assert rule.accepts(ChatRequest("m", TALK, ("read", "write"), stream=False, body={})) is accepts


def test_without_tool_results_nothing_is_searched() -> None:
    """A rule on tool results does not match where there are none; one without does."""
    asked = request("user", "assistant", "tool", "user")
    assert asked.results == ()
    assert not Rule([Reply()], result=".").accepts(asked)
    assert Rule([Reply()], tools=False).accepts(asked)


def test_the_last_step_repeats() -> None:
    """Beyond its last step a rule gives its last reply."""
    script = Script([Rule([Reply("a"), Reply("b")])])
    far = ["user", *["assistant", "tool"] * 5]
    assert [script(request(*far)).text, script(request("user")).text] == ["b", "a"]
