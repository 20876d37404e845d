"""What is written down about a run as a whole: how it begins, and its record."""

from __future__ import annotations

import hashlib
import platform
import sys
from dataclasses import asdict, fields, replace
from functools import cache
from importlib.metadata import version
from typing import Any

from runner_env.core import ModelRef, Verdict
from runner_env.formats import record as r
from runner_env.formats.canonical import canonical
from runner_env.formats.plain import plain
from runner_env.formats.record import SEAL
from runner_env.pipeline.plan import Plan
from runner_env.pipeline.values import CommandRun, StageRun
from runner_env.runs.context import RunContext
from runner_env.runs.inputs import RunInputs
from runner_env.runs.options import CallOptions
from runner_env.targets.address import without_credentials


@cache
def versions() -> dict[str, str]:
    """What ran the run."""
    return {
        "runner_env": version("runner-env"),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
    }


def opening(run_id: str, inputs: RunInputs, model: ModelRef | None, plan: Plan) -> dict[str, Any]:
    """What the journal says first."""
    return {
        "run_id": run_id,
        "target": inputs.target,
        "workspace": str(inputs.checkout.root),
        "revision": plain(_revision(inputs)),
        "contract": plain(contract_record(inputs)),
        "model": plain(_model(model)),
        "options": _setup_options(inputs),
        "versions": versions(),
        "declared": [item.stage.value for item in plan],
    }


def call_begun(run: RunContext, kind: str) -> dict[str, Any]:
    """What the journal says when a call begins."""
    progress = run.progress
    return {
        "kind": kind,
        "sandbox": run.box.level,
        "options": _call_options(progress.called),
        "artifacts_dir": str(progress.artifacts_dir),
        "findings": plain(progress.findings),
    }


def state(run: RunContext) -> dict[str, Any]:
    """What the journal says at the end of a call and of the run."""
    progress = run.progress
    return {
        "verdict": progress.verdict,
        "score": progress.score,
        "failed_stage": progress.failed_stage,
        "findings": plain(progress.all_findings),
        "plan": plain(progress.plan.items),
        "usage": plain(progress.artifacts.usage),
        "changed_tracked": list(progress.changed),
    }


def write_record(run: RunContext) -> None:
    """Write `record.json`; the journal says the verdict before it, and the record's hash after it."""
    run.run_dir.journal.append("run_ended", **state(run))
    stored = run.run_dir.store_bytes("record.json", canonical(plain(record(run))) + b"\n")
    run.run_dir.journal.append(SEAL, sha256=stored.sha256)


def record(run: RunContext) -> r.RunRecord:
    """The run as one value."""
    progress, inputs, journal = run.progress, run.inputs, run.run_dir.journal
    return r.RunRecord(
        run_id=run.run_id,
        target=inputs.target,
        verdict=progress.verdict,
        ok=progress.verdict is Verdict.PASSED,
        score=progress.score,
        failed_stage=progress.failed_stage,
        findings=progress.all_findings,
        metrics=progress.artifacts.metrics,
        usage=progress.artifacts.usage,
        plan=tuple(
            r.PlanRecord(item.stage.value, item.status.value, item.reason, item.ok, item.duration_s)
            for item in progress.plan
        ),
        stages=tuple(_stage(stage.run) for stage in progress.stages),
        claims=tuple(r.ClaimRecord(**asdict(claim)) for claim in progress.artifacts.claims),
        changed_tracked=progress.changed,
        revision=_revision(inputs),
        contract=run.contract,
        model=_model(run.model),
        mode=progress.called.mode,
        options={"setup": _setup_options(inputs), "call": _call_options(progress.called)},
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


def contract_record(inputs: RunInputs) -> r.ContractRecord:
    """The contract files as they are now."""
    try:
        bootstrap = (inputs.checkout.root / ".aider_fsm" / "bootstrap.yml").read_bytes()
    except OSError:  # not there, or of no use: then the stage says so
        return r.ContractRecord(inputs.contract.file, inputs.contract.sha256, None)
    return r.ContractRecord(inputs.contract.file, inputs.contract.sha256, hashlib.sha256(bootstrap).hexdigest())


def _setup_options(inputs: RunInputs) -> object:
    options = inputs.options
    return plain(replace(options, agent=replace(options.agent, url=without_credentials(options.agent.url))))


def _call_options(called: CallOptions) -> dict[str, Any]:
    """Of variables only the names: a value may be anything."""
    values = {field.name: plain(getattr(called, field.name)) for field in fields(called)}
    return {**values, "env_overrides": sorted(called.env_overrides)}


def _revision(inputs: RunInputs) -> r.RevisionRecord:
    revision = inputs.checkout.revision
    return r.RevisionRecord(
        inputs.checkout.source, revision.kind, revision.commit, revision.ref, revision.dirty, revision.url
    )


def _model(model: ModelRef | None) -> r.ModelRecord | None:
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
