"""A runner that is stopped, or killed, while an agent works for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_env.runs.proof import check_proof

AGENT = """
from pathlib import Path
from runner_env.testing import FakeHarness, FakeTurn

def make(options):
    return FakeHarness(lambda sent: FakeTurn(delay_s=60, events=()), name="slow")
"""
PROGRAM = """
import sys, runner_env
import slow_agent
original = slow_agent.FakeHarness.next_turn
def next_turn(self, sent):
    open("working", "w").close()
    return original(self, sent)
slow_agent.FakeHarness.next_turn = next_turn
with runner_env.setup("target", harness="slow_agent:make", scaffold=sys.argv[1]) as session:
    session.evaluate("any")
"""
CONTRACT = {"version": 1, "evaluation": {"run_cmds": ["exit 3"], "metrics_path": ".aider_fsm/metrics.json"}}
EVALUATED = {
    "version": 1,
    "security": {"max_cmd_seconds": 60},
    "evaluation": {"run_cmds": ["true"], "metrics_path": ".aider_fsm/metrics.json", "required_keys": ["ok", "score"]},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a target and an agent that never ends."""
    (tmp_path / "target").mkdir()
    (tmp_path / "slow_agent.py").write_text(AGENT)
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Programs that were started; ended with the test."""
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def working(place: Path, started: list[subprocess.Popen[str]], scaffold: str) -> subprocess.Popen[str]:
    """A runner whose agent is at work."""
    env = {**os.environ, "RUNNER_ENV_HOME": str(place / "home"), "PYTHONPATH": str(place)}
    argv = [sys.executable, "program.py", scaffold]
    process = subprocess.Popen(argv, cwd=place, env=env, text=True, stderr=subprocess.PIPE)
    started.append(process)
    give_up = time.monotonic() + 60
    while not (place / "working").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_repair(place: Path, started: list[subprocess.Popen[str]], number: signal.Signals) -> None:
    """The run ends with its own failure and whole evidence, the program by the signal, within seconds."""
    (place / "target" / "pipeline.yml").write_text(json.dumps(CONTRACT))
    process = working(place, started, "off")
    began = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=30)
    assert time.monotonic() - began < 20
    assert process.returncode in (-number, 128 + number)
    (run_dir,) = (place / "home" / "runs").iterdir()
    proof = check_proof(run_dir)
    assert proof.ok
    assert proof.record is not None
    assert proof.record.findings[0].code == "command_failed"
    assert json.loads((place / "target" / "pipeline.yml").read_text()) == CONTRACT
    assert list((place / "home" / "agents").iterdir()) == []


def test_a_signal_ends_a_scaffold(place: Path, started: list[subprocess.Popen[str]]) -> None:
    """Nothing is left in the target; what the agent was told is kept."""
    process = working(place, started, "agent")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert not (place / "target" / "pipeline.yml").exists()
    (folder,) = (place / "home" / "authoring").iterdir()
    assert "prompt" in (folder / "scaffold" / "agent.jsonl").read_text()


def test_what_a_killed_runner_left_is_removed_by_the_next(place: Path, started: list[subprocess.Popen[str]]) -> None:
    """Its copy goes when an agent works again; the target is as it was."""
    first = working(place, started, "agent")
    first.kill()
    first.communicate()
    left = list((place / "home" / "agents").iterdir())
    assert len(left) == 1
    (place / "working").unlink()
    second = working(place, started, "agent")
    assert not left[0].exists()
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=30)
    assert not (place / "target" / "pipeline.yml").exists()


def test_a_program_that_closes_nothing_leaves_nothing(place: Path) -> None:
    """A contract on trial goes when the program ends, and so does the agent."""
    (place / "slow_agent.py").write_text(
        AGENT.replace("delay_s=60, events=()", 'writes={"pipeline.yml": CONTRACT}')
        + f"CONTRACT = {json.dumps(json.dumps(EVALUATED))}\n"
    )
    (place / "program.py").write_text(
        'import runner_env\nsession = runner_env.setup("target", harness="slow_agent:make", scaffold="agent")\n'
        'assert (session.repo / "pipeline.yml").exists()\n'
    )
    env = {**os.environ, "RUNNER_ENV_HOME": str(place / "home"), "PYTHONPATH": str(place)}
    subprocess.run([sys.executable, "program.py"], cwd=place, env=env, check=True, timeout=60)
    assert not (place / "target" / "pipeline.yml").exists()
    assert list((place / "home" / "agents").iterdir()) == []
