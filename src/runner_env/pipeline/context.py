"""What every stage of a run shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner_env.core import Ambient
from runner_env.evidence.publish import Publisher
from runner_env.evidence.rundir import RunDir
from runner_env.execution import Box, Cancel
from runner_env.execution.policy import Policy
from runner_env.pipeline.disk import DiskWatch
from runner_env.pipeline.limits import TimeLimits
from runner_env.pipeline.resources import Resources
from runner_env.text.masking import Masker


@dataclass(frozen=True, slots=True)
class StageContext:
    """What every stage of one run shares.

    Attributes:
        root: the workspace, absolute and resolved.
        box: where commands run.
        cancel: tells the run to stop.
        run_dir: where the evidence goes.
        masker: hides secrets in what is recorded.
        policy: the lint on commands.
        limits: time.
        resources: memory, processes, disk, output, open files.
        disk: watches what the call adds to the disk.
        ambient: clock and identifiers.
        publisher: the copy under `.aider_fsm/artifacts/`.
    """

    root: Path
    box: Box
    cancel: Cancel
    run_dir: RunDir
    masker: Masker
    policy: Policy
    limits: TimeLimits
    resources: Resources
    disk: DiskWatch
    ambient: Ambient
    publisher: Publisher
