"""What a stage's execution amounts to: values, recorded and handed on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from runner_env.contract.model import CommandSpec, StageName
from runner_env.core import Capture, Ending, Finding, Outcome, Verdict
from runner_env.evidence.rundir import StoredFile
from runner_env.pipeline.tracing import Trace


class StageStatus(StrEnum):
    """Whether a planned stage was executed."""

    RUN = "run"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One declared stage of the plan.

    Attributes:
        stage: its name.
        status: `run` once it was started, `skipped` otherwise.
        reason: why it was skipped, or that it broke off; empty if it ran to an end.
        ok: whether it ran to a good end; None while it has not run.
        duration_s: seconds it took; None while it has not run.
    """

    stage: StageName
    status: StageStatus
    reason: str = ""
    ok: bool | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One attempt at one command.

    Attributes:
        number: position in the stage, from 1.
        attempt: 1 for the first try.
        command: what the contract declares.
        outcome: how it ended.
        stdout: recorded standard output.
        stderr: recorded standard error; what the runner itself had to say ends it.
        trace: which programs it executed; None if that was not observed.
        merged: in which order its output arrived; None while it may still come, and if all is in one stream.
    """

    number: int
    attempt: int
    command: CommandSpec
    outcome: Outcome
    stdout: Capture
    stderr: Capture
    trace: Trace | None = None
    merged: StoredFile | None = None


@dataclass(frozen=True, slots=True)
class StageRun:
    """One stage as it was executed.

    Attributes:
        stage: its name.
        commands: every attempt, in order.
        findings: what went wrong, and notes.
        started_at: RFC 3339, UTC.
        duration_s: seconds on the monotonic clock.
        ended: processes the stage left behind that were ended with it.
        kept: processes that stay until the run ends (services).
        unobserved: why it was not observed which programs the stage executed; empty if it was.
    """

    stage: StageName
    commands: tuple[CommandRun, ...]
    findings: tuple[Finding, ...]
    started_at: str
    duration_s: float
    ended: int = 0
    kept: int = 0
    unobserved: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings."""
        return Verdict.worst(finding.verdict for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the stage."""
        return self.verdict is Verdict.PASSED

    @property
    def failed_index(self) -> int | None:
        """Index into `commands` of the attempt that ended the stage, if one did."""
        last = len(self.commands) - 1
        return last if self.commands and not self.commands[last].outcome.ok and not self.ok else None

    @property
    def cancelled(self) -> bool:
        """Whether the run was told to stop during this stage."""
        return any(run.outcome.ending is Ending.CANCELLED for run in self.commands)

    def having(self, *findings: Finding) -> StageRun:
        """The same stage with more findings."""
        return replace(self, findings=(*self.findings, *findings)) if findings else self
