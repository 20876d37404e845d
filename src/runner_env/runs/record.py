"""What is written down about a run as a whole: how it begins, and its record."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, fields, replace
from typing import Any

from runner_env.contract.variables import OPENAI_API_KEY
from runner_env.core import ModelRef, Verdict
from runner_env.formats import record as r
from runner_env.formats.canonical import canonical
from runner_env.formats.plain import plain
from runner_env.formats.record import SEAL
from runner_env.formats.versions import versions
from runner_env.pipeline.environment import granted
from runner_env.pipeline.plan import Plan
from runner_env.pipeline.values import CommandRun, StageRun
from runner_env.runs.context import RunContext
from runner_env.runs.inputs import RunInputs
from runner_env.runs.options import CallOptions
from runner_env.runs.written import keep
from runner_env.targets.address import without_credentials


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
        "written": plain(inputs.written),
    }


def call_begun(run: RunContext, kind: str) -> dict[str, Any]:
    """What the journal says when a call begins."""
    progress, inputs = run.progress, run.inputs
    environ, security = inputs.settings.environ, inputs.contract.security
    return {
        "kind": kind,
        "granted": sorted(granted(environ, inputs.options.pass_env, security.secrets)),
        "api_key": bool(environ.get(OPENAI_API_KEY)),
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
    authoring = keep(run.progress.written, run.run_dir)
    run.run_dir.journal.append("run_ended", **state(run))
    stored = run.run_dir.store_record(canonical(plain(record(run, authoring))) + b"\n")
    run.run_dir.journal.append(SEAL, sha256=stored.sha256)


def record(run: RunContext, authoring: tuple[r.AuthoringRecord, ...]) -> r.RunRecord:
    """The run as one value; `authoring` is how its contract came to be."""
    progress, inputs, journal = run.progress, run.inputs, run.run_dir.journal
    sandbox = progress.sandbox
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
        network=sandbox.network if sandbox else "host",
        fallback_reason=sandbox.fallback_reason if sandbox else "",
        guarantees={name: one["is"] for name, one in sandbox.guarantees.items()} if sandbox else {},
        authoring=authoring,
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
    missing = (command.trace.missing for command in run.commands if command.trace and command.trace.missing)
    unobserved = run.unobserved or next(missing, "")
    return r.StageRecord(
        stage=run.stage.value,
        ok=run.ok,
        started_at=run.started_at,
        duration_s=run.duration_s,
        ended=run.ended,
        kept=run.kept,
        commands=commands,
        observed=not unobserved and bool(commands),
        unobserved=unobserved,
    )


def _command(run: CommandRun) -> r.CommandRecord:
    trace = r.TraceRecord(**asdict(run.trace)) if run.trace else None
    where, text = str(run.command.where), run.command.text
    return r.CommandRecord(run.number, run.attempt, text, where, run.outcome, run.stdout, run.stderr, trace)
