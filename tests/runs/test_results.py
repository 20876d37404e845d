"""What the calls return."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from runner_env.contract.model import StageName

Make = Callable[..., Any]


def test_every_stage_has_its_name_in_verify(project: Make) -> None:
    """`verify.<stage>` is the stage's result, or None for one that did not run; nothing else is there."""
    verify = project(tests={"cmds": ["true"]}).rollout().verify
    for stage in StageName:
        assert (getattr(verify, stage.value) is None) is (stage is not StageName.TESTS)
    with pytest.raises(AttributeError, match="evalution"):
        _ = verify.evalution


def test_all_attempts_are_results(project: Make) -> None:
    """Retries are results of their own; `failed_index` points at the attempt that ended the stage."""
    flaky = "echo try >> tries; [ $(wc -l < tries) -ge 3 ]"
    made = project(rollout={"run_cmds": [flaky, "sleep 60"], "retries": 2, "timeout_seconds": 1})
    stage = made.rollout(repair_iters=0).verify.rollout
    assert [(run.rc, run.timed_out) for run in stage.results] == [
        (1, False), (1, False), (0, False), (124, True), (124, True), (124, True),
    ]  # fmt: skip
    assert (stage.ok, stage.failed_index) == (False, 5)
    assert stage.duration_s >= sum(run.duration_s for run in stage.results)


def test_output_that_is_no_text_is_readable(project: Make) -> None:
    """Bytes that are not UTF-8 are replaced, never an exception."""
    result = project(rollout={"run_cmds": ["printf 'a\\377b'; printf '\\376' >&2"]}).rollout()
    [run] = result.verify.rollout.results
    assert (run.stdout, run.stderr) == ("a\ufffdb", "\ufffd")


def test_results_are_frozen_and_travel(project: Make, scored: Make) -> None:
    """A result cannot be changed by accident, and can be sent to another process."""
    result = project(evaluation=scored()).evaluate()
    with pytest.raises(FrozenInstanceError):
        result.ok = False
    copy = pickle.loads(pickle.dumps(result))
    assert copy == result
    assert copy.verify.evaluation.results[0].rc == 0


def test_benchmark_metrics_count_where_there_are_no_others(project: Make, scored: Make) -> None:
    """B060: the evaluation's metrics count, the benchmark's only without them; `metrics_path` says which."""
    write = """printf '{"ok": true, "score": 0.25}' > bench.json"""
    benchmark = {"run_cmds": [write], "metrics_path": "bench.json"}
    both = project(evaluation=scored(), benchmark=benchmark).evaluate()
    assert (both.score, both.metrics_path.name) == (0.5, "metrics.json")
    alone = project(evaluation={"run_cmds": ["true"]}, benchmark=benchmark).evaluate()
    assert (alone.score, alone.metrics_path.name) == (0.25, "bench.json")


def test_no_score_without_a_pass(project: Make, scored: Make) -> None:
    """Metrics that were verified are shown, but a run that did not pass has no score."""
    made = project(evaluation=scored(), benchmark={"run_cmds": ["false"]})
    result = made.evaluate(repair_iters=0)
    assert (result.verdict, result.failed_stage) == ("failed", "benchmark")
    assert result.metrics == {"ok": True, "score": 0.5}
    assert result.score is None


def test_evidence_of_a_long_output_points_at_its_end(project: Make) -> None:
    """Spans hold where an output is so long that its middle was left out: they are those of the stored file."""
    fill = "head -c 70000000 /dev/zero | tr '\\0' x; echo; echo the last words; exit 1"
    result = project(rollout={"run_cmds": [fill]}).rollout(repair_iters=0)
    [span] = result.findings[0].evidence
    with (result.run_dir / span.reference).open("rb") as file:
        file.seek(span.start)
        shown = file.read(span.end - span.start)
        assert file.read() == b""
    assert shown.endswith(b"x\nthe last words\n")
