"""Looking into a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner_env.skills import ToolSpy, assistant_text, contains, deny, spy, tool_calls
from runner_env.skills.report import MessageReport, MockCallReport, TranscriptReport, TrialReport

TRIAL = TrialReport(
    case="c",
    skill="s",
    platform="p",
    model="m",
    passed=True,
    turns=2,
    evals=(),
    transcript=TranscriptReport(
        (
            MessageReport("user", "hi"),
            MessageReport("assistant", "one", ({"kind": "tool_call", "name": "Bash"}, {"kind": "tool_result"})),
            MessageReport("user", "go on"),
            MessageReport("assistant", "two", ({"kind": "tool_call", "name": "Read"},)),
        )
    ),
    mock_calls=(
        MockCallReport("Bash", {"command": "git push"}, "deny", 0, "push"),
        MockCallReport("Bash", {"command": "ls -la"}, "allow"),
    ),
)


def test_what_was_said_and_called() -> None:
    """The skill's own words, and the tool calls, of one tool if it is named."""
    assert assistant_text(TRIAL) == "one\n\ntwo"
    assert len(tool_calls(TRIAL)) == 2
    assert [call["name"] for call in tool_calls(TRIAL, "bash")] == ["Bash"]


def test_a_spy_counts_what_it_matches_and_a_mock_what_it_decided() -> None:
    """As in `called` and `not_called`."""
    everything, push = ToolSpy.of(TRIAL, spy(tool="bash")), ToolSpy.of(TRIAL, deny("no", name="push", tool="Bash"))
    assert (everything.call_count, push.call_count, ToolSpy.of(TRIAL, "push").call_count) == (2, 1, 1)
    everything.assert_called_times(2)
    push.assert_called_once()
    push.assert_called_with(command=contains("push"))
    everything.where(command=lambda text: text.startswith("ls")).assert_called_once()
    everything.where(other="x").assert_not_called()


def test_assertions_fail_with_what_was_seen() -> None:
    """A wrong assertion says what was called."""
    everything = ToolSpy.of(TRIAL, spy("all", tool="bash"))
    for check in (everything.assert_not_called, everything.assert_called_once):
        with pytest.raises(AssertionError, match="git push"):
            check()
    with pytest.raises(AssertionError, match="not called"):
        everything.assert_called_with(command="rm")
    with pytest.raises(AssertionError, match="was not called"):
        everything.where(command="rm").assert_called()


def test_nothing_recorded_is_not_nothing_called() -> None:
    """Without a recording there is no answer."""
    with pytest.raises(ValueError, match="were not recorded"):
        ToolSpy.of(replace(TRIAL, mock_calls=None), "push")
