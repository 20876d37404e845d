"""Going on with a run that was lost: the same run, one more attempt at what it did not finish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner_env.contract.model import MetricsSpec, StageName
from runner_env.core import Finding, Verdict
from runner_env.errors import RunError
from runner_env.evidence.rundir import RunDir
from runner_env.formats.record import SEAL
from runner_env.formats.sandbox import EVENT
from runner_env.formats.skill import KIND
from runner_env.pipeline.plan import BEFORE_EVALUATION, EVALUATION
from runner_env.runs.carried import Finished, finished_stages, skipped_stages
from runner_env.runs.continuing import Continued, carried_progress, object_of
from runner_env.runs.history import History, seal_of
from runner_env.runs.inputs import Observer, RunInputs
from runner_env.runs.options import CallOptions
from runner_env.runs.reopened import (
    refuse_changed_claim,
    refuse_changed_file,
    refuse_missing,
    stored_call,
    stored_inputs,
    stored_model,
)
from runner_env.runs.run import Run
from runner_env.runs.signals import INTERRUPTION
from runner_env.settings import Settings
from runner_env.verification import Claim
from runner_env.verification.model import ROLLOUT_PATH, RUNTIME_ENV_PATH

AGAIN: tuple[StageName, ...] = (StageName.AUTH, StageName.DEPLOY_SETUP, StageName.DEPLOY_HEALTH)
"""Run again if a later stage is due: what they started was lost with the box."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller gives to a run that goes on.

    Attributes:
        pass_env: the variables that are granted, by name.
        env_overrides: variables for every stage.
        observer: sees every event.
    """

    pass_env: tuple[str, ...] = ()
    env_overrides: Mapping[str, str] = field(default_factory=dict)
    observer: Observer | None = None


def resume_run(run_dir: Path, settings: Settings, given: Given | None = None) -> None:
    """Go on with the run in `run_dir` until it has its record.

    Stages that ended are not run again, except for auth and deploy where a later one is due; a stage that was cut is
    run from its start. What a finished stage handed in must be as it was recorded.

    Args:
        run_dir: the directory of a run that was lost.
        settings: today's surroundings.
        given: what the run needs and nobody wrote down.

    Raises:
        RunError: it is over or going on, its inputs are not what they were, or something it was given is missing.
        WorkspaceBusy: another run holds its workspace.
        EvidenceError: its journal is not as it was written, or no evidence can be written.
    """
    given = given or Given()
    if RunDir.is_live(run_dir):
        raise RunError("run_live", f"Run {run_dir.name} is still going on.", hint="Wait until it ends, or stop it.")
    history = History.read(run_dir)
    if history.opening.get("kind") == KIND:
        hint = f"`runner-env skill run --resume {history.run_id}` goes on with it."
        raise RunError("skill_run", f"Run {history.run_id} is a skill run.", hint=hint)
    if history.sealed:
        raise RunError("run_over", f"Run {history.run_id} is over.", hint="`runner-env run` begins another.")
    if seal_orphan(history):
        return
    inputs = stored_inputs(history, settings, given.pass_env, given.observer)
    call = stored_call(history, given.env_overrides)
    inputs.check(call)
    finished, due = work_left(history, inputs)
    if due:
        refuse_missing(history, inputs, call)
    _refuse_changes(history, inputs, finished)
    _continue(history, inputs, call, finished, due)


def seal_orphan(history: History) -> bool:
    """Complete a run that was killed between its record and the seal on it; returns whether that was so."""
    record = history.orphan_record()
    if record is None:
        return False
    with RunDir.reopen(history.path, history.attempts) as run_dir:
        run_dir.journal.append(SEAL, sha256=seal_of(record))
    return True


def work_left(history: History, inputs: RunInputs) -> tuple[dict[StageName, Finished], tuple[StageName, ...]]:
    """The stages whose results stand, and those to run now, in order.

    Raises:
        RunError: `resume_services_lost`.
    """
    declared = history.declared
    finished, skipped = finished_stages(history), skipped_stages(history)
    if not history.torn_down:
        finished.pop(StageName.DEPLOY_TEARDOWN, None)
    failed = any(not one.run.ok for stage, one in finished.items() if stage is not StageName.DEPLOY_TEARDOWN)
    order: list[StageName] = [stage for stage in (*BEFORE_EVALUATION, *EVALUATION) if stage in declared]
    open_ones = [stage for stage in order if stage not in finished and stage not in skipped]
    actions = inputs.checkout.root / ".aider_fsm" / "actions.yml"
    if StageName.ACTIONS in open_ones and not actions.exists() and any(history.of("actions_started")):
        open_ones.remove(StageName.ACTIONS)  # the file goes away once all of it is done
    if failed or not open_ones:
        return finished, ()
    last = order.index(open_ones[-1])
    due = tuple(stage for at, stage in enumerate(order) if stage in open_ones or (stage in AGAIN and at < last))
    kept = finished.get(StageName.ACTIONS)
    if kept is not None and kept.run.kept:
        message = "Services that actions.yml started were lost with the run, and the actions are not repeated."
        hint = "Run it again from the start; let deploy.setup start services."
        raise RunError("resume_services_lost", message, hint=hint)
    rerun = {*due, StageName.DEPLOY_TEARDOWN}
    return {stage: one for stage, one in finished.items() if stage not in rerun}, due


def claim_path(inputs: RunInputs, stage: StageName, claim: Claim, samples: str) -> str:
    """Where in the workspace a claim was found; `samples` is what the rollout says of its samples."""
    if claim.name == "samples.jsonl":
        return samples
    if claim.name == "rollout.json":
        return ROLLOUT_PATH
    if claim.name == "runtime_env.json":
        return RUNTIME_ENV_PATH
    return _metrics(inputs, stage).path or ""


def _metrics(inputs: RunInputs, stage: StageName) -> MetricsSpec:
    contract = inputs.contract
    spec = contract.evaluation_metrics if stage is StageName.EVALUATION else contract.benchmark_metrics
    assert spec is not None  # the contract is the one under which the claim was taken in
    return spec


def _refuse_changes(history: History, inputs: RunInputs, finished: Mapping[StageName, Finished]) -> None:
    for stage, one in finished.items():
        for command in one.run.commands:
            for capture in (command.stdout, command.stderr):
                if capture.sha256 and capture.error is None:
                    path = history.path / capture.reference
                    refuse_changed_file(path, capture.sha256, f"The evidence {capture.reference}")
        rollout = next((c for c in one.claims if c.name == "rollout.json"), None)
        told = object_of(history, inputs, rollout, ROLLOUT_PATH) if rollout else {}
        samples = str((told.get("paths") or {}).get("samples_jsonl", ""))
        for claim in one.claims:
            refuse_changed_claim(history, inputs, claim, claim_path(inputs, stage, claim, samples))


def _continue(
    history: History,
    inputs: RunInputs,
    call: CallOptions,
    finished: Mapping[StageName, Finished],
    due: tuple[StageName, ...],
) -> None:
    progress = carried_progress(history, inputs, finished)
    progress.called = call
    progress.findings.append(_resumed(history, due))
    continued = Continued.of(history, progress, "run_resumed", carried=sorted(finished), due=list(due))
    scored = bool({*EVALUATION} & {*due, *finished}) or any(call["kind"] != "rollout" for call in history.calls)
    with INTERRUPTION:
        run = Run(inputs, stored_model(history), continued)
        INTERRUPTION.watch(run.stop)
        try:
            if INTERRUPTION.received:
                run.stop(INTERRUPTION.received)
            run.recall_bootstrap()
            run.perform("resumed", call, due)
            run.progress.findings += _otherwise_contained(history, run)
            if not run.cancel.is_set:
                run.conclude(scored=scored)
        finally:
            try:
                run.finish()
            finally:
                INTERRUPTION.unwatch(run.stop)


def _otherwise_contained(history: History, run: Run) -> list[Finding]:
    """A note if what is carried over ran at another level than the rest."""
    before = [str(entry.data["level"]) for entry in history.of(EVENT)]
    now = run.progress.sandbox.level if run.progress.sandbox else ""
    others = sorted({level for level in before if now and level != now})
    if not others:
        return []
    message = f"Earlier attempts at this run ran at sandbox {', '.join(others)}, this one at {now}."
    hint = "Each attempt's sandbox.json says what held."
    return [Finding("sandbox_changed", message, hint=hint, verdict=Verdict.PASSED)]


def _resumed(history: History, due: tuple[StageName, ...]) -> Finding:
    where = f" in {history.stood_at}" if history.stood_at else ""
    what = f"; run in this attempt: {', '.join(due)}" if due else "; every stage had ended"
    message = f"The run was lost{where} and resumed{what}."
    hint = "The journal tells each attempt; what was cut is not counted."
    return Finding("resumed", message, hint=hint, verdict=Verdict.PASSED)
