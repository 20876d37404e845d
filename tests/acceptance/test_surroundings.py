"""What surrounds a run: where evidence may lie, and what earlier runs left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.errors import OptionError

Make = Callable[..., Any]


@pytest.mark.parametrize("inside", [".", "state"])
def test_evidence_never_lies_inside_the_target(
    project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    """Architecture, decision 1: a home in the target is refused before anything runs."""
    made = project(evaluation=scored())
    monkeypatch.setenv("RUNNER_ENV_HOME", str(made.root / inside))
    with made.setup() as session, pytest.raises(OptionError, match="inside the target"):
        session.evaluate("a-model")
    assert not made.exists(".aider_fsm/metrics.json")


@pytest.mark.parametrize("bad", ["/", "{root}/pipeline.yml", "{root}/pipeline.yml/below"])
def test_a_folder_that_cannot_be_is_refused_at_once(project: Make, scored: Make, bad: str) -> None:
    """artifacts_dir is checked before anything runs."""
    made = project(evaluation=scored())
    with made.setup() as session, pytest.raises(OptionError, match="artifacts_dir"):
        session.evaluate("a-model", artifacts_dir=bad.format(root=made.root))


def test_what_an_earlier_run_left_is_named(project: Make, scored: Make) -> None:
    """A stale file does not vanish silently: a note says where it is now."""
    made = project(evaluation=scored(command="true"), files={".aider_fsm/metrics.json": '{"ok": true, "score": 1}'})
    result = made.evaluate()
    note = next(finding for finding in result.findings if finding.code == "earlier_output_moved")
    stored = note.message.split(" was moved to ")[1].split(",")[0]
    assert (Path(result.run_dir) / stored).read_text() == '{"ok": true, "score": 1}'
    assert (result.verdict, result.failed_stage) == ("failed", "metrics")


def test_no_note_about_repair_where_nothing_is_to_be_repaired(project: Make) -> None:
    """An unscored run is not the contract's fault."""
    codes = [finding.code for finding in project(tests={"cmds": ["true"]}).evaluate().findings]
    assert "repair_unavailable" not in codes


def test_what_cannot_be_started_blames_nobody(project: Make, scored: Make) -> None:
    """A variable that is too large for the system is no fault of the target: unscored, tried once."""
    made = project(tests={"cmds": ["true"], "retries": 3}, evaluation=scored())
    result = made.evaluate(env_overrides={"BIG": "x" * 200_000})
    assert (result.verdict, result.failed_stage) == ("unscored", "tests")
    assert result.findings[0].code == "command_not_started"
    assert len(result.verify.tests.results) == 1


def test_a_revision_that_cannot_be_told_is_said(project: Make, scored: Make) -> None:
    """A broken repository is run all the same, and the record does not pretend that there is none."""
    result = project(evaluation=scored(), files={".git": "gitdir: nowhere"}).evaluate()
    assert (result.ok, [finding.code for finding in result.findings]) == (True, ["revision_unknown"])
