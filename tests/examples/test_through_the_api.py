"""The examples as targets: what a user gets by `setup`, `rollout` and `evaluate`."""

from __future__ import annotations

import importlib.util
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import runner_env
from runner_env.contract import lint
from runner_env.core import Verdict

DEMO = Path(__file__).resolve().parents[2] / "scripts/demo.py"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Evidence goes to a throw-away place."""
    monkeypatch.setenv("RUNNER_ENV_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("name", ["human_eval", "service"])
def test_the_contracts_have_nothing_to_object_to(examples: Path, name: str) -> None:
    """`check` finds nothing in the examples' contracts, not even a note."""
    assert lint(examples / name) == ()


def test_the_service_runs_every_stage(copy: Callable[[str], Path]) -> None:
    """Tests, setup, health, rollout, evaluation, benchmark and teardown of a real service, with a score at the end."""
    repo = copy("service")
    with runner_env.setup(repo) as session:
        rolled = session.rollout(llm="none", require_samples=True, repair_iters=0)
        assert rolled.ok, rolled.findings
        result = session.evaluate(repair_iters=0)
    assert result.ok, result.findings
    assert result.metrics
    assert result.metrics["score"] == 1.0
    stages = ["tests", "deploy_setup", "deploy_health", "rollout", "evaluation", "benchmark", "deploy_teardown"]
    assert [(item.stage, item.status) for item in result.plan] == [(stage, "run") for stage in stages]
    assert not (repo / ".aider_fsm/service").exists()


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("require_samples", [False, True])
def test_a_dead_endpoint_leaves_the_run_unscored(copy: Callable[[str], Path], require_samples: bool) -> None:
    """Nobody listens where the model should be: the verdict is unscored, and its first finding says why."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: every connection is refused
        endpoint = {"OPENAI_BASE_URL": f"http://127.0.0.1:{unused.getsockname()[1]}/v1", "AIDER_EVAL_LIMIT": "2"}
        with runner_env.setup(copy("human_eval")) as session:
            result = session.rollout(
                llm="nobody", require_samples=require_samples, repair_iters=0, env_overrides=endpoint
            )
    assert (result.ok, result.verdict) == (False, Verdict.UNSCORED)
    bad = [finding.code for finding in result.findings if finding.verdict is not Verdict.PASSED]
    assert bad[0] == "rollout_counts_all_errors"


@pytest.mark.network
@pytest.mark.slow
def test_the_demonstration_shows_one_and_zero(
    copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make demo` ends with exit code 0: 1.0 for the reference solutions, 0.0 for empty bodies, both runs passed."""
    spec = importlib.util.spec_from_file_location("demo_script", DEMO)
    assert spec
    assert spec.loader
    demo = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "demo_script", demo)
    spec.loader.exec_module(demo)
    monkeypatch.setattr(demo, "TARGET", copy("human_eval"))
    assert demo.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["score", "1.0", "0.0"] in [line.split() for line in lines]
    assert ["verdict", "passed", "passed"] in [line.split() for line in lines]
