"""The stages of a skills repository, without the box around them, which tests/acceptance/test_skills_target.py adds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.skills.stages import main

Write = Callable[[str, str], Path]
CASE = "skill: ../skills/greeter\ninput: Greet Ada\nevals: [{type: boolean, criterion: 'Says `Ada`.'}]\n"


@pytest.fixture
def rolled(tmp_path: Path, write: Write, skill_folder: Callable[..., str]) -> Path:
    """A repository whose rollout is done."""
    skill_folder()
    write("cases/a.yaml", CASE)
    write("skilltest.yaml", "provider: {kind: scripted}\nplatforms: [p, q]\n")
    write(".aider_fsm/keep", "")
    out = tmp_path / "out"
    out.mkdir()
    assert main(["rollout"], {"AIDER_FSM_ARTIFACTS_DIR": str(out), "OPENAI_MODEL": "local-model"}, tmp_path) == 0
    return tmp_path


def test_a_served_local_model_goes_by_its_name(rolled: Path) -> None:
    """Where the model is a directory, the trials name the model as it is served."""
    lines = (rolled / "out" / "samples.jsonl").read_text().splitlines()
    assert [json.loads(line)["trial"] for line in lines] == ["a[p/local-model]", "a[q/local-model]"]


def test_a_changed_trial_is_not_counted(rolled: Path) -> None:
    """The evaluation believes the hashes of the run, not the files: a trial that was edited is unscored."""
    (run,) = (rolled / "out" / "skills" / "runs").iterdir()
    file = run / "trials" / "000001.json"
    file.chmod(0o644)
    file.write_text(file.read_text().replace("Greet", "Great"))
    assert main(["evaluation"], {}, rolled) == 0
    metrics = json.loads((rolled / ".aider_fsm" / "metrics.json").read_text())
    assert "score" not in metrics
    assert (metrics["coverage"], metrics["unscored"]) == (0.5, 1)


def test_an_evaluation_needs_a_rollout(rolled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rollout.json without a run, or none at all, is an error and no score."""
    (rolled / ".aider_fsm" / "rollout.json").write_text("{}")
    assert main(["evaluation"], {}, rolled) == 1
    assert "run_not_found" in capsys.readouterr().err
    (rolled / ".aider_fsm" / "rollout.json").unlink()
    assert main(["evaluation"], {}, rolled) == 1
    assert "run_not_found" in capsys.readouterr().err
