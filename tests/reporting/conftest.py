"""Run records made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Capture, Ending, Finding, Outcome, Span, Usage, UsageSource, Verdict, Where
from runner_env.formats.record import (
    ClaimRecord,
    CommandRecord,
    ContractRecord,
    ModelRecord,
    PlanRecord,
    RevisionRecord,
    RunRecord,
    StageRecord,
)

MakeRecord = Callable[..., RunRecord]
_STDERR = "stages/03_evaluation/evaluation_cmd01_try01_stderr.txt"


@pytest.fixture
def make_record(tmp_path: Path) -> MakeRecord:
    """`make_record(**changes)`: the record of a run that passed, changed as asked; its run directory is `tmp_path`."""
    capture = Capture(_STDERR, 5, 0, 0, "cd" * 32)
    command = CommandRecord(1, 1, "sh eval.sh", "pipeline.yml:9:7", Outcome(Ending.EXITED, 0, 2.25), capture, capture)
    stage = StageRecord(
        stage="evaluation",
        ok=True,
        started_at="2026-11-22T02:14:10.000Z",
        duration_s=2.25,
        ended=0,
        kept=0,
        commands=(command,),
    )
    record = RunRecord(
        run_id="20261122T021400Z-0123456789abcdef",
        target="bench",
        verdict=Verdict.PASSED,
        ok=True,
        score=0.875,
        failed_stage=None,
        findings=(),
        metrics={"ok": True, "score": 0.875, "passed": 7, "total": 8, "by_kind": {"easy": 1.0, "hard": 0.75}},
        usage=Usage(requests=8, input_tokens=3400, output_tokens=1200, source=UsageSource.CLAIMED),
        plan=(
            PlanRecord("bootstrap", "skipped", "unchanged since run 20261121T000000Z-ff", None, None),
            PlanRecord("rollout", "run", "", ok=True, duration_s=10.04),
            PlanRecord("evaluation", "run", "", ok=True, duration_s=2.25),
        ),
        stages=(stage,),
        claims=(ClaimRecord("metrics.json", "claims/metrics.json", 61, "ab" * 32),),
        changed_tracked=(),
        revision=RevisionRecord("path", "git", "3f2a91c04b7d" + "0" * 28, "main", dirty=False, url=None),
        contract=ContractRecord("pipeline.yml", "ef" * 32, None),
        model=ModelRecord("remote", "scripted-1", None),
        mode="smoke",
        options={"setup": {}, "call": {}},
        versions={"runner_env": "0.1.0"},
        sandbox="none",
        started_at="2026-11-22T02:14:00.000Z",
        ended_at="2026-11-22T02:14:12.500Z",
        duration_s=12.5,
        workspace="bench",
        run_dir=str(tmp_path),
        artifacts_dir="bench/.aider_fsm/artifacts/20261122T021400Z-0123456789abcdef/evaluation",
        journal_head="9a" * 32,
        journal_entries=31,
    )
    return lambda **changes: replace(record, **changes)


@pytest.fixture
def failed(make_record: MakeRecord, tmp_path: Path) -> RunRecord:
    """A run whose evaluation command failed; what it wrote is in the run directory."""
    stderr = tmp_path / _STDERR
    stderr.parent.mkdir(parents=True)
    data = b"".join(b"line %d\n" % number for number in range(1, 15)) + b"10%\r55%\r\x1b[31mboom\x1b[0m \xff\n"
    stderr.write_bytes(data)
    finding = Finding(
        "command_failed",
        "`sh eval.sh` ended with exit code 3.",
        Where("pipeline.yml", 9, 7),
        "Its output is in the evidence below.",
        (Span(_STDERR, 0, len(data)),),
        Verdict.FAILED,
        "evaluation",
    )
    note = Finding("repair_unavailable", "The contract was not repaired.", verdict=Verdict.PASSED)
    plan = (
        PlanRecord("rollout", "run", "", ok=True, duration_s=10.04),
        PlanRecord("evaluation", "run", "", ok=False, duration_s=0.031),
        PlanRecord("benchmark", "skipped", "evaluation failed", None, None),
    )
    changes: dict[str, Any] = {
        "verdict": Verdict.FAILED,
        "ok": False,
        "score": None,
        "failed_stage": "evaluation",
        "findings": (note, finding),
        "metrics": None,
        "usage": Usage(),
        "plan": plan,
    }
    return make_record(**changes)


@pytest.fixture
def unscored(make_record: MakeRecord) -> RunRecord:
    """A run that was told to stop, in a changed checkout without a model."""
    finding = Finding(
        "interrupted", "The run was told to stop (SIGTERM).", hint="Run it again.", verdict=Verdict.UNSCORED
    )
    return make_record(
        verdict=Verdict.UNSCORED,
        ok=False,
        score=None,
        findings=(finding,),
        metrics=None,
        usage=Usage(),
        model=None,
        plan=(PlanRecord("evaluation", "skipped", "interrupted", None, None),),
        changed_tracked=tuple(f"src/{name}.py" for name in "abcdefg"),
        revision=RevisionRecord("git", "none", None, None, dirty=None, url=None),
    )
