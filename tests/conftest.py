"""A kit for tests that run real contracts: write a project, run it, look at what came out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import runner_env
from runner_env.runs.results import EvaluationCallResult, RolloutCallResult
from runner_env.session import EnvSession

# The same examples on every run: what is red was red before. HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# Whoever starts the tests in the background (nohup, `&`, some CI systems) hands down ignored signals. A signal that is
# ignored stays ignored in the programs under test, which is right, and not what the tests of signals are about.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

pytest_plugins = ["real_agents"]

SHARED = Path(__file__).resolve().parents[2] / "shared"

GOOD_METRICS = """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""
GOOD_ROLLOUT = (
    """printf '{"prompt": "p", "completion": "c", "reward": 1}\\n' > "$AIDER_FSM_ARTIFACTS_DIR/samples.jsonl" && """
    """printf '{"paths": {"samples_jsonl": "%s"}}' "$AIDER_FSM_ARTIFACTS_DIR/samples.jsonl" > .aider_fsm/rollout.json"""
)


@dataclass(frozen=True)
class Project:
    """A target in a temporary directory."""

    root: Path

    def write(self, files: Mapping[str, object]) -> None:
        """Write files; a value that is not text is written as JSON, which is YAML too."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    def read(self, name: str) -> str:
        """A file's text."""
        return (self.root / name).read_text(encoding="utf-8")

    def exists(self, name: str) -> bool:
        """Whether something is at that path."""
        return (self.root / name).exists()

    def setup(self, **keywords: Any) -> EnvSession:
        """Open it."""
        return runner_env.setup(self.root, **keywords)

    def rollout(self, **keywords: Any) -> RolloutCallResult:
        """Open it, roll out, close it."""
        with self.setup() as session:
            return session.rollout("a-model", **keywords)

    def evaluate(self, **keywords: Any) -> EvaluationCallResult:
        """Open it, run everything, close it."""
        names = ("require_metrics", "unattended", "pass_env", "sandbox", "network")
        setup = {name: keywords.pop(name) for name in names if name in keywords}
        with self.setup(**setup) as session:
            return session.evaluate("a-model", **keywords)

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout

    def commit(self) -> None:
        """Put everything under version control."""
        self.git("init", "-q")
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "-m", "all")


MakeProject = Callable[..., Project]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is run at the level bwrap needs that program."""
    for item in items:
        if isinstance(item, pytest.Function) and "bwrap" in parameters(item):
            item.add_marker(pytest.mark.programs)


def parameters(item: pytest.Function) -> list[object]:
    """The values that a test is parametrised with."""
    return list(item.callspec.params.values()) if hasattr(item, "callspec") else []


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep runs out of the user's state directory, and the user's variables out of the tests."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("AIDER_", "OPENAI_", "OPENCODE_", "RUNNER_ENV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUNNER_ENV_HOME", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Iterator[MakeProject]:
    """Make a project: `project(sections..., files={...})`; `pipeline` replaces the whole contract text."""

    def make(*, files: Mapping[str, object] | None = None, pipeline: object = None, **sections: object) -> Project:
        root = tmp_path / "target"
        root.mkdir(exist_ok=True)
        made = Project(root)
        (root / ".aider_fsm").mkdir(exist_ok=True)
        made.write({"pipeline.yml": pipeline if pipeline is not None else {"version": 1, **sections}})
        made.write(files or {})
        return made

    return make


def evaluation(command: str = GOOD_METRICS, **more: object) -> dict[str, object]:
    """An evaluation section whose one command is `command`."""
    return {
        "run_cmds": [command],
        "metrics_path": ".aider_fsm/metrics.json",
        "required_keys": ["ok", "score"],
        **more,
    }


@pytest.fixture
def scored() -> Callable[..., dict[str, object]]:
    """The `evaluation` section of a contract: `scored(command=..., **more)`."""
    return evaluation


@pytest.fixture
def rolled() -> dict[str, object]:
    """The `rollout` section of a contract that writes one good sample."""
    return {"run_cmds": [GOOD_ROLLOUT]}


@pytest.fixture
def shared() -> Path:
    """The folder of shared corpora; a user's clone does not have it."""
    if not SHARED.is_dir():
        pytest.skip("the shared corpora are not here")
    return SHARED
