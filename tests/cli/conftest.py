"""Small targets, and the program run in this process or as one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runner_env.cli.root import root

Cli = Callable[..., Result]
Program = Callable[..., "subprocess.Popen[str]"]

_METRICS = (
    """mkdir -p .aider_fsm && echo '{"ok": true, "score": 0.875, "passed": 7, "total": 8}' > .aider_fsm/metrics.json"""
)
_EVALUATION = """\
version: 1
evaluation:
  run_cmds:
    - %s
  metrics_path: .aider_fsm/metrics.json
  required_keys: [score]
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs go during a test; the test's own directory is the current one."""
    folder = tmp_path / "home"
    monkeypatch.setenv("RUNNER_ENV_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Callable[..., Path]:
    """`target(evaluation=…)`: a directory whose contract has one evaluation command; by default it scores 0.875."""

    def make(evaluation: str = _METRICS, name: str = "bench", **more: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        command = "|\n        " + evaluation.replace("\n", "\n        ")
        (folder / "pipeline.yml").write_text(_EVALUATION % command + "".join(more.values()))
        return folder

    return make


@pytest.fixture
def cli() -> Cli:
    """`cli("run", "x", …)` calls the program in this process."""

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(root, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def program(home: Path) -> Program:
    """`program("run", "x", …, env={…})` starts `python -m runner_env` with its output in pipes."""

    def start(*arguments: str | Path, env: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "runner_env", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "RUNNER_ENV_HOME": str(home), **env},
        )

    return start
