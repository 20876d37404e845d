from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.model import AgentEvent, HarnessSession, Opening
from runner_env.harnesses.table import make_harness

from .conftest import Desk, answer, failed, result


def usage(spent: int, made: int, cached: int = 0) -> dict[str, Any]:
    """Usage as an envelope has it."""
    return {"input_tokens": spent, "output_tokens": made, "cache_read_tokens": cached}


def test_a_turn_is_one_run(desk: Desk) -> None:
    """Harness, model, mode, directory and deadline are arguments; the prompt comes by standard input."""
    opening = Opening(desk.repository, "t", "big-1", ("a",))
    (turn,) = desk.turns("Do it.", opening=opening, environ={"SECRET": "x", "OPENAI_API_KEY": "k"})
    (run,) = desk.asked
    argv = " ".join(run["argv"])
    assert turn.text == "ok"
    assert "--harness codex --mode auto" in argv
    assert "--model big-1" in argv
    assert f"--cwd {desk.repository}" in argv
    assert "--no-config" in argv
    assert 15 <= int(run["argv"][run["argv"].index("--timeout") + 1]) <= 20
    assert (run["stdin"], run["cwd"]) == ("Do it.", str(desk.repository))
    assert "SECRET" not in run["env"]
    assert run["env"]["OPENAI_API_KEY"] == "k"


def test_a_session_is_resumed(desk: Desk) -> None:
    """The handle of the first turn continues it, with the new prompt alone; the newest handle counts."""
    desk.answers(answer(result("one")), answer(result("two", session_id="s-2")), answer(result("three")))

    async def talk(session: HarnessSession) -> list[str]:
        handles = [session.id]
        for prompt in ("First.", "Second.", "Third."):
            await session.send(prompt, timeout_s=20)
            handles.append(session.id)
        return handles

    assert desk.session(talk) == ["", "s-1", "s-2", "s-1"]
    assert [run["argv"][-1] for run in desk.asked[1:]] == ["s-1", "s-2"]
    assert [run["stdin"] for run in desk.asked] == ["First.", "Second.", "Third."]


@pytest.mark.parametrize(("harness", "handle"), [("goose", "s-1"), ("codex", None)])
def test_what_cannot_be_resumed_is_told_again(desk: Desk, harness: str, handle: str | None) -> None:
    """A harness that does not resume, or gave no handle, gets the conversation so far in the prompt."""
    desk.answers(answer(result("I did one thing.", session_id=handle)), answer(result("two")))
    desk.turns("Do one thing.", "Do another.", harness=harness)
    second = desk.asked[1]
    assert "--resume" not in second["argv"]
    for said in ("Do one thing.", "I did one thing.", "Do another."):
        assert said in second["stdin"]


def test_events_are_those_of_the_report_and_come_as_they_happen(desk: Desk) -> None:
    """A call and its result are one event; a call without a result is told of before the next message."""
    call = {"kind": "tool_call", "name": "Write", "input": {"path": "a"}, "output": None, "tool_call_id": "1"}
    done = {"kind": "tool_result", "output": "written", "tool_call_id": "1", "status": "completed"}
    lost = {"kind": "tool_call", "name": "Read", "input": "b", "output": None, "tool_call_id": "2", "status": "failed"}
    said = {"kind": "message", "output": "Done."}
    desk.answers(answer(result("x", events=[call, done, lost, said]), events=[call, done, lost, said]))
    seen: list[AgentEvent] = []

    async def talk(session: HarnessSession) -> Any:
        return await session.send("Go.", timeout_s=20, on_event=seen.append)

    turn = desk.session(talk)
    wanted = (
        AgentEvent("tool_call", "Write", "completed", {"path": "a"}, "written"),
        AgentEvent("tool_call", "Read", "error", {"input": "b"}),
        AgentEvent("message", output="Done."),
    )
    assert turn.events == tuple(seen) == wanted
    assert turn.text == "Done."


def test_a_listener_that_fails_ends_the_turn(desk: Desk) -> None:
    """What `on_event` raises is raised by `send`."""
    said = {"kind": "message", "output": "Done."}
    desk.answers(answer(result(), events=[said]))

    def listen(_: AgentEvent) -> None:
        raise OSError("disk full")

    async def talk(session: HarnessSession) -> Any:
        return await session.send("Go.", timeout_s=20, on_event=listen)

    with pytest.raises(OSError, match="disk full"):
        desk.session(talk)


def test_usage_is_that_of_the_turn(desk: Desk) -> None:
    """Codex reports its whole session each time; what came from the cache is a part of the input."""
    desk.answers(answer(result(usage=usage(100, 7, 40))), answer(result(usage=usage(250, 16, 90))))
    first, second = desk.turns("One.", "Two.")
    assert [(turn.usage.input_tokens, turn.usage.output_tokens) for turn in (first, second)] == [(100, 7), (150, 9)]


def test_usage_with_a_cache_apart(desk: Desk) -> None:
    """Claude Code counts what came from the cache beside the input; it was input all the same."""
    desk.answers(answer(result(usage=usage(60, 7, 40))))
    (turn,) = desk.turns("One.", harness="claude-code")
    assert turn.usage.input_tokens == 100


def test_what_may_pass_is_tried_again(desk: Desk) -> None:
    """A rate limit is waited for; what the lost attempts consumed is counted, and so are they."""
    refused = failed("API Error: 429", usage=usage(10, 1))
    desk.answers(refused, refused, answer(result("ok", usage=usage(5, 2))))
    (turn,) = desk.turns("Go.", harness="claude-code", retry_attempts=2, retry_backoff_s=0.01)
    assert (turn.text, turn.retries) == ("ok", 2)
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (25, 4)


def test_repetitions_are_counted(desk: Desk) -> None:
    """After the last one the failure is raised, with the usage of all."""
    desk.answers(failed("API Error: 429", usage=usage(10, 1)))
    with pytest.raises(HarnessError) as caught:
        desk.turns("Go.", harness="claude-code", retry_attempts=1, retry_backoff_s=0.01)
    assert caught.value.kind is FailureKind.RATE_LIMIT
    assert caught.value.usage
    assert caught.value.usage.input_tokens == 20
    assert len(desk.asked) == 2


def test_what_does_not_pass_is_not_tried_again(desk: Desk) -> None:
    """A refused key fails at once, with a hint and what was said."""
    desk.answers(failed("API Error: 401 invalid key"))
    with pytest.raises(HarnessError, match="401 invalid key") as caught:
        desk.turns("Go.", retry_attempts=3, retry_backoff_s=0.01)
    error = caught.value
    assert (error.kind, error.code, error.harness) == (FailureKind.AUTH, "agent_auth", "oneharness:codex")
    assert error.hint
    assert "401 invalid key" in error.raw
    assert len(desk.asked) == 1


def test_no_repetition_beyond_the_deadline(desk: Desk) -> None:
    """A wait that would end after the deadline is not begun."""
    desk.answers(failed("API Error: 429"))
    started = time.monotonic()
    with pytest.raises(HarnessError):
        desk.turns("Go.", retry_attempts=9, retry_backoff_s=30, timeout_s=5)
    assert time.monotonic() - started < 5
    assert len(desk.asked) == 1


def test_a_run_that_does_not_end_is_ended(desk: Desk) -> None:
    """Where oneharness itself hangs, it is ended a few seconds after the deadline."""
    desk.answers(answer(result(), delay=60))
    started = time.monotonic()
    with pytest.raises(HarnessError) as caught:
        desk.turns("Go.", timeout_s=1)
    assert caught.value.kind is FailureKind.TIMEOUT
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "run",
    [
        answer(stdout="no JSON"),
        answer(stdout=""),
        answer(stdout='{"type": "event"}\n'),
        answer(),
        answer(stdout="", stderr="unsupported mode", code=2),
        answer({"text": "no status"}),
    ],
)
def test_no_envelope_is_a_protocol_failure(desk: Desk, run: dict[str, Any]) -> None:
    """Whatever oneharness prints that is none is said to be none, with what it wrote to standard error."""
    desk.answers(run)
    with pytest.raises(HarnessError) as caught:
        desk.turns("Go.")
    assert caught.value.kind is FailureKind.PROTOCOL
    assert run["stderr"] in caught.value.message


def test_a_silent_turn_is_one(desk: Desk) -> None:
    """An agent that says nothing has taken its turn; what it did is seen in its files."""
    desk.answers(answer(result("", events=None, usage=None)))
    (turn,) = desk.turns("Go.")
    assert (turn.text, turn.events, turn.usage.is_empty) == ("", None, True)


def test_long_prompts_lose_their_middle(desk: Desk) -> None:
    """`max_prompt_chars` holds for what is sent."""
    desk.turns("a" * 500 + "b" * 500, max_prompt_chars=200)
    (run,) = desk.asked
    assert 190 < len(run["stdin"]) <= 200
    assert run["stdin"].startswith("aaa")
    assert run["stdin"].endswith("bbb")


def test_abort_and_close(desk: Desk) -> None:
    """`abort` ends the run that is under way; a closed session takes no prompt."""
    desk.answers(answer(result(), delay=60))

    async def talk(session: HarnessSession) -> None:
        await session.abort()
        waiting = asyncio.create_task(session.send("Go.", timeout_s=50))
        await asyncio.sleep(1)
        await session.abort()
        with pytest.raises(HarnessError, match="aborted"):
            await waiting
        await session.aclose()
        with pytest.raises(HarnessError, match="closed"):
            await session.send("Go on.", timeout_s=5)

    started = time.monotonic()
    desk.session(talk)
    assert time.monotonic() - started < 20


def test_the_end_of_the_harness_ends_its_turns(desk: Desk) -> None:
    """`aclose` of the harness ends a run that is under way, and waits for that."""
    desk.answers(answer(result(), delay=60))

    async def run() -> float:
        made = make_harness(desk.options(name="oneharness:codex"))
        session = await made.start(Opening(desk.repository, "t"))
        waiting = asyncio.create_task(session.send("Go.", timeout_s=50))
        await asyncio.sleep(1)
        started = time.monotonic()
        await made.aclose()
        took = time.monotonic() - started
        with pytest.raises(HarnessError, match="aborted"):
            await waiting
        return took

    assert asyncio.run(run()) < 15


def test_a_cancelled_task_ends_its_run(desk: Desk) -> None:
    """Cancelling whoever waits ends the program in bounded time."""
    desk.answers(answer(result(), delay=60))

    async def talk(session: HarnessSession) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await session.send("Go.", timeout_s=50)

    started = time.monotonic()
    desk.session(talk)
    assert time.monotonic() - started < 15


def test_variables_of_its_own(desk: Desk) -> None:
    """OpenCode is told its rules by a variable; its own update is switched off."""
    desk.listing(opencode=(["default"], True))
    desk.turns("Go.", harness="opencode")
    (run,) = desk.asked
    rules = json.loads(run["env"]["OPENCODE_PERMISSION"])
    assert rules["edit"] == {"*": "deny", "pipeline.yml": "allow"}
    assert rules["bash"] == "deny"
    assert run["env"]["OPENCODE_DISABLE_AUTOUPDATE"] == "1"
