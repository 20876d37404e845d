"""The real OpenCode server as a process: it dies, is elsewhere, is guarded, is missing; its runner dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.model import HarnessSession, Turn
from runner_env.harnesses.opencode import OpenCode
from tests.harnesses.real.conftest import TURN_S, Bench

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(300)]

PASSWORD = "correct horse"
RUNNER = """\
import asyncio, pathlib, sys
from runner_env.execution.levels import Wanted
from runner_env.harnesses.model import Opening
from runner_env.harnesses.opencode import OpenCode
from runner_env.harnesses.options import HarnessOptions, Premises
import os

root = pathlib.Path(sys.argv[1])
premises = Premises(root / "copies", root / "orphan", (root / "evidence",))
harness = OpenCode(HarnessOptions(premises, dict(os.environ), wanted=Wanted.of((sys.argv[2], "host"))))

async def main():
    session = await harness.start(Opening(root / "copies/work", "orphan"))
    print("ready", flush=True)
    await session.send("fault hang", timeout_s=600)

asyncio.run(main())
"""


def servers(bench: Bench) -> list[int]:
    """The processes of OpenCode servers of this bench: those with its root in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            environ = (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"serve" in command and os.fsencode(bench.root) in environ:
            found.append(int(folder.name))
    return found


def strike(bench: Bench, number: signal.Signals) -> None:
    """Send a signal to every server of this bench."""
    for process in servers(bench):
        os.kill(process, number)


def struck(bench: Bench, session: HarnessSession, number: signal.Signals, timeout_s: float) -> HarnessError:
    """How a turn fails in which the servers are sent a signal, while the model hangs."""

    async def later() -> None:
        await anyio.sleep(1)
        strike(bench, number)

    async def turn() -> HarnessError:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(later)
            with pytest.raises(HarnessError) as caught:
                await session.send("fault hang", timeout_s=timeout_s)
        return caught.value

    return bench.loop.run(turn())


def test_a_server_that_is_killed_in_mid_turn_is_started_again(bench: Bench) -> None:
    """The turn is taken again in the same conversation, on a new process, without anybody's help."""
    harness = bench.harness(session_recover_backoff_s=0.1)
    session = bench.open(harness)
    bench.send(session, "please write a scaffold")
    handle = session.id

    async def killed() -> Turn:
        asked = len(bench.model.requests)
        async with anyio.create_task_group() as tasks:

            async def kill() -> None:
                while len(bench.model.requests) == asked:  # noqa: ASYNC110 - the model is in another thread
                    await anyio.sleep(0.1)
                strike(bench, signal.SIGKILL)

            tasks.start_soon(kill)
            return await session.send("slow once", timeout_s=TURN_S)

    turn = bench.loop.run(killed())
    assert turn.text == "answered"
    assert session.id == handle
    assert harness.started == 2
    said = [message.text for message in bench.model.requests[-1].messages]
    assert any("Wrote it." in text for text in said)
    bench.loop.run(harness.aclose())
    assert servers(bench) == []


def test_a_server_that_dies_again_and_again_is_given_up(bench: Bench) -> None:
    """After as many starts as the options allow; kind `connection`."""
    harness = bench.harness(session_recover_attempts=0)
    assert struck(bench, bench.open(harness), signal.SIGKILL, TURN_S).kind is FailureKind.CONNECTION
    bench.loop.run(harness.aclose())


def test_a_server_that_hangs_ends_at_the_deadline(bench: Bench) -> None:
    """It is stopped in mid-turn and answers nothing any more: kind `timeout` in time, and it can be ended."""
    harness = bench.harness()
    session = bench.open(harness)
    before = time.monotonic()
    assert struck(bench, session, signal.SIGSTOP, 8).kind is FailureKind.TIMEOUT
    bench.loop.run(harness.aclose())
    assert time.monotonic() - before < 40
    assert servers(bench) == []


@dataclass(frozen=True)
class Elsewhere:
    """A server that somebody else runs."""

    process: subprocess.Popen[str]
    url: str


@pytest.fixture(scope="module")
def elsewhere(bench: Bench) -> Iterator[Elsewhere]:
    """A guarded server with the default user name."""
    home = bench.root / "elsewhere"
    home.mkdir()
    environ = {**bench.options.environ, "OPENCODE_SERVER_PASSWORD": PASSWORD, "XDG_DATA_HOME": str(home)}
    argv = ["opencode", "serve", "--hostname", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True, cwd=home) as process:
        assert process.stdout is not None
        found = None
        while not found:
            line = process.stdout.readline()
            assert line, "the server did not start"
            found = re.search(r"listening on (\S+)", line)
        yield Elsewhere(process, found[1])
        process.kill()


def outside(bench: Bench, server: Elsewhere, **environ: str) -> OpenCode:
    """A harness that uses a server elsewhere."""
    return bench.harness(url=server.url, environ={**bench.options.environ, **environ}, retry_backoff_s=0.1)


def test_a_server_elsewhere_is_used_with_its_password(bench: Bench, elsewhere: Elsewhere) -> None:
    """Nothing is started, and it is not ended with the harness."""
    harness = outside(bench, elsewhere, OPENCODE_SERVER_PASSWORD=PASSWORD, PATH=os.devnull)
    assert bench.send(bench.open(harness, "remote"), "please write a scaffold")[0].text == "Wrote it."
    assert (bench.repository("remote") / ".aider_fsm/stages/tests.sh").exists()
    assert (harness.started, harness.sandbox) == (0, None)
    bench.loop.run(harness.aclose())
    assert elsewhere.process.poll() is None


@pytest.mark.parametrize("environ", [{}, {"OPENCODE_SERVER_PASSWORD": "wrong"}])
def test_a_server_elsewhere_refuses_a_wrong_password(
    bench: Bench, elsewhere: Elsewhere, environ: dict[str, str]
) -> None:
    """Kind `auth`, with the variables to set; at once."""
    with pytest.raises(HarnessError) as caught:
        bench.open(outside(bench, elsewhere, **environ))
    assert caught.value.kind is FailureKind.AUTH
    assert "OPENCODE_SERVER_PASSWORD" in (caught.value.hint or "")
    assert PASSWORD not in str(caught.value)


def test_a_server_elsewhere_that_dies_is_not_started_again(bench: Bench, elsewhere: Elsewhere) -> None:
    """Kind `connection`, in the turn and when another session is wanted. The last test with that server."""
    harness = outside(bench, elsewhere, OPENCODE_SERVER_PASSWORD=PASSWORD)
    session = bench.open(harness, "remote")
    elsewhere.process.kill()
    elsewhere.process.wait(10)
    before = time.monotonic()
    assert bench.fail(session, "please write a scaffold").kind is FailureKind.CONNECTION
    with pytest.raises(HarnessError) as caught:
        bench.open(harness, "remote")
    assert caught.value.kind is FailureKind.CONNECTION
    assert time.monotonic() - before < 20
    assert harness.started == 0


def test_a_missing_program_is_named(bench: Bench) -> None:
    """Before anything is started, with its installation."""
    harness = bench.harness(environ={**bench.options.environ, "PATH": "/usr/bin:/bin"})
    with pytest.raises(HarnessError) as caught:
        bench.open(harness)
    assert caught.value.kind is FailureKind.SPAWN
    assert "npm install -g opencode-ai" in (caught.value.hint or "")


@pytest.mark.parametrize("level", ["auto", "none"])
def test_no_server_outlives_a_runner_that_is_killed(bench: Bench, level: str) -> None:
    """SIGKILL in mid-turn: the box ends with whoever opened it."""
    bench.repository("work")
    (bench.root / "orphan").mkdir(exist_ok=True)
    argv = [sys.executable, "-c", RUNNER, str(bench.root), level]
    with subprocess.Popen(argv, env=dict(bench.options.environ), stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        assert servers(bench)
        runner.kill()
    deadline = time.monotonic() + 20
    while servers(bench) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert servers(bench) == []
