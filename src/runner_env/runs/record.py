"""What is written down about a run as a whole: how it begins, and its record."""

from __future__ import annotations

import hashlib
import platform
import sys
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from runner_env.core import Verdict
from runner_env.formats import record as r
from runner_env.formats.canonical import canonical
from runner_env.formats.plain import plain
from runner_env.pipeline.values import CommandRun, StageRun
from runner_env.runs.inputs import RunInputs

if TYPE_CHECKING:
    from runner_env.runs.run import Run


@cache
def versions() -> dict[str, str]:
    """What ran the run."""
    return {
        "runner_env": version("runner-env"),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
    }


def opening(run: Run) -> dict[str, Any]:
    """What the journal says first."""
    return {
        "run_id": run.run_id,
        "target": run.inputs.target,
        "workspace": str(run.inputs.checkout.root),
        "revision": plain(_revision(run.inputs)),
        "contract": plain(_contract(run.inputs)),
        "model": plain(_model(run)),
        "options": plain(run.inputs.options),
        "versions": versions(),
    }


def write_record(run: Run) -> None:
    """Write `record.json` and end the journal with the verdict."""
    run.run_dir.journal.append(
        "run_ended",
        verdict=run.progress.verdict,
        findings=plain(run.progress.findings),
        plan=plain(run.progress.plan.items),
    )
    run.run_dir.store_bytes("record.json", canonical(plain(record(run))) + b"\n")


def record(run: Run) -> r.RunRecord:
    """The run as one value."""
    progress, inputs, journal = run.progress, run.inputs, run.run_dir.journal
    metrics = progress.artifacts.metrics
    score = (metrics or {}).get("score")
    passed = progress.verdict is Verdict.PASSED
    return r.RunRecord(
        run_id=run.run_id,
        target=inputs.target,
        verdict=progress.verdict,
        ok=passed,
        score=float(score) if passed and score is not None else None,
        failed_stage=progress.failed_stage,
        findings=progress.all_findings,
        metrics=metrics,
        usage=progress.artifacts.usage,
        plan=tuple(
            r.PlanRecord(item.stage.value, item.status.value, item.reason, item.ok, item.duration_s)
            for item in progress.plan
        ),
        stages=tuple(_stage(stage.run) for stage in progress.stages),
        claims=tuple(r.ClaimRecord(**asdict(claim)) for claim in progress.artifacts.claims),
        changed_tracked=progress.changed,
        revision=_revision(inputs),
        contract=_contract(inputs),
        model=_model(run),
        mode=progress.called.mode,
        options=_options(run),
        versions=versions(),
        sandbox=run.box.level,
        started_at=run.started_at,
        ended_at=inputs.ambient.timestamp(),
        duration_s=inputs.ambient.monotonic() - run.started,
        workspace=str(inputs.checkout.root),
        run_dir=str(run.run_dir.path),
        artifacts_dir=str(progress.artifacts_dir),
        journal_head=journal.head,
        journal_entries=journal.entries,
    )


def _options(run: Run) -> dict[str, Any]:
    called = plain(run.progress.called)
    assert isinstance(called, dict)
    names = sorted(run.progress.called.env_overrides)
    return {"setup": plain(run.inputs.options), "call": {**called, "env_overrides": names}}


def _revision(inputs: RunInputs) -> r.RevisionRecord:
    revision = inputs.checkout.revision
    return r.RevisionRecord(
        inputs.checkout.source, revision.kind, revision.commit, revision.ref, revision.dirty, revision.url
    )


def _contract(inputs: RunInputs) -> r.ContractRecord:
    bootstrap = inputs.checkout.root / ".aider_fsm" / "bootstrap.yml"
    digest = hashlib.sha256(bootstrap.read_bytes()).hexdigest() if bootstrap.is_file() else None
    return r.ContractRecord(inputs.contract.file, inputs.contract.sha256, digest)


def _model(run: Run) -> r.ModelRecord | None:
    model = run.model
    if model is None:
        return None
    return r.ModelRecord(model.kind.value, model.name, str(model.path) if model.path else None)


def _stage(run: StageRun) -> r.StageRecord:
    commands = tuple(_command(command) for command in run.commands)
    return r.StageRecord(run.stage.value, run.ok, run.started_at, run.duration_s, run.ended, run.kept, commands)


def _command(run: CommandRun) -> r.CommandRecord:
    return r.CommandRecord(
        run.number, run.attempt, run.command.text, str(run.command.where), run.outcome, run.stdout, run.stderr
    )
