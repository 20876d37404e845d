from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repo(copy: Callable[[str], Path], run: Run) -> Iterator[Path]:
    """A copy of the example; whatever still runs at the end is torn down."""
    folder = copy("service")
    yield folder
    assert run(folder, "teardown").returncode == 0


def read(repo: Path, name: str) -> Any:
    """A JSON file in `.aider_fsm`."""
    return json.loads((repo / ".aider_fsm" / name).read_text())


def alive(pid: int) -> bool:
    """Whether a process has anything left to execute."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_every_stage_works_and_teardown_leaves_nothing(repo: Path, run: Run) -> None:
    """Setup to teardown: a real service, samples, a score, a timing, and then no process and no file of it."""
    for name in ("setup", "health", "rollout", "evaluation", "benchmark"):
        ended = run(repo, name, AIDER_LLM_MODEL="any")
        assert ended.returncode == 0, ended.stderr
    runtime = read(repo, "runtime_env.json")
    assert runtime["service"]["health_url"] == runtime["service"]["base_url"] + "/health"
    rollout = read(repo, "rollout.json")
    assert (rollout["ok"], rollout["model"], rollout["counts"]) == (
        True,
        "any",
        {"samples": 8, "errors": 0, "correct": 8},
    )
    lines = (repo / rollout["paths"]["samples_jsonl"]).read_text().splitlines()
    assert [json.loads(line)["reward"] for line in lines] == [1.0] * 8
    assert read(repo, "metrics.json")["score"] == 1.0
    benchmark = read(repo, "benchmark.json")
    assert (benchmark["ok"], benchmark["failed"], benchmark["requests"]) == (True, 0, 100)
    assert benchmark["requests_per_second"] > 0

    assert alive(runtime["pid"])
    assert "was stopped" in run(repo, "teardown").stdout
    assert not alive(runtime["pid"])
    assert not (repo / ".aider_fsm/service").exists()
    assert not (repo / ".aider_fsm/runtime_env.json").exists()


def test_the_score_drops_with_wrong_answers(repo: Path, run: Run) -> None:
    """Where file and service disagree, the evaluation says so: the truth is the SQLite file."""
    for name in ("setup", "rollout"):
        assert run(repo, name).returncode == 0
    instead = repo / "instead.sqlite3"
    with sqlite3.connect(repo / ".aider_fsm/service/bank.sqlite3") as database:
        database.execute("VACUUM INTO ?", (str(instead),))
    database.close()
    changed = sqlite3.connect(instead)
    changed.execute("UPDATE questions SET answer = 'changed' WHERE id <= 2")
    changed.commit()
    changed.close()
    for old in (repo / ".aider_fsm/service").glob("bank.sqlite3*"):
        old.unlink()
    instead.rename(repo / ".aider_fsm/service/bank.sqlite3")
    ended = run(repo, "evaluation")
    assert ended.returncode == 0, ended.stderr
    assert read(repo, "metrics.json")["score"] == 0.75


def test_a_taken_port_is_a_clear_error(repo: Path, run: Run) -> None:
    """PORT of somebody else: exit code not 0, the port in the message, nothing left behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run(repo, "setup", PORT=port)
    assert ended.returncode == 1
    assert port in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (repo / ".aider_fsm/service").exists()
    assert not (repo / ".aider_fsm/runtime_env.json").exists()


@pytest.mark.parametrize("port", ["abc", "-1", "70000"])
def test_an_unusable_port_is_refused(repo: Path, run: Run, port: str) -> None:
    """PORT must be a port."""
    ended = run(repo, "setup", PORT=port)
    assert ended.returncode == 1
    assert "PORT" in ended.stderr


def test_health_knows_its_own_instance(repo: Path, run: Run) -> None:
    """A healthy answer of another instance is not health, and neither is a dead service."""
    assert run(repo, "setup").returncode == 0
    runtime = read(repo, "runtime_env.json")
    path = repo / ".aider_fsm/runtime_env.json"
    path.write_text(json.dumps({**runtime, "instance": "another"}))
    ended = run(repo, "health")
    assert ended.returncode == 1
    assert "another service" in ended.stderr
    assert run(repo, "teardown").returncode == 0
    path.write_text(json.dumps(runtime))
    assert run(repo, "health").returncode == 1


@pytest.mark.parametrize("name", ["health", "rollout", "evaluation", "benchmark"])
def test_nothing_works_before_the_setup(repo: Path, run: Run, name: str) -> None:
    """Without a deployed service every stage fails with a message."""
    ended = run(repo, name)
    assert ended.returncode == 1
    assert "not set up" in ended.stderr
    assert not (repo / ".aider_fsm/metrics.json").exists()


def test_an_empty_bank_has_no_score(repo: Path, run: Run) -> None:
    """Nothing asked is not a perfect score."""
    assert run(repo, "setup").returncode == 0
    ended = run(repo, "evaluation")
    assert ended.returncode == 1
    assert "empty" in ended.stderr


def test_setup_replaces_what_an_interrupted_run_left(repo: Path, run: Run) -> None:
    """A second setup stops the first service and starts with an empty bank."""
    assert run(repo, "setup").returncode == 0
    first = read(repo, "runtime_env.json")
    assert run(repo, "rollout").returncode == 0
    assert run(repo, "setup").returncode == 0
    assert not alive(first["pid"])
    assert run(repo, "evaluation").returncode == 1
    assert read(repo, "runtime_env.json")["instance"] != first["instance"]


def test_teardown_never_stops_a_stranger(repo: Path, run: Run) -> None:
    """A pid file that names somebody else's process ends nobody."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (repo / ".aider_fsm/service").mkdir(parents=True)
        (repo / ".aider_fsm/service/service.pid").write_text(str(stranger.pid))
        assert run(repo, "teardown").returncode == 0
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_the_apps_own_tests_pass(repo: Path) -> None:
    """What the contract's tests stage runs is green."""
    command = [sys.executable, "-m", "unittest", "discover", "--start-directory", "app", "--top-level-directory", "."]
    ended = subprocess.run(
        command, cwd=repo, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "Ran 3 tests" in ended.stderr
