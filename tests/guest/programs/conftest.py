"""The programs as stages start them: published files, on the oldest and the newest Python at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import runner_env.guest.published

ROOT = Path(runner_env.guest.published.__path__[0])


@lru_cache(maxsize=1)
def pythons() -> tuple[str, ...]:
    """The oldest Python from 3.9 on and the newest one, of those on the PATH and those that pyenv installed."""
    names = [f"python3.{minor}" for minor in range(9, 20)]
    found = [sys.executable, *(path for name in names if (path := shutil.which(name)))]
    found += map(str, Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    versions: dict[tuple[int, ...], str] = {}
    for python in found:
        code = "import sys; print(*sys.version_info[:2])"
        done = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
        version = tuple(map(int, done.stdout.split())) if done.returncode == 0 else ()
        if version >= (3, 9):
            versions.setdefault(version, python)
    return tuple(dict.fromkeys((versions[min(versions)], versions[max(versions)])))


@dataclass
class Bench:
    """A repository in which the programs are run."""

    repo: Path
    python: str

    def write(self, name: str, content: object) -> Path:
        """Write a file; what is not text is written as JSON."""
        path = self.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def script(self, name: str, text: str) -> Path:
        """Write a program that can be started."""
        path = self.write(name, text)
        path.chmod(0o755)
        return path

    def dataset(self, rows: list[dict[str, Any]], name: str = "main/test-00000-of-00001.jsonl") -> None:
        """Make the repository the snapshot of a dataset."""
        self.write(name, "".join(json.dumps(row) + "\n" for row in rows))
        files = [{"from": "x.parquet", "to": name, "rows": len(rows)}]
        self.write("data/hf_manifest.json", {"source": "huggingface_dataset", "converted_files": files})

    def environment(self, **env: object) -> dict[str, str]:
        """What a stage has, as far as the programs look at it."""
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in env.items()}
        own = {"AIDER_FSM_REPO_ROOT": str(self.repo), "AIDER_FSM_ARTIFACTS_DIR": str(self.repo / "out")}
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, **own, "AIDER_FSM_PYTHON": self.python, **texts}

    def run(
        self, name: str, *arguments: str, isolated: bool = False, **env: object
    ) -> subprocess.CompletedProcess[str]:
        """Start a published file, as a contract does."""
        flags = ("-I", "-S") if isolated else ()
        command = [self.python, *flags, str(ROOT / "runner" / name), *arguments]
        return subprocess.run(
            command, cwd=self.repo, env=self.environment(**env), capture_output=True, text=True, timeout=60, check=False
        )

    def read(self, name: str) -> Any:
        """A JSON file of the repository's own folder."""
        return json.loads((self.repo / ".aider_fsm" / name).read_text("utf-8"))

    def samples(self) -> list[dict[str, Any]]:
        """The samples that the rollout names."""
        path = self.repo / self.read("rollout.json")["paths"]["samples_jsonl"]
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def evaluate(self, *hints: object, **env: object) -> tuple[int, dict[str, Any]]:
        """Run the generic evaluation with hints; its exit code and metrics."""
        done = self.run("generic_evaluation.py", **({"AIDER_FSM_HINTS_JSON": list(hints)} if hints else {}), **env)
        assert done.returncode in (0, 1, 2), done.stderr
        return done.returncode, self.read("metrics.json")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A repository, and the tests' own Python."""
    repo = tmp_path / "repo"
    repo.mkdir()
    return Bench(repo, sys.executable)


@pytest.fixture(params=["oldest", "newest"])
def either(request: pytest.FixtureRequest, bench: Bench) -> Bench:
    """The same, on the oldest and on the newest Python at hand."""
    bench.python = pythons()[0 if request.param == "oldest" else -1]
    return bench


@pytest.fixture
def served(bench: Bench) -> Iterator[Callable[..., dict[str, Any]]]:
    """`served("--backend", "echo", python=…)` starts a server; returns its runtime_env. It is stopped at the end."""

    def start(*flags: str, python: str = sys.executable) -> dict[str, Any]:
        bench.python = python
        done = bench.run("serve.py", "start", str(bench.repo), *flags)
        assert done.returncode == 0, done.stderr
        made = bench.read("runtime_env.json")
        assert isinstance(made, dict)
        return made

    yield start
    assert bench.run("serve.py", "stop").returncode == 0
