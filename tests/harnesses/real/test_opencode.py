"""The real OpenCode server against a scripted model: turns, sessions, permissions, and every fault in its time."""

from __future__ import annotations

import time

import pytest

from runner_env.core import FailureKind
from runner_env.harnesses.opencode import OpenCode
from tests.harnesses.real.conftest import SCRIPT, Bench

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(300)]


def test_an_agent_writes_a_file(bench: Bench, warm: OpenCode) -> None:
    """The file is there; text, tool calls and the sum of usage over the calls of the model are told."""
    session = bench.open(warm)
    turn, told = bench.send(session, "please write a scaffold")
    assert (bench.repository("work") / ".aider_fsm/stages/tests.sh").read_text() == SCRIPT
    assert turn.text == "Wrote it."
    assert turn.events is not None
    assert [(event.kind, event.name, event.status) for event in turn.events] == [
        ("tool_call", "write", "completed"),
        ("message", "", ""),
    ]
    assert told == list(turn.events)
    assert (turn.usage.input_tokens, turn.usage.output_tokens, turn.usage.requests) == (300, 30, 2)
    assert turn.retries == 0
    assert warm.versions["opencode"]
    assert session.id


def test_turns_of_a_session_are_one_conversation(bench: Bench, warm: OpenCode) -> None:
    """The second turn's model sees the first; events and usage are of the second alone."""
    session = bench.open(warm)
    bench.send(session, "please write a scaffold")
    turn, _ = bench.send(session, "please write a scaffold again")
    said = [message.text for message in bench.model.requests[-1].messages]
    assert any("please write a scaffold again" in text for text in said)
    assert any("Wrote it." in text for text in said)
    assert turn.usage.requests == 2


def test_one_warm_server_works_in_many_directories(bench: Bench, warm: OpenCode) -> None:
    """Two sessions in two directories, one after the other, from one process; neither touches the other's files."""
    for name in ("first", "second"):
        bench.send(bench.open(warm, name), "please write a scaffold")
        assert (bench.repository(name) / ".aider_fsm/stages/tests.sh").exists()
    assert not (bench.repository("first").parent / ".aider_fsm").exists()
    assert warm.started == 1


def test_it_runs_contained(bench: Bench, warm: OpenCode) -> None:
    """In a box, at a level that can be had here."""
    bench.open(warm)
    assert warm.sandbox is not None
    assert warm.sandbox.level in {"bwrap", "landlock"}
    assert warm.sandbox.guarantees.fs_write.held == "enforced"


@pytest.mark.parametrize("fault", ["auth", "quota", "model", "context", "length"])
def test_what_waiting_does_not_mend_is_said_at_once(bench: Bench, warm: OpenCode, fault: str) -> None:
    """401, used-up credit, an unknown model, a conversation that is too long, an answer that was cut off."""
    kinds = {
        "auth": FailureKind.AUTH,
        "quota": FailureKind.QUOTA,
        "model": FailureKind.MODEL_NOT_FOUND,
        "context": FailureKind.CONTEXT_LENGTH,
        "length": FailureKind.TRUNCATED,
    }
    error = bench.fail(bench.open(warm), f"fault {fault}")
    assert error.kind is kinds[fault], error
    assert error.harness == "opencode"


@pytest.mark.parametrize("fault", ["rate", "529", "500", "cut", "empty"])
def test_what_may_pass_is_repeated_as_often_as_allowed(bench: Bench, warm: OpenCode, fault: str) -> None:
    """429, 529, 500, a cut stream: OpenCode would repeat them for ever; here they end after one repetition."""
    kinds = {
        "rate": {FailureKind.RATE_LIMIT},
        "529": {FailureKind.OVERLOADED},
        "500": {FailureKind.OVERLOADED},
        "cut": {FailureKind.CONNECTION},
        "empty": {FailureKind.PROTOCOL, FailureKind.CONNECTION},
    }
    error = bench.fail(bench.open(warm), f"fault {fault}")
    assert error.kind in kinds[fault], error


def test_a_failure_that_passes_is_only_counted(bench: Bench, warm: OpenCode) -> None:
    """One 500, then an answer."""
    turn, _ = bench.send(bench.open(warm), "fault once")
    assert (turn.text, turn.retries) == ("recovered", 1)


@pytest.mark.parametrize("fault", ["hang", "stall"])
def test_a_model_that_hangs_ends_at_the_deadline(bench: Bench, warm: OpenCode, fault: str) -> None:
    """And a few seconds of grace; the session can be used afterwards."""
    session = bench.open(warm)
    before = time.monotonic()
    error = bench.fail(session, f"fault {fault}", timeout_s=15)
    assert error.kind is FailureKind.TIMEOUT, error
    assert time.monotonic() - before < 30
    assert bench.send(session, "please write a scaffold")[0].text == "Wrote it."
