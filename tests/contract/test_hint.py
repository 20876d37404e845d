"""`evaluation.hint`: a test command that the runner runs itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner_env.contract import lint, load_contract
from runner_env.contract.model import StageName
from runner_env.errors import ContractError


def _written(root: Path, text: str) -> Path:
    (root / "pipeline.yml").write_text(text, encoding="utf-8")
    return root


def test_a_hint_alone_is_an_evaluation(tmp_path: Path) -> None:
    """`hint` needs neither commands nor a metrics file, and the lint asks for none."""
    root = _written(tmp_path, "version: 1\nevaluation:\n  hint: pytest -q\n")
    stage = load_contract(root).stages[StageName.EVALUATION]
    assert stage.commands == ()
    assert stage.hint is not None
    assert stage.hint.text == "pytest -q"
    assert str(stage.hint.where) == "pipeline.yml:3:3"
    assert lint(root) == ()


def test_commands_may_stand_before_a_hint(tmp_path: Path) -> None:
    """`run_cmds` beside `hint` are what is built first."""
    root = _written(tmp_path, "version: 1\nevaluation:\n  run_cmds: [make]\n  hint: make check\n")
    stage = load_contract(root).stages[StageName.EVALUATION]
    assert [command.text for command in stage.commands] == ["make"]
    assert stage.hint is not None
    assert stage.hint.text == "make check"


def test_a_hint_and_a_metrics_file_are_refused(tmp_path: Path) -> None:
    """Two sources of one score would leave open which counts."""
    root = _written(tmp_path, "version: 1\nevaluation:\n  hint: auto\n  metrics_path: m.json\n")
    with pytest.raises(ContractError) as caught:
        load_contract(root)
    assert [finding.code for finding in caught.value.findings] == ["ambiguous_keys"]
