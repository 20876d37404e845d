"""The starter contract, really run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.contract import StageName, load_bootstrap, load_contract, starter_files

Repo = Callable[..., Path]


def _run(root: Path, limit: str) -> dict[str, Any]:
    contract, bootstrap = load_contract(root), load_bootstrap(root)
    assert bootstrap is not None
    env = {
        "PATH": "/usr/bin:/bin",
        "AIDER_FSM_PYTHON": sys.executable,
        "AIDER_FSM_REPO_ROOT": str(root),
        "AIDER_FSM_ARTIFACTS_DIR": str(root / ".aider_fsm" / "artifacts" / "r" / "rollout"),
        "AIDER_EVAL_LIMIT": limit,
        "AIDER_LLM_MODEL": "any",
    }
    stages = (contract.stages[name].commands for name in (StageName.ROLLOUT, StageName.EVALUATION))
    for commands in (bootstrap.commands, *stages):
        for command in commands:
            subprocess.run(command.text, shell=True, cwd=root, env=env, check=True, capture_output=True)
    assert contract.evaluation_metrics is not None
    assert contract.evaluation_metrics.path is not None
    metrics: dict[str, Any] = json.loads((root / contract.evaluation_metrics.path).read_text())
    return metrics


def test_it_runs_and_scores(repo: Repo) -> None:
    """With any model name, without network, it leaves samples with rewards and a score computed from them."""
    root = repo(starter_files())
    metrics = _run(root, "16")
    rollout = json.loads((root / ".aider_fsm" / "rollout.json").read_text())
    samples = [json.loads(line) for line in (root / rollout["paths"]["samples_jsonl"]).read_text().splitlines()]
    assert len(samples) == 16
    assert all({"prompt", "completion", "reward"} <= set(sample) for sample in samples)
    assert metrics["ok"] is True
    assert metrics["score"] == pytest.approx(sum(sample["reward"] for sample in samples) / 16)
    assert 0 < metrics["score"] < 1


def test_its_score_is_that_of_the_answers(repo: Repo) -> None:
    """With a model that is always right the score is 1: it is measured, not written down."""
    files = dict(starter_files())
    name = ".aider_fsm/stages/rollout.py"
    honest = (
        "    return str(sum(int(text) for text in prompt.removeprefix('What is ').removesuffix('?').split(' + ')))\n"
    )
    files[name] = files[name].replace("    a, b = (", honest + "    a, b = (")
    assert _run(repo(files), "3")["score"] == 1.0


def test_git_ignores_what_runs_leave(repo: Repo) -> None:
    """After a run a checkout that committed the starter is unchanged."""
    root = repo(starter_files())
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    before = subprocess.run(
        ["git", "-C", str(root), "status", "--porcelain", "-uall"], check=True, capture_output=True
    ).stdout
    _run(root, "2")
    after = subprocess.run(
        ["git", "-C", str(root), "status", "--porcelain", "-uall"], check=True, capture_output=True
    ).stdout
    assert before == after
