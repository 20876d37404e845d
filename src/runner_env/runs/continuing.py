"""What a further attempt at a run begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner_env.contract.model import StageName
from runner_env.core import Ambient
from runner_env.errors import RunError
from runner_env.evidence.rundir import RunDir
from runner_env.pipeline.checks import Artifacts
from runner_env.pipeline.hiding import hidden, secrets_in
from runner_env.pipeline.plan import Plan
from runner_env.pipeline.stage import RunningStage
from runner_env.runs import conclusion
from runner_env.runs.carried import Finished, asides, skipped_stages
from runner_env.runs.history import History
from runner_env.runs.inputs import Observer, RunInputs
from runner_env.runs.progress import Progress
from runner_env.runs.reopened import claimed_bytes
from runner_env.runs.written import read_written
from runner_env.text.masking import Masker
from runner_env.verification import Claim, claimed_usage
from runner_env.verification.model import ROLLOUT_PATH, RUNTIME_ENV_PATH
from runner_env.verification.strict_json import JsonTrouble, parse_document


@dataclass(frozen=True, slots=True)
class Continued:
    """A run that is opened again.

    Attributes:
        path: its directory.
        entries: how many the journal had when it was read.
        attempt: the number of this attempt, from 2.
        progress: what it had come to.
        event: what the journal says first: `run_resumed` or `tidying_started`.
        opening: with these data.
        started_at: when the run began, RFC 3339, UTC.
    """

    path: Path
    entries: int
    attempt: int
    progress: Progress
    event: str
    opening: Mapping[str, Any]
    started_at: str

    @classmethod
    def of(cls, history: History, progress: Progress, event: str, **opening: object) -> Continued:
        """The next attempt at the run of `history`."""
        attempt = history.attempts + 1
        at, entries = history.entries[0].at, len(history.entries)
        return cls(history.path, entries, attempt, progress, event, {"attempt": attempt, **opening}, at)

    def open(self, ambient: Ambient, observer: Observer | None) -> RunDir:
        """Open the run's directory for the attempt.

        Raises:
            RunError: `run_live`: somebody holds it, or has gone on with it.
            EvidenceError: as `RunDir.reopen`.
        """
        run_dir = RunDir.reopen(self.path, self.attempt, ambient=ambient, observer=observer)
        if run_dir.journal.entries != self.entries:
            run_dir.close()
            raise RunError("run_live", f"Somebody else has gone on with run {self.path.name} meanwhile.")
        return run_dir


def carried_progress(history: History, inputs: RunInputs, finished: Mapping[StageName, Finished]) -> Progress:
    """What the run had come to by its finished stages.

    Raises:
        RunError: `resume_changed`: a file that a stage handed in is gone, or is not what it was.
    """
    plan = Plan(history.declared)
    progress = Progress(plan, _artifacts(history, inputs, finished))
    for one in finished.values():
        plan.ran(one.run)
        progress.stages.append(RunningStage(one.run))
    for stage, reason in skipped_stages(history).items():
        plan.skip(stage, reason)
    told = [Path(call["artifacts_dir"]) for call in history.calls]
    progress.artifacts_dir = told[-1] if told else Path()
    progress.findings += conclusion.notes(inputs)
    progress.written += read_written(history.opening.get("written"))
    return progress


def _artifacts(history: History, inputs: RunInputs, finished: Mapping[StageName, Finished]) -> Artifacts:
    claims = {(stage, claim.name): claim for stage, one in finished.items() for claim in one.claims}
    artifacts = Artifacts(claims=list(claims.values()), aside_of=asides(history))
    contract = inputs.contract
    masker = Masker(secrets_in(inputs.settings.environ, contract.security.secrets))
    if claim := claims.get((StageName.DEPLOY_SETUP, "runtime_env.json")):
        artifacts.runtime = object_of(history, inputs, claim, RUNTIME_ENV_PATH)
    if claim := claims.get((StageName.ROLLOUT, "rollout.json")):
        artifacts.rollout = object_of(history, inputs, claim, ROLLOUT_PATH)
        artifacts.usage = claimed_usage(artifacts.rollout)
    for stage, spec in (
        (StageName.EVALUATION, contract.evaluation_metrics),
        (StageName.BENCHMARK, contract.benchmark_metrics),
    ):
        claim = claims.get((stage, "metrics.json"))
        if claim and spec and spec.path and finished[stage].run.ok:
            value = hidden(masker, object_of(history, inputs, claim, spec.path))
            setattr(artifacts, stage.value, value)
    return artifacts


def object_of(history: History, inputs: RunInputs, claim: Claim, path: str) -> dict[str, Any]:
    """The JSON object in a file that was taken in; its copy if there is one, else the file itself.

    Returns:
        The object; an empty one if it was found unusable when it was taken in.

    Raises:
        RunError: `resume_changed`: it is gone, or not what was judged any more.
    """
    try:
        data = claimed_bytes(history, inputs.checkout.root, claim, path)
        value = parse_document(data)
    except JsonTrouble:
        return {}
    return value if isinstance(value, dict) else {}
