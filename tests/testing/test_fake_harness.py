from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runner_env.core import FailureKind, Usage
from runner_env.errors import HarnessError
from runner_env.harnesses.model import AgentEvent, Harness, Opening, Turn
from runner_env.testing import FakeHarness, FakeTurn


def told(harness: Harness, directory: Path, *prompts: str, timeout_s: float = 5) -> list[Turn]:
    """The turns of one session."""

    async def talk() -> list[Turn]:
        session = await harness.start(Opening(directory, "test"))
        return [await session.send(prompt, timeout_s=timeout_s) for prompt in prompts]

    return asyncio.run(talk())


def test_it_writes_says_and_reports(tmp_path: Path) -> None:
    """A turn writes and deletes files, and reports a tool call for each and a message."""
    (tmp_path / "old").touch()
    harness = FakeHarness([FakeTurn("Done.", {"a/b.sh": "echo\n", "old": None}, usage=Usage(7, 3))])
    (turn,) = told(harness, tmp_path, "Write it.")
    assert (tmp_path / "a/b.sh").read_text() == "echo\n"
    assert not (tmp_path / "old").exists()
    assert (turn.text, turn.usage.output_tokens) == ("Done.", 3)
    assert [(event.kind, event.name) for event in turn.events or ()] == [
        ("tool_call", "write"),
        ("tool_call", "write"),
        ("message", ""),
    ]


def test_it_remembers_what_it_was_asked(tmp_path: Path) -> None:
    """Prompts, sessions and their openings can be read afterwards."""
    harness = FakeHarness([FakeTurn("one"), FakeTurn("two")], name="opencode", versions={"opencode": "1"})
    told(harness, tmp_path, "First.", "Second.")
    assert [sent.prompt for sent in harness.sent] == ["First.", "Second."]
    assert {sent.session for sent in harness.sent} == {"opencode-1"}
    assert [opening.directory for opening in harness.openings] == [tmp_path]
    assert (harness.name, harness.versions) == ("opencode", {"opencode": "1"})


def test_a_callable_answers_what_was_sent(tmp_path: Path) -> None:
    """A callable sees prompt and opening, and may act outside of the directory's files."""

    def act(directory: Path) -> None:
        (directory / "link").symlink_to("/")

    harness = FakeHarness(lambda sent: FakeTurn(sent.prompt.upper(), does=act))
    (turn,) = told(harness, tmp_path, "hi")
    assert turn.text == "HI"
    assert (tmp_path / "link").is_symlink()


def test_events_come_as_they_happen(tmp_path: Path) -> None:
    """`on_event` gets each event; given events replace those that are made up."""
    seen: list[AgentEvent] = []
    only = AgentEvent("tool_call", "bash", "error")

    async def talk() -> None:
        session = await FakeHarness([FakeTurn("x", events=[only])]).start(Opening(tmp_path, "t"))
        await session.send("p", timeout_s=5, on_event=seen.append)

    asyncio.run(talk())
    assert seen == [only]


def test_it_fails_as_told_after_its_work(tmp_path: Path) -> None:
    """A failing turn has a kind, a message and usage, and what it wrote is there."""
    failing = FakeTurn(writes={"half": "x"}, fails=FailureKind.RATE_LIMIT, message="slow down", usage=Usage(5, 0))
    with pytest.raises(HarnessError, match="slow down") as caught:
        told(FakeHarness([failing]), tmp_path, "p")
    assert (caught.value.kind, caught.value.code) == (FailureKind.RATE_LIMIT, "agent_rate_limit")
    assert caught.value.usage == Usage(5, 0)
    assert (tmp_path / "half").exists()


def test_a_turn_beyond_its_deadline_is_a_timeout(tmp_path: Path) -> None:
    """A delay longer than the deadline ends the turn, with nothing written."""
    with pytest.raises(HarnessError) as caught:
        told(FakeHarness([FakeTurn(writes={"late": ""}, delay_s=60)]), tmp_path, "p", timeout_s=0.05)
    assert caught.value.kind is FailureKind.TIMEOUT
    assert not (tmp_path / "late").exists()


def test_abort_ends_a_turn(tmp_path: Path) -> None:
    """`abort` from another task makes `send` raise; where nothing is under way it does nothing."""

    async def talk() -> HarnessError:
        session = await FakeHarness([FakeTurn(delay_s=60)]).start(Opening(tmp_path, "t"))
        await session.abort()
        sending = asyncio.create_task(session.send("p", timeout_s=50))
        await asyncio.sleep(0.05)
        await session.abort()
        with pytest.raises(HarnessError, match="aborted") as caught:
            await sending
        return caught.value

    assert asyncio.run(talk()).kind is FailureKind.OTHER


def test_a_missing_program(tmp_path: Path) -> None:
    """`unavailable` is what `start` raises."""
    missing = HarnessError(FailureKind.SPAWN, "no such program", harness="fake")
    with pytest.raises(HarnessError, match="no such program"):
        told(FakeHarness([], unavailable=missing), tmp_path)


def test_a_script_that_is_too_short_is_heard_of(tmp_path: Path) -> None:
    """A turn that nobody scripted is an AssertionError, which nobody takes for a failure of an agent."""
    with pytest.raises(AssertionError, match="turn 2"):
        told(FakeHarness([FakeTurn("one")]), tmp_path, "First.", "Second.")


def test_a_closed_session_takes_no_turn(tmp_path: Path) -> None:
    """After `aclose` a prompt is refused, and the harness knows that it was closed."""
    harness = FakeHarness([FakeTurn("one")])

    async def talk() -> None:
        session = await harness.start(Opening(tmp_path, "t"))
        await session.aclose()
        await harness.aclose()
        await session.send("p", timeout_s=5)

    with pytest.raises(HarnessError, match="closed"):
        asyncio.run(talk())
    assert harness.closed
