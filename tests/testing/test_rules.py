from __future__ import annotations

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


@pytest.mark.parametrize("wrong", [{"status": 200}, {"status": 302}, {"status": 600}, {"times": 0}])
def test_a_reply_that_cannot_be_meant_is_refused(wrong: dict[str, int]) -> None:
    """A fault is an error status, and a count is at least one."""
    with pytest.raises(ValueError, match="must be"):
        Reply(text="x", **wrong)  # type: ignore[arg-type]


def test_the_last_step_repeats() -> None:
    """Beyond its last step a rule gives its last reply."""
    script = Script([Rule([Reply("a"), Reply("b")])])
    far = ["user", *["assistant", "tool"] * 5]
    assert [script(request(*far)).text, script(request("user")).text] == ["b", "a"]
