"""The examples, their stage scripts as modules, and an environment to run them in."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def examples() -> Path:
    """The folder of the examples."""
    return EXAMPLES


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """`stage("client")` imports a stage script of the HumanEval example, as its siblings import it."""
    folder = EXAMPLES / "human_eval/.aider_fsm/stages"
    monkeypatch.syspath_prepend(str(folder))
    names = {path.stem for path in folder.glob("*.py")}
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    """`copy("service")` is a throw-away copy of an example, without what an earlier run left in it."""

    def make(name: str) -> Path:
        ignored = shutil.ignore_patterns("venv", "artifacts", "__pycache__", "service.pid", "*.json", "*.sqlite3*")
        return Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=ignored))

    return make


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run() -> Run:
    """`run(repo, "rollout", python=…, **variables)` runs one stage script as a contract would."""

    def start(
        repo: Path, name: str, python: str = sys.executable, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        own = {
            "PATH": os.environ["PATH"],
            "AIDER_FSM_REPO_ROOT": str(repo),
            "AIDER_FSM_ARTIFACTS_DIR": str(repo / ".aider_fsm/artifacts/run-1" / name),
            "AIDER_FSM_RUN_ID": "run-1",
            "AIDER_EVAL_MODE": "smoke",
        }
        return subprocess.run(
            [python, f".aider_fsm/stages/{name}.py"],
            cwd=repo,
            env=own | variables,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return start
