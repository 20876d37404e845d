"""What a run takes over from an earlier one: its directory, the trials that stand, the transcripts to judge again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.core import Usage, UsageSource
from runner_env.errors import RunError
from runner_env.evidence.rundir import RunDir
from runner_env.skills.budget import Cost
from runner_env.skills.digest import changes
from runner_env.skills.stored import StoredRun, conversation_of, load_trial
from runner_env.skills.totals import Brief

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.core import Ambient
    from runner_env.skills.budget import Budget
    from runner_env.skills.conversation import Conversation
    from runner_env.skills.plan import Plan, Trial
    from runner_env.skills.recording import Recorder


def run_dir_for(runs_dir: Path, ambient: Ambient, resumed: StoredRun | None) -> RunDir:
    """The directory to record in: that of a run that was lost, opened again, or else a new one.

    A run that is over stays as it was recorded; what is taken over from it is copied.

    Raises:
        EvidenceError: it cannot be written.
    """
    if resumed is None or resumed.over:
        return RunDir.create(runs_dir, ambient.new_run_id(), ambient=ambient)
    return RunDir.reopen(resumed.path, resumed.attempts + 1, ambient=ambient)


def refuse_changes(resumed: StoredRun, plan: Plan) -> None:
    """Hold the plan against the run that is to go on.

    Raises:
        RunError: `resume_changed`: it is another plan, so its trials could not be counted together.
    """
    if changed := changes(resumed.opening, plan):
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        message = f"Since run {resumed.path.name} was begun, {', '.join(changed[:3])}{more} changed."
        hint = "Give the same cases and settings again, or begin a new run; --rejudge judges with changed evals."
        raise RunError("resume_changed", message, hint=hint)


def carry(resumed: StoredRun, plan: Plan, recorder: Recorder, budget: Budget) -> dict[int, Brief]:
    """The trials that were scored, by their index in the plan; what they consumed counts against the budget."""
    carried: dict[int, Brief] = {}
    for index, trial in enumerate(plan.trials):
        found = resumed.scored(trial.id)
        if found is None:
            continue
        entry, data = found
        stored = load_trial(entry.kept)
        usages = [(_usage(call["usage"]), str(call["model"])) for call in stored.calls]
        cost = sum((budget.priced(usage, model) for usage, model in usages), Cost())
        usage = Usage.total(usage for usage, _ in usages)
        budget.spend(usage, cost)
        kept = entry.kept
        if kept.run_dir != recorder.run_dir.path:
            kept = recorder.keep_bytes(index + 1, trial.id, data, verdict=entry.verdict, carried_from=resumed.path.name)
        carried[index] = Brief(entry.verdict, kept, usage, cost)
    return carried


def transcript_of(earlier: StoredRun, trial: Trial) -> Conversation:
    """The conversation of a trial, to be judged again.

    Raises:
        RunError: `no_transcript`: there is none that came to its end.
        EvidenceError: it is not as it was recorded.
    """
    entry = earlier.trials.get(trial.id)
    stored = load_trial(entry.kept) if entry else None
    if stored is None or not stored.complete:
        message = f"run {earlier.path.name} has no whole conversation of this trial"
        raise RunError("no_transcript", message, hint="Run it with --resume first.")
    return conversation_of(stored.report)


def _usage(value: dict[str, object] | None) -> Usage | None:
    if value is None:
        return None
    usage = Usage(**value)  # type: ignore[arg-type]  # as this room wrote it, and its hash is right
    return replace(usage, source=UsageSource(usage.source))
