"""What is said about a run as a whole, beyond what its stages say."""

from __future__ import annotations

import os

from runner_env.contract.model import StageName
from runner_env.core import Finding, Verdict, Where
from runner_env.errors import RunnerEnvError
from runner_env.pipeline.plan import EVALUATION
from runner_env.pipeline.values import StageStatus
from runner_env.runs.inputs import RunInputs
from runner_env.runs.progress import Progress
from runner_env.targets.inside import shown
from runner_env.text.masking import looks_secret

_NAMED = 10
_NO_PROOF = frozenset({StageName.BOOTSTRAP, StageName.ACTIONS, StageName.DEPLOY_TEARDOWN})


def declared(inputs: RunInputs) -> frozenset[StageName]:
    """The stages that the contract files declare."""
    files = {StageName.BOOTSTRAP: "bootstrap.yml", StageName.ACTIONS: "actions.yml"}
    folder = inputs.checkout.root / ".aider_fsm"
    # A link that leads nowhere is declared too: loading it says what is wrong with it.
    beside = {stage for stage, name in files.items() if os.path.lexists(folder / name)}
    return frozenset(beside | set(inputs.contract.stages))


def notes(inputs: RunInputs) -> list[Finding]:
    """What the caller should know although nothing is wrong."""
    found = list(inputs.contract.notes)
    requested, given = set(inputs.contract.security.secrets), set(inputs.options.pass_env)
    where = Where(inputs.contract.file)
    for name in sorted(requested - given):
        message = f"The contract asks for the secret {name}, and it was not granted."
        found.append(
            Finding("secret_not_granted", message, where, f"Grant it with --pass-env {name}.", verdict=Verdict.PASSED)
        )
    for name in filter(looks_secret, sorted(given - requested)):
        message = f"pass_env names {name}, which looks like a secret, and the contract does not ask for it."
        hint = f"Name {name} under `security.secrets` if a stage needs it."
        found.append(Finding("secret_not_requested", message, where, hint, verdict=Verdict.PASSED))
    for name in sorted(given - set(inputs.settings.environ)):
        message = f"pass_env names {name}, which is not set."
        found.append(Finding("variable_not_set", message, hint="Set it, or leave it out.", verdict=Verdict.PASSED))
    if inputs.checkout.revision.kind == "unknown":
        message = "Which revision this is cannot be told: git cannot read the repository's .git."
        hint = "Mend the repository, or clone it again."
        found.append(Finding("revision_unknown", message, hint=hint, verdict=Verdict.PASSED))
    return found


def missing(inputs: RunInputs, progress: Progress, *, scored: bool) -> list[Finding]:
    """Doubts about a run in which nothing went wrong: nothing ran, or there is no score."""
    contract, spec = Where(inputs.contract.file), inputs.contract.evaluation_metrics
    section = spec.where if spec else contract
    ran = {item.stage for item in progress.plan if item.status is StageStatus.RUN} - _NO_PROOF
    if not ran:
        what = "an evaluation" if scored else "any stage that rollout() runs"
        hint = "Declare one; `runner-env init` writes an example." if scored else "Call evaluate() alone."
        message = f"Nothing ran: the contract does not declare {what}."
        return [Finding("nothing_ran", message, section, hint, verdict=Verdict.UNSCORED)]
    measured = StageName.BENCHMARK in ran and (spec is None or spec.path is None)
    if scored and StageName.EVALUATION not in ran and not measured:
        message = "No evaluation ran: the contract declares no commands for it."
        hint = "Add `evaluation.run_cmds`."
        return [Finding("evaluation_not_declared", message, section, hint, (), Verdict.UNSCORED, "evaluation")]
    if not scored and progress.called.require_samples and StageName.ROLLOUT not in ran:
        message = "Samples are required, and the contract declares no rollout."
        return [Finding("rollout_not_declared", message, contract, "Add `rollout.run_cmds`.", stage="rollout")]
    if scored and inputs.options.require_metrics and progress.artifacts.metrics is None:
        message = "Metrics are required, and the contract declares no `metrics_path`."
        hint = "Declare `evaluation.metrics_path`, or pass require_metrics=False (--no-require-metrics)."
        return [Finding("metrics_not_declared", message, section, hint, (), Verdict.UNSCORED, "metrics")]
    return []


def unfinished(inputs: RunInputs, progress: Progress) -> list[Finding]:
    """A run that ended before its evaluation proves nothing, however well it went until then."""
    waiting = any(item.stage in EVALUATION and item.status is StageStatus.SKIPPED for item in progress.plan)
    unmeasured = inputs.options.require_metrics and progress.score is None
    if progress.verdict is not Verdict.PASSED or not (waiting or unmeasured):
        return []
    message = "The run ended before its evaluation." if waiting else "The run ended without a score."
    hint = "Call evaluate() after rollout(); only a run with require_metrics=False passes without a score."
    return [Finding("not_evaluated", message, hint=hint, verdict=Verdict.UNSCORED)]


def changed(progress: Progress) -> list[Finding]:
    """Say which files under version control the run changed."""
    if not progress.changed:
        return []
    names = ", ".join(map(shown, progress.changed[:_NAMED]))
    more = f" and {len(progress.changed) - _NAMED} more" if len(progress.changed) > _NAMED else ""
    message = f"The run changed files that git tracks: {names}{more}."
    hint = "Let the stages write to files that git ignores, or run in a clone."
    return [Finding("tracked_files_changed", message, hint=hint, verdict=Verdict.PASSED)]


def unwatched(failure: str) -> Finding:
    """Say that whoever watched saw only a part of the run."""
    message = f"What observed the run failed, and was told nothing more: {failure}"
    return Finding("observer_failed", message, hint="The evidence is whole; mend the observer.", verdict=Verdict.PASSED)


def interrupted(reason: str) -> Finding:
    """What a request to stop makes of the run."""
    message = f"The run was told to stop ({reason})."
    return Finding("interrupted", message, hint="Run it again.", verdict=Verdict.UNSCORED)


def bug(error: BaseException) -> Finding:
    """What an error that nobody foresaw makes of the run, or an exception that means to end the program."""
    if not isinstance(error, Exception):
        return interrupted(type(error).__name__)
    message = f"The runner itself failed: {type(error).__name__}: {error}"
    return Finding("internal_error", message, hint="This is a bug; please report it.", verdict=Verdict.UNSCORED)


def trouble(error: RunnerEnvError | OSError) -> Finding:
    """What trouble of the runner itself makes of the run."""
    if isinstance(error, RunnerEnvError):
        return Finding(error.code, error.message, error.where, error.hint, verdict=Verdict.UNSCORED)
    return Finding("system_error", f"The system refused: {error}", verdict=Verdict.UNSCORED)
