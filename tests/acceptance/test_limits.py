"""Limits of a contract and of the operator: each hit is a finding with the figure, and nothing is left."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.errors import OptionError

METRICS = ".aider_fsm/metrics.json"
GOOD = f"""printf '{{"ok": true, "score": 0.5}}' > {METRICS}"""
HOG = f"{sys.executable} -I -S -c 'x = bytearray(300 << 20); import time; time.sleep(30)'"


@pytest.fixture
def run(project: Callable[..., Any]) -> Callable[..., Any]:
    """Run one command, then a good score: `run(command, **security)`."""

    def go(command: str, **security: object) -> Any:
        evaluation = {"run_cmds": [command, GOOD], "metrics_path": METRICS, "required_keys": ["score"]}
        made = project(security=security, evaluation=evaluation) if security else project(evaluation=evaluation)
        return made, made.evaluate(repair_iters=0)

    return go


def the_finding(result: Any) -> Any:
    """The only finding that speaks against a run."""
    against = [found for found in result.findings if found.verdict is not Verdict.PASSED]
    assert len(against) == 1, result.findings
    return against[0]


def test_memory(run: Callable[..., Any], alive: Callable[[Path], list[int]]) -> None:
    """A contract's memory limit ends the stage."""
    made, result = run(HOG, max_memory_mb=100)
    found = the_finding(result)
    assert (found.code, found.verdict, found.stage) == ("memory_limit", Verdict.FAILED, "evaluation")
    assert "100 MiB allowed" in found.message
    assert "max_memory_mb" in (found.hint or "")
    assert result.score is None
    assert alive(made.root) == []


def test_processes(run: Callable[..., Any], alive: Callable[[Path], list[int]]) -> None:
    """A storm of processes is bounded, and all of it is gone."""
    made, result = run("for i in $(seq 150); do sleep 20 & done; wait", max_processes=60)
    found = the_finding(result)
    assert found.code == "process_limit"
    assert "60 allowed" in found.message
    assert alive(made.root) == []


def test_disk(run: Callable[..., Any]) -> None:
    """What a stage adds beyond the limit makes it fail, even if it is over at once."""
    _, result = run("head -c 40000000 /dev/urandom > .aider_fsm/fill", max_disk_mb=10)
    found = the_finding(result)
    assert found.code == "disk_limit"
    assert " MiB added on the disk, 10 MiB allowed" in found.message


def test_output(run: Callable[..., Any]) -> None:
    """Of a flood the beginning and the end are kept; that is a note, and the total is counted."""
    _, result = run("echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo last", max_output_mb=1)
    assert result.ok
    found = next(one for one in result.findings if one.code == "output_limit")
    assert found.verdict is Verdict.PASSED
    assert "3000011 bytes to standard output" in found.message
    command = json.loads((result.run_dir / "record.json").read_bytes())["stages"][0]["commands"][0]
    kept = (result.run_dir / command["stdout"]["reference"]).read_bytes()
    assert kept.startswith(b"first\n")
    assert kept.endswith(b"last\n")
    assert len(kept) < 1_100_000
    assert command["stdout"]["total_bytes"] == 3_000_011


def test_open_files(run: Callable[..., Any]) -> None:
    """The kernel holds a program to it, the program says so itself, and a note has the figure."""
    code = 'import os; [os.open(".", 0) for _ in range(100)]'  # not `/`, which landlock does not let anybody list
    _, result = run(f"{sys.executable} -I -S -c '{code}'", max_open_files=64)
    found = the_finding(result)
    assert found.code == "command_failed"
    assert "64 are allowed" in next(one.message for one in result.findings if one.code == "open_files_limit")
    assert b"Too many open files" in b"".join(path.read_bytes() for path in result.run_dir.rglob("*stderr.txt"))


def test_open_files_that_nobody_speaks_of(run: Callable[..., Any]) -> None:
    """A program that fails without a word while it is at the limit is seen there."""
    code = 'import os, time\ntry:\n  while True: os.open(".", 0)\nexcept OSError: time.sleep(1); os._exit(1)'
    _, result = run(f"{sys.executable} -I -S -c '{code}'", max_open_files=64)
    assert [one.code for one in result.findings if one.code == "open_files_limit"]


def bwrapped(project: Callable[..., Any], code: str, megabytes: int) -> Any:
    """Run a program in a box with shared memory of its own, limited to so much memory."""
    made = project(
        security={"max_memory_mb": megabytes},
        evaluation={"run_cmds": [f"{sys.executable} -I -S -c '{code}'", GOOD], "metrics_path": METRICS},
    )
    try:
        return made.evaluate(repair_iters=0, sandbox="bwrap")
    except OptionError as error:
        pytest.skip(str(error))


def test_shared_memory_that_no_process_maps(project: Callable[..., Any]) -> None:
    """A file in /dev/shm is memory too, where that belongs to the box."""
    code = 'import time; f = open("/dev/shm/x", "wb"); [f.write(bytes(1 << 20)) for _ in range(300)]; time.sleep(5)'
    found = the_finding(bwrapped(project, code, 100))
    assert found.code == "memory_limit"


def test_shared_memory_that_is_mapped_counts_once(project: Callable[..., Any]) -> None:
    """The honest twin: what a process has mapped of it is not counted again."""
    code = (
        'import mmap, time; f = open("/dev/shm/x", "w+b"); f.truncate(70 << 20); m = mmap.mmap(f.fileno(), 0); '
        '[m.write(bytes(1 << 20)) for _ in range(70)]; time.sleep(1)'
    )  # fmt: skip
    result = bwrapped(project, code, 120)
    assert result.ok, result.findings


def test_memory_of_a_service(project: Callable[..., Any]) -> None:
    """A limit that a service hits when its own stage is long over is a finding of that stage."""
    hog = f"{sys.executable} -I -S -c 'import time; time.sleep(1); x = bytearray(300 << 20); time.sleep(30)'"
    deploy = {"setup_cmds": [f"{hog} & echo '{{}}' > .aider_fsm/runtime_env.json"]}
    evaluation = {"run_cmds": ["sleep 3", GOOD], "metrics_path": METRICS, "required_keys": ["score"]}
    made = project(security={"max_memory_mb": 100}, deploy=deploy, evaluation=evaluation)
    found = the_finding(made.evaluate(repair_iters=0))
    assert (found.code, found.verdict, found.stage) == ("memory_limit", Verdict.FAILED, "deploy_setup")
    assert "100 MiB allowed" in found.message


def test_the_operator_bounds_the_contract(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract that asks for more than the operator allows gets what the operator allows."""
    monkeypatch.setenv("RUNNER_ENV_MAX_MEMORY_MB", "100")
    assert the_finding(run(HOG, max_memory_mb=4000)[1]).code == "memory_limit"


def test_an_unusable_setting_is_told_before_anything_runs(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is no limit is an error of the caller."""
    monkeypatch.setenv("RUNNER_ENV_MAX_DISK_MB", "lots")
    with pytest.raises(OptionError, match="RUNNER_ENV_MAX_DISK_MB"):
        run("touch ran")


def test_a_limit_is_not_tried_again(project: Callable[..., Any]) -> None:
    """Retries are for chance; who needs too much once needs it again."""
    evaluation = {"run_cmds": [f"echo x >> tries; {HOG}"], "retries": 3, "metrics_path": METRICS}
    made = project(security={"max_memory_mb": 100}, evaluation=evaluation)
    assert the_finding(made.evaluate(repair_iters=0)).code == "memory_limit"
    assert made.read("tries") == "x\n"


def test_honest_work_within_the_defaults(run: Callable[..., Any]) -> None:
    """The twin: some memory, some processes, some files, some output, and no word about it."""
    code = 'x = bytearray(50 << 20); print("x" * 1000000); open("data", "wb").write(x)'
    _, result = run(f"for i in 1 2 3 4 5 6 7 8; do sleep 0.2 & done; {sys.executable} -I -S -c '{code}'; wait")
    assert result.ok, result.findings
    assert not [found for found in result.findings if found.code.endswith("_limit")]
