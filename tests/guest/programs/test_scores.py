"""Only a score that was really computed is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner_env.guest.programs.building import candidates, failed_to_build
from runner_env.guest.programs.scores import Files, printed_score, score_in


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("pass@1: 0.25", 0.25), ("accuracy = 81.5%", 0.815), ("Final accuracy: 81.5", 0.815), ("score 0.5", 0.5),
        ("| accuracy | 0.75 |", 0.75), ('{"score": 0.5}', 0.5), ("pass@1: 0.1\npass@1: 0.2", 0.2),
        ("{'pass@1': np.float64(0.5)}", 0.5), ("score: 50%", 0.5), ("accuracy: 1.0", 1.0),
    ],
)  # fmt: skip
def test_a_printed_score_is_read(text: str, score: float) -> None:
    """B090: name, sign and number on one line; percentages as shares; the last one counts."""
    found = printed_score(text)
    assert found is not None
    assert found.value == pytest.approx(score)


@pytest.mark.parametrize(
    "text",
    [
        "", "done", "score: 7", "score threshold 0.5", "baseline accuracy: 0.9", "accuracy: 120%", "score: nan",
        "scoreboard 0.5", "underscore: 0.5", "score.py 1.0.0", "accuracy: -0.5", "random accuracy 0.25",
    ],
)  # fmt: skip
def test_other_numbers_are_no_score(text: str) -> None:
    """Thresholds, baselines, counts, versions and numbers out of range are none."""
    assert printed_score(text) is None


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ({"score": 0.5}, 0.5), ({"results": {"task": {"accuracy": 62.5}}}, 0.625), ({"pass@1": 0.1, "score": 0.9}, 0.1),
        ({"score": True}, None), ({"score": float("nan")}, None), ({"score": "1"}, None), ({"score": 7}, None),
        ({"ok": False, "score": 1.0}, None), ({}, None),
    ],
)  # fmt: skip
def test_a_metrics_object_is_read(value: dict[str, Any], score: float | None) -> None:
    """A finite number from 0 to 1, or a percentage where the name is that of a share; none if `ok` is false."""
    assert score_in(value) == score


def test_only_a_fresh_file_counts(tmp_path: Path) -> None:
    """B067's rule for hints: a file that was there before, unchanged, says nothing about this run."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "results.json").write_text('{"score": 1.0}')
    files = Files("evaluate --output-dir out --metrics m.json", [tmp_path], tmp_path)
    assert files.score() is None
    (tmp_path / "m.json").write_text(json.dumps({"score": 0.25}))
    found = files.score()
    assert found is not None
    assert (found.value, found.reason) == (0.25, "metrics_file: m.json")


def test_versions_to_retry_with(tmp_path: Path) -> None:
    """B093: what is asked for, what the repository pins below 3.13, then 3.12 and 3.11."""
    (tmp_path / ".python-version").write_text("3.10.4\n")
    (tmp_path / ".tool-versions").write_text("nodejs 20.1.0\npython 3.13.1\n")
    env = {"AIDER_FSM_HINT_UV_PYTHON_CANDIDATES_JSON": '["3.9"]', "UV_PYTHON": "3.11"}
    assert candidates(env, tmp_path) == ["3.9", "3.11", "3.10.4", "3.12"]
    assert candidates({}, tmp_path / "none") == ["3.12", "3.11"]


def test_only_a_failed_build_is_retried() -> None:
    """A failed wheel with cp313 in the output is one; a failed test is none."""
    assert failed_to_build(b"Failed building wheel for greenlet (cp313)")
    assert not failed_to_build(b"1 failed, cp313")
