"""An open run as those see it who carry it out or write about it."""

from __future__ import annotations

from dataclasses import dataclass

from runner_env.core import ModelRef
from runner_env.evidence.rundir import RunDir
from runner_env.execution import Box
from runner_env.formats.record import ContractRecord
from runner_env.pipeline.checks import Checks
from runner_env.runs.inputs import RunInputs
from runner_env.runs.progress import Progress
from runner_env.runs.scratch import Scratch


@dataclass(frozen=True, slots=True)
class RunContext:
    """An open run.

    Attributes:
        inputs: the opened target.
        model: the model of the run.
        run_id: sorts by time.
        started: when it began, on the monotonic clock.
        started_at: the same, RFC 3339, UTC.
        contract: the contract files as they were then.
        run_dir: where the evidence goes.
        box: where commands run.
        scratch: folders that the run has for itself.
        checks: of what the stages hand in.
        progress: what the run has come to so far.
    """

    inputs: RunInputs
    model: ModelRef | None
    run_id: str
    started: float
    started_at: str
    contract: ContractRecord
    run_dir: RunDir
    box: Box
    scratch: Scratch
    checks: Checks
    progress: Progress
