"""The HumanEval example with the real package, which comes from a package registry."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.testing import ChatRequest, Reply, ScriptedModel

pytestmark = [pytest.mark.network, pytest.mark.slow]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples/human_eval"


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bootstrapped copy of the example, made once."""
    repo = tmp_path_factory.mktemp("human_eval") / "repo"
    shutil.copytree(EXAMPLE, repo, ignore=shutil.ignore_patterns("venv", "artifacts", "__pycache__", "*.json"))
    env = {**os.environ, "AIDER_FSM_PYTHON": sys.executable}
    subprocess.run(["sh", ".aider_fsm/stages/bootstrap.sh"], cwd=repo, env=env, check=True, timeout=600)
    return repo


@pytest.fixture(scope="session")
def problems(target: Path) -> list[dict[str, str]]:
    """The 164 problems."""
    (path,) = target.glob(".aider_fsm/venv/lib/python*/site-packages/human_eval/data/HumanEval.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def score(run: Callable[..., Any], target: Path, answer: Callable[[ChatRequest], Reply], **variables: str) -> Any:
    """Rollout and evaluation with a scripted model; the metrics."""
    bin_dir = target / ".aider_fsm/venv/bin"
    with ScriptedModel(answer, api_key="k") as server:
        own = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "k", "OPENAI_MODEL": "scripted"}
        for name in ("check_package", "rollout", "evaluation"):
            ended = run(
                target, name, str(bin_dir / "python"), PATH=f"{bin_dir}:{os.environ['PATH']}", **own | variables
            )
            assert ended.returncode == 0, ended.stderr
    return json.loads((target / ".aider_fsm/metrics.json").read_text())


@pytest.mark.parametrize("shape", ["whole", "body"])
def test_reference_solutions_score_one(
    run: Callable[..., Any], target: Path, problems: list[dict[str, str]], shape: str
) -> None:
    """All 164 reference solutions, as whole functions and as bodies, are right by the official evaluator."""

    def answer(request: ChatRequest) -> Reply:
        problem = next(problem for problem in problems if problem["prompt"] in request.last_user)
        head = problem["prompt"] if shape == "whole" else ""
        return Reply(f"```python\n{head}{problem['canonical_solution']}```")

    metrics = score(run, target, answer, AIDER_EVAL_MODE="full")
    assert (metrics["score"], metrics["k"], metrics["attempted"], metrics["of"]) == (1.0, 164, 164, 164)


def test_empty_bodies_score_zero(run: Callable[..., Any], target: Path) -> None:
    """Bodies that do nothing are an honest zero: `ok`, and no problem solved."""
    metrics = score(run, target, lambda _: Reply("pass"))
    assert (metrics["ok"], metrics["score"], metrics["k"], metrics["attempted"]) == (True, 0.0, 0, 8)


def test_a_mixed_rollout_scores_the_share(
    run: Callable[..., Any], target: Path, problems: list[dict[str, str]]
) -> None:
    """Half right answers score a half, and the failed tasks are named."""

    def answer(request: ChatRequest) -> Reply:
        index, problem = next(item for item in enumerate(problems) if item[1]["prompt"] in request.last_user)
        return Reply(problem["canonical_solution"] if index % 2 else "raise SystemExit(0)")

    metrics = score(run, target, answer, AIDER_EVAL_LIMIT="4")
    assert (metrics["score"], metrics["failed_tasks"]) == (0.5, ["HumanEval/0", "HumanEval/2"])
