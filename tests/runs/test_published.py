"""Where the published copy goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.contract import lint
from runner_env.errors import ContractError

Make = Callable[..., Any]
OUT = {"out_dir": "out/copies"}


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_out_dir_takes_the_published_copy(project: Make, scored: Make) -> None:
    """Every pass of a run goes to `<out_dir>/<run id>/` in the workspace; the record names it."""
    made = project(evaluation=scored(), deploy={"teardown_cmds": ["true"]}, artifacts=OUT)
    result = made.evaluate()
    assert result.ok, result.findings
    place = made.root / "out/copies" / result.run_id
    assert names(place) == ["rollout_evaluation_attempt_01", "teardown_attempt_01"]
    assert result.artifacts_dir == place / "rollout_evaluation_attempt_01"
    assert json.loads((result.artifacts_dir / "metrics.json").read_bytes()) == result.metrics
    assert json.loads((result.run_dir / "record.json").read_bytes())["artifacts_dir"] == str(result.artifacts_dir)
    assert names(made.root / ".aider_fsm/artifacts" / result.run_id) == ["out"]


def test_the_keyword_wins_over_out_dir(project: Make, scored: Make, tmp_path: Path) -> None:
    """`artifacts_dir` of the call decides, even where `out_dir` could not be used."""
    made = project(evaluation=scored(), artifacts=OUT)
    (made.root / "out").symlink_to(tmp_path)
    result = made.evaluate(artifacts_dir=tmp_path / "mine")
    assert result.artifacts_dir == tmp_path / "mine" / "rollout_evaluation_attempt_01"
    assert not (tmp_path / "copies").exists()


def test_a_link_that_leaves_is_refused_before_anything_runs(project: Make, scored: Make, tmp_path: Path) -> None:
    """`run` and `check` say the same; nothing is run, and nothing is written behind the link."""
    made = project(evaluation=scored("touch ran"), artifacts=OUT)
    outside = tmp_path / "outside"
    outside.mkdir()
    (made.root / "out").symlink_to(outside)
    with pytest.raises(ContractError) as caught:
        made.evaluate()
    assert caught.value.code == "link_escapes"
    assert caught.value.findings[0] in lint(made.root)
    assert not made.exists("ran")
    assert names(outside) == []


def test_a_link_that_stays_inside_is_followed(project: Make, scored: Make) -> None:
    """A repository may arrange its own folders."""
    made = project(evaluation=scored(), artifacts=OUT)
    (made.root / "elsewhere").mkdir()
    (made.root / "out").symlink_to("elsewhere")
    result = made.evaluate()
    assert result.ok, result.findings
    assert result.artifacts_dir.parent == made.root / "elsewhere/copies" / result.run_id


def test_a_link_that_a_stage_makes_is_not_followed(project: Make, scored: Make, tmp_path: Path) -> None:
    """A target that turns the folder into a link gets nothing written there; the stage stays in the record."""
    outside = tmp_path / "outside"
    outside.mkdir()
    trick = f"rm -rf out && ln -s {outside} out"
    made = project(evaluation=scored(f"mkdir -p .aider_fsm; {trick}"), artifacts=OUT)
    result = made.evaluate(repair_iters=0)
    assert result.verdict == "unscored"
    assert result.findings[0].code == "evidence_link"
    assert names(outside) == []
    record = json.loads((result.run_dir / "record.json").read_bytes())
    assert [(stage["stage"], len(stage["commands"])) for stage in record["stages"]] == [("evaluation", 1)]
