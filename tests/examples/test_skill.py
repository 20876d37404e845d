"""The example of a skill: valid, passing without a model, and a target."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import runner_env
from runner_env.settings import Settings
from runner_env.skills import describe_failures, run_skill
from runner_env.skills.config import ConfigSources, load_config
from runner_env.skills.validation import validate_skills

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "skill"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "skill"))


def test_it_is_valid(example: Path) -> None:
    """It keeps to the whole specification of skills."""
    assert validate_skills(["skills"], example, strict=True).valid


def test_it_passes_without_a_model(example: Path) -> None:
    """Every case passes with the scripted provider."""
    report = run_skill("cases", cwd=example)
    assert report.passed, describe_failures(report)
    assert [trial.case for trial in report.runs] == ["asks", "breaking", "fix"]


def test_its_real_config_can_be_used(example: Path) -> None:
    """The config for a real agent program is read without a mistake."""
    config = load_config(ConfigSources(environ=Settings.from_environ().environ, cwd=example, file="real.yaml"))
    assert (config.repeat, config.platforms) == (3, ("claude-code",))


def test_it_is_a_target(example: Path) -> None:
    """Opened as a target it leaves samples and scores 1."""
    with runner_env.setup(example) as session:
        assert session.rollout(llm="m", require_samples=True).ok
        result = session.evaluate()
    assert (result.ok, result.score) == (True, 1.0)
    samples = Path(json.loads((example / ".aider_fsm" / "rollout.json").read_text())["paths"]["samples_jsonl"])
    assert len(samples.read_text().splitlines()) == 3
