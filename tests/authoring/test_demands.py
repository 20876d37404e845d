"""What a contract must satisfy before it is worth running."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_env.authoring.brief import Brief, Purpose
from runner_env.authoring.demands import demands
from runner_env.authoring.proposal import FileText

from .conftest import CONTRACT, PIPELINE, write

MEASURED = """\
version: 1
security: {max_cmd_seconds: 60}
evaluation:
  run_cmds: [bash .aider_fsm/stages/evaluation.sh]
  metrics_path: .aider_fsm/metrics.json
  required_keys: [ok, score]
"""


def codes(root: Path, files: Mapping[str, str], purpose: Purpose = Purpose.SCAFFOLD, **brief: Any) -> set[str]:
    """The problems of a contract of these files, all of them proposed."""
    write(root, files)
    proposed = {path: FileText(text.encode()) for path, text in files.items()}
    return {problem.code for problem in demands(root, Brief(purpose, **brief), proposed)}


@pytest.mark.parametrize("pipeline", [PIPELINE, MEASURED])
def test_a_good_contract_has_no_problems(target: Path, pipeline: str) -> None:
    """With a hint, or with metrics."""
    assert codes(target, {**CONTRACT, "pipeline.yml": pipeline}) == set()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("required_keys: [ok, score]", "required_keys: [ok]", "required_keys_missing"),
        ("required_keys: [ok, score]", "required_keys: [score]", "required_keys_missing"),
        ("  required_keys: [ok, score]\n", "", "required_keys_missing"),
        ("  metrics_path: .aider_fsm/metrics.json\n", "", "metrics_path_missing"),
        ("security: {max_cmd_seconds: 60}\n", "", "max_cmd_seconds_missing"),
        ("max_cmd_seconds: 60", "max_cmd_seconds: 0", "max_cmd_seconds_missing"),
        ("evaluation:", "evalution:", "unknown_key"),
        ("evaluation:", "benchmark:", "evaluation_missing"),
        ("version: 1", "version: 2", "bad_version"),
        ("evaluation.sh", "evaluate.sh", "script_missing"),
        (".aider_fsm/metrics.json", "../metrics.json", "path_escapes"),
        ("[bash ", "['if true; then ', bash ", "shell_syntax"),
        ("version: 1", "version: 1\nstages: []", "unknown_key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_without_running_it(target: Path, old: str, new: str, code: str) -> None:
    """B111: the pipeline's own mistakes."""
    assert code in codes(target, {**CONTRACT, "pipeline.yml": MEASURED.replace(old, new)})


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        (".aider_fsm/stages/evaluation.sh", "if true; then\n", "script_syntax"),
        (".aider_fsm/stages/unused.sh", "case x in\n", "script_syntax"),
        (".aider_fsm/stages/run", "#!/usr/bin/env bash\nfor\n", "script_syntax"),
        (".aider_fsm/stages/score.py", "def f(:\n", "script_syntax"),
        (".aider_fsm/bootstrap.yml", "cmds: {a: b}\n", "wrong_type"),
        (".aider_fsm/bootstrap.yml", "\tcmds: []\n", "tab_indentation"),
    ],
)
def test_broken_scripts_and_bootstraps_are_found(target: Path, path: str, text: str, code: str) -> None:
    """B111: whether a command names them or not."""
    assert code in codes(target, {**CONTRACT, path: text})


def test_metrics_may_not_be_brought_along(target: Path) -> None:
    """Under whatever name the contract gives them."""
    pipeline = MEASURED.replace(".aider_fsm/metrics.json", ".aider_fsm/stages/score.json")
    files = {**CONTRACT, "pipeline.yml": pipeline, ".aider_fsm/stages/score.json": '{"ok": true, "score": 1}'}
    assert "metrics_made_up" in codes(target, files)


def test_what_is_not_asked_for_is_not_demanded(target: Path) -> None:
    """Without required metrics an evaluation needs none; a rollout only where samples are required."""
    bare = "version: 1\nsecurity: {max_cmd_seconds: 60}\nevaluation: {run_cmds: [make check]}\n"
    assert codes(target, {"pipeline.yml": bare}, require_metrics=False) == set()
    assert codes(target, CONTRACT, require_samples=True) == {"rollout_missing"}


def test_a_repair_is_not_asked_for_what_it_may_not_write(target: Path) -> None:
    """Mistakes in pipeline.yml are somebody else's; what can be mended below .aider_fsm/ is asked for."""
    pipeline = "version: 1\nevaluation: {run_cmds: [bash .aider_fsm/stages/evaluation.sh]}\n"
    write(target, {"pipeline.yml": pipeline})
    assert codes(target, {}, Purpose.REPAIR) == {"script_missing"}
    assert codes(target, {".aider_fsm/stages/evaluation.sh": "true\n"}, Purpose.REPAIR) == set()
