"""`runner-env skill run` as a user runs it: real processes, killed and stopped, resumed, and every format."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

SKILL = "---\nname: greeter\ndescription: Greets people by their name, nicely.\n---\nGreet.\n"
PROVIDER = """
import json, pathlib, sys, time
request = json.load(sys.stdin)
with open("calls", "a") as calls:
    calls.write(request["op"] + "\\n")
if request["op"] == "respond":
    text = request["messages"][0]["content"]
    deadline = time.monotonic() + 120
    while "slow" in text and pathlib.Path("hold").exists() and time.monotonic() < deadline:
        pathlib.Path("waiting").touch()
        time.sleep(0.02)
    print(json.dumps({"message": "hello " + text, "events": [{"kind": "tool_call", "name": "bash"}]}))
else:
    print(json.dumps({"value": "cold" not in request["criterion"], "reason": "so it is"}))
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, home: Path) -> Start:
    """Start `runner-env skill run` in a folder with a provider, a skill and the cases that are given by name."""

    def _start(*arguments: str, **cases: str) -> subprocess.Popen[str]:
        (tmp_path / "skills" / "greeter").mkdir(parents=True, exist_ok=True)
        (tmp_path / "cases").mkdir(exist_ok=True)
        (tmp_path / "skills" / "greeter" / "SKILL.md").write_text(SKILL)
        (tmp_path / "provider.py").write_text(PROVIDER)
        provider = {"kind": "command", "command": [sys.executable, "provider.py"]}
        config = {"provider": provider, "platforms": ["p"], "models": ["m"]}
        (tmp_path / "skilltest.yaml").write_text(json.dumps(config))
        for name, criterion in cases.items():
            case = {"skill": "../skills/greeter", "input": name, "evals": [{"type": "boolean", "criterion": criterion}]}
            (tmp_path / "cases" / f"{name}.yaml").write_text(json.dumps(case))
        return subprocess.Popen(
            [sys.executable, "-m", "runner_env", "skill", "run", *arguments],
            cwd=tmp_path,
            env={**os.environ, "RUNNER_ENV_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return _start


def calls(folder: Path) -> list[str]:
    """What the provider was asked for by now."""
    return (folder / "calls").read_text().split()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


def provider_pids(folder: Path) -> list[int]:
    """The provider's processes that run in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"provider.py" in (entry / "cmdline").read_bytes():
                found += [int(entry.name)] if (entry / "cwd").readlink() == folder else []
        except OSError:
            continue
    return found


def test_a_killed_run_is_resumed_where_it_stood(start: Start, tmp_path: Path, home: Path) -> None:
    """After SIGKILL nothing of the provider is left, and `--resume` runs only what is missing, in the same run."""
    (tmp_path / "hold").touch()
    process = start("cases", "--jobs", "1", a="greets", slow="greets", z="greets")
    wait_for((tmp_path / "waiting").exists)
    process.kill()
    process.communicate()
    wait_for(lambda: not provider_pids(tmp_path))
    (tmp_path / "hold").unlink()
    assert calls(tmp_path) == ["respond", "judge", "respond"]
    [run] = (home / "runs").iterdir()
    resumed = start("--resume", run.name, "--format", "json")
    out, complaint = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, complaint
    assert calls(tmp_path)[3:] == ["respond", "judge"] * 2
    report = json.loads(out)
    assert [trial["case"] for trial in report["runs"]] == ["a", "slow", "z"]
    assert (report["run"]["id"], report["run"]["carried"]) == (run.name, 1)
    verify = [sys.executable, "-m", "runner_env", "verify", str(run)]
    assert subprocess.run(verify, check=False, timeout=60, stdout=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_providers_too(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end the provider's whole tree, say how to go on, and end the program as that signal does."""
    (tmp_path / "hold").touch()
    process = start("cases", a="greets", slow="greets")
    wait_for((tmp_path / "waiting").exists)
    process.send_signal(number)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "skill run --resume" in complaint
    assert provider_pids(tmp_path) == []


def test_exit_codes(start: Start) -> None:
    """0 passed, 1 an eval failed, 2 bad input, 3 unscored."""
    for code, criterion, arguments in ((0, "greets", ()), (1, "is cold", ()), (2, "greets", ("--max-turns", "0"))):
        process = start("cases", *arguments, a=criterion)
        process.communicate(timeout=60)
        assert process.returncode == code
    process = start("cases", "--provider", "./missing", a="greets")
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "could not run" in complaint + _ or "spawn" in complaint


def test_junit(start: Start) -> None:
    """A failed trial is a failure, with the reason and the transcript; the XML is well formed whatever was said."""
    process = start("cases", "--format", "junit", a="greets", b='is cold & "<so>"\x07')
    out, _ = process.communicate(timeout=60)
    root = ET.fromstring(out)
    assert [case.get("classname") for case in root.iter("testcase")] == ["a", "b"]
    [failure] = root.iter("failure")
    assert "so it is" in (failure.get("message") or "")
    assert "hello b" in (failure.text or "")
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "0")


def test_github(start: Start) -> None:
    """A failed trial is an annotation at its case; what was said cannot make an annotation of its own."""
    process = start("cases", "--format", "github", a="is cold\n::error::forged")
    out, _ = process.communicate(timeout=60)
    lines = out.splitlines()
    assert lines[0].startswith(
        "::error file=cases/a.yaml,line=1,title=a [p/m]::is cold%0A%3A%3Aerror".replace("%3A", ":")
    )
    assert not any(line.startswith("::error::forged") for line in lines)


def test_json_stream(start: Start) -> None:
    """Each line is one object: the tool events, also of a provider that cannot stream, and last the report."""
    process = start("cases", "--format", "json-stream", a="greets")
    out, _ = process.communicate(timeout=60)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["type"], line.get("turn")) for line in lines] == [("event", 1), ("result", None)]
    assert lines[-1]["report"]["runs"][0]["transcript"]["messages"][1]["events"][0]["name"] == "bash"


def test_an_error_is_an_object_too(start: Start) -> None:
    """With a JSON format an error goes to standard output as an object."""
    process = start("nowhere", "--format", "json", a="greets")
    out, complaint = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["code"]) == (2, "usage")
    assert "nowhere" in complaint


def test_the_contract_door_refuses_a_skill_run(start: Start, home: Path) -> None:
    """`runner-env resume` says which command goes on with a skill run."""
    start("cases", a="greets").communicate(timeout=60)
    [run] = (home / "runs").iterdir()
    resume = [sys.executable, "-m", "runner_env", "resume", run.name]
    environ = {**os.environ, "RUNNER_ENV_HOME": str(home)}
    done = subprocess.run(resume, env=environ, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"skill run --resume {run.name}" in done.stderr
