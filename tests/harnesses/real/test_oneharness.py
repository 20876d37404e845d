"""Real claude-code, codex and opencode, driven by the real oneharness, against a scripted model."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.model import AgentEvent, HarnessSession, Opening, Turn
from runner_env.harnesses.table import make_harness
from runner_env.testing import Reply, Rule, Tokens, ToolCall

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(200)]

Lab = Any
MODELS = {"claude-code": "scripted", "codex": "scripted", "opencode": "local/scripted"}
QUICK = pytest.mark.parametrize("harness", ["claude-code", "codex"])
WRITABLE = ("pipeline.yml", ".aider_fsm/**")


def write(harness: str, directory: Path, name: str) -> ToolCall:
    """The call by which an agent of that harness writes a file."""
    path = str(directory / name)
    if harness == "codex":
        return ToolCall("exec_command", {"cmd": f"mkdir -p .aider_fsm && echo written > {path}"})
    tool, key = ("Write", "file_path") if harness == "claude-code" else ("write", "filePath")
    return ToolCall(tool, {key: path, "content": "written\n"})


def with_session(
    lab: Lab, harness: str, act: Callable[[HarnessSession], Awaitable[Any]], shell: bool = False, **options: object
) -> Any:
    """What `act` returns for a session of that harness in the repository `copies/one`."""

    async def run() -> Any:
        made = make_harness(lab.options(f"oneharness:{harness}", **options))
        opening = Opening(lab.repository("copies/one"), "test", MODELS[harness], WRITABLE, shell)
        try:
            return await act(await made.start(opening))
        finally:
            await made.aclose()

    return asyncio.run(run())


def told(lab: Lab, harness: str, *prompts: str, timeout_s: float = 60, **options: Any) -> list[Turn]:
    """The turns of one session."""

    async def talk(session: HarnessSession) -> list[Turn]:
        return [await session.send(prompt, timeout_s=timeout_s) for prompt in prompts]

    turns: list[Turn] = with_session(lab, harness, talk, **options)
    return turns


@QUICK
def test_a_contract_is_written_and_the_session_goes_on(lab: Callable[..., Lab], harness: str) -> None:
    """Files are really written, events come as they happen, and a second turn continues the program's own session."""
    one = lab().root / "copies" / "one"
    made = lab(
        Rule(
            [
                Reply("I will.", tool_calls=[write(harness, one, "pipeline.yml")]),
                Reply(tool_calls=[write(harness, one, ".aider_fsm/tests.sh")]),
                Reply("Done.", usage=Tokens(100, 7)),
            ],
            match="scaffold",
        ),
        Rule([Reply("Repaired.", usage=Tokens(50, 9))], match="repair"),
    )
    seen: list[AgentEvent] = []

    async def talk(session: HarnessSession) -> tuple[Turn, Turn, str]:
        first = await session.send("Please scaffold it.", timeout_s=60, on_event=seen.append)
        begun = session.id
        second = await session.send("Now repair it.", timeout_s=60)
        assert session.id == begun
        return first, second, begun

    first, second, begun = with_session(made, harness, talk)
    assert (first.text, second.text) == ("Done.", "Repaired.")
    assert begun
    assert (one / "pipeline.yml").read_text() == (one / ".aider_fsm/tests.sh").read_text() == "written\n"
    assert [event.status for event in first.events or () if event.kind == "tool_call"] == ["completed"] * 2
    assert [event.output for event in seen if event.kind == "message"] == ["I will.", "Done."]
    assert len(seen) == len(first.events or ())
    assert second.usage.output_tokens == 9  # of this turn alone, although codex counts the whole session
    gone_on = made.asked[-1]
    assert gone_on.turn == 2
    assert "scaffold" not in gone_on.last_user


@pytest.mark.parametrize("harness", ["claude-code", "opencode"])
def test_the_programs_own_fence(lab: Callable[..., Lab], harness: str) -> None:
    """What is not writable is refused by the agent program itself, and the agent is told so."""
    one = lab().root / "copies" / "one"
    made = lab(
        Rule([*(Reply(tool_calls=[write(harness, one, name)]) for name in (".aider_fsm/a.sh", "b.py")), Reply("Done.")])
    )
    (turn,) = told(made, harness, "Write it.", timeout_s=120)
    assert turn.text == "Done."
    statuses = [event.status for event in turn.events or () if event.kind == "tool_call"]
    assert statuses == ["completed", "error"]
    assert (one / ".aider_fsm/a.sh").exists()
    assert not (one / "b.py").exists()
    assert any(word in made.asked[-1].results[-1] for word in ("denied", "prevents"))


@QUICK
def test_programs_are_contained(lab: Callable[..., Lab], harness: str) -> None:
    """A command of the agent's can write where it works and not beside it, and sees no evidence."""
    outside = lab().root
    (outside / "evidence").mkdir()
    (outside / "evidence" / "record").write_text("secret\n")
    command = f"echo x > in.txt; echo x > {outside}/out.txt; cat {outside}/evidence/record"
    name, key = ("exec_command", "cmd") if harness == "codex" else ("Bash", "command")
    made = lab(Rule([Reply(tool_calls=[ToolCall(name, {key: command})]), Reply("Done.")]))

    async def look(session: HarnessSession) -> Turn:
        return await session.send("Look.", timeout_s=60)

    with_session(made, harness, look, shell=True)
    assert (outside / "copies/one/in.txt").exists()
    assert not (outside / "out.txt").exists()
    assert "secret" not in made.asked[-1].results[-1]


FAULTS = {
    "auth": (Reply(fault="auth"), FailureKind.AUTH),
    "model_not_found": (Reply(fault="model_not_found"), FailureKind.MODEL_NOT_FOUND),
    "rate_limit": (Reply(fault="rate_limit"), FailureKind.RATE_LIMIT),
    "quota": (Reply(fault="quota"), FailureKind.QUOTA),
    "overloaded": (Reply(fault="overloaded"), FailureKind.OVERLOADED),
    "server_error": (Reply(fault="server_error"), FailureKind.OVERLOADED),
    "context_length": (Reply(fault="context_length"), FailureKind.CONTEXT_LENGTH),
    "late": (Reply("half", fault="overloaded", late=True), FailureKind.OVERLOADED),
    "cut": (Reply("half", broken="disconnect"), FailureKind.CONNECTION),
}


@QUICK
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_classified(lab: Callable[..., Lab], harness: str, fault: str) -> None:
    """What the model's server does has its kind, whatever the programs make of it."""
    reply, kind = FAULTS[fault]
    with pytest.raises(HarnessError) as caught:
        told(lab(Rule([reply])), harness, "Go.")
    assert caught.value.kind is kind, caught.value
    assert caught.value.hint
    assert caught.value.raw


@QUICK
def test_a_hang_ends_within_its_deadline(lab: Callable[..., Lab], harness: str) -> None:
    """A model that never answers is a timeout, a few seconds after the deadline at the latest."""
    made = lab(Rule([Reply("half", broken="stall")]))
    started = time.monotonic()
    with pytest.raises(HarnessError) as caught:
        told(made, harness, "Go.", timeout_s=8)
    assert caught.value.kind is FailureKind.TIMEOUT
    assert time.monotonic() - started < 8 + 8
    assert left_below(made.root) == []


@pytest.mark.parametrize(("harness", "times"), [("claude-code", 3), ("codex", 5)])
def test_what_passes_is_tried_again(lab: Callable[..., Lab], harness: str, times: int) -> None:
    """The program gives up after its own repetitions; ours succeeds, in the same session, and says so."""
    made = lab(Rule([Reply(fault="server_error", times=times), Reply("Recovered.")]))
    (turn,) = told(made, harness, "Go.", retry_attempts=2, retry_backoff_s=0.1)
    assert (turn.text, turn.retries) == ("Recovered.", 1)


def test_a_turn_can_be_aborted(lab: Callable[..., Lab]) -> None:
    """`abort` ends the program, and the session can be sent to again."""
    made = lab(Rule([Reply("late", delay=60)], match="wait"), Rule([Reply("Hello.")]))

    async def talk(session: HarnessSession) -> str:
        waiting = asyncio.create_task(session.send("wait", timeout_s=60))
        await asyncio.to_thread(wait_for, lambda: made.asked)
        await session.abort()
        with pytest.raises(HarnessError, match="aborted"):
            await waiting
        assert left_below(made.root) == []
        return (await session.send("Greet me.", timeout_s=60)).text

    assert with_session(made, "codex", talk) == "Hello."


@pytest.mark.parametrize("gone", ["codex", "oneharness"])
def test_a_missing_program_is_named(lab: Callable[..., Lab], tmp_path: Path, gone: str) -> None:
    """What is not installed is said, and how to install it."""
    made = lab()
    present = tmp_path / "present"
    present.mkdir()
    for program in made.programs.iterdir():
        if program.name != gone:
            (present / program.name).symlink_to(program)
    made.programs = present
    with pytest.raises(HarnessError, match=f"`{gone}` is not on PATH") as caught:
        told(made, "codex", "Go.", environ={**made.env(), "PATH": f"{present}:/usr/bin:/bin"})
    assert caught.value.kind is FailureKind.SPAWN
    assert "install" in (caught.value.hint or "")


RUNNER = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from real_agents import Lab
from runner_env.harnesses.model import Opening
from runner_env.harnesses.table import make_harness

class Model:
    url, origin = {url!r}, {origin!r}

async def main():
    lab = Lab(Path({root!r}), Path({programs!r}), Model())
    harness = make_harness(lab.options("oneharness:codex"))
    session = await harness.start(Opening(lab.repository("copies/one"), "test", "scripted", ("pipeline.yml",)))
    await session.send("Go.", timeout_s=100)

asyncio.run(main())
"""


def test_nothing_outlives_a_killed_runner(lab: Callable[..., Lab]) -> None:
    """When the runner is killed in mid-turn, the agent program ends with it."""
    made = lab(Rule([Reply("late", delay=100)]))
    script = RUNNER.format(
        tests=str(Path(__file__).resolve().parents[2]),
        url=made.model.url,
        origin=made.model.origin,
        root=str(made.root),
        programs=str(made.programs),
    )
    with subprocess.Popen([sys.executable, "-c", script]) as runner:
        try:
            wait_for(lambda: made.asked or runner.poll() is not None)
            assert left_below(made.root)
        finally:
            runner.send_signal(signal.SIGKILL)
    wait_for(lambda: not left_below(made.root), 10)
    assert left_below(made.root) == []


def wait_for(holds: Callable[[], object], limit_s: float = 60) -> None:
    """Return when it holds, or after so many seconds."""
    deadline = time.monotonic() + limit_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)


def left_below(root: Path) -> list[str]:
    """The processes that have the lab's home in their environment, by their command lines."""
    mark = f"HOME={root}/".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if (
                process.name.isdigit()
                and process.name != str(os.getpid())
                and mark in (process / "environ").read_bytes()
            ):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended meanwhile
    return found
