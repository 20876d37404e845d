"""What `rollout()` and `evaluate()` return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.contract.model import StageName
from runner_env.core import Capture, Ending, Finding, Usage, Verdict
from runner_env.pipeline.values import CommandRun, PlanItem, StageRun
from runner_env.verification.model import ROLLOUT_PATH

if TYPE_CHECKING:
    from runner_env.runs.run import Run


_STAGES = frozenset(stage.value for stage in StageName)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """One attempt at one command, in the words of the published API.

    Attributes:
        cmd: the command line.
        rc: its exit code, None if it was never known.
        timed_out: whether a time limit ended it.
        duration_s: seconds.
    """

    cmd: str
    rc: int | None
    timed_out: bool
    duration_s: float
    _stdout: Path
    _stderr: Path

    @property
    def stdout(self) -> str:
        """What it wrote to standard output, read from the evidence; bytes that are not UTF-8 are replaced."""
        return self._stdout.read_text("utf-8", errors="replace")

    @property
    def stderr(self) -> str:
        """What it wrote to standard error, read from the evidence; bytes that are not UTF-8 are replaced."""
        return self._stderr.read_text("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class StageResult:
    """One executed stage: `failed_index` points at the attempt in `results` that ended it."""

    ok: bool
    results: tuple[CommandResult, ...]
    failed_index: int | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Verification:
    """All executed stages by name, and what was wrong with the metrics; a stage that did not run is None."""

    ok: bool
    failed_stage: str | None
    stages: Mapping[str, StageResult]
    metrics_path: str | None
    metrics: dict[str, Any] | None
    metrics_errors: tuple[str, ...]

    def __getattr__(self, name: str) -> StageResult | None:
        if name in _STAGES:
            return self.stages.get(name)
        raise AttributeError(name)


@dataclass(frozen=True, slots=True)
class CallResult:
    """What one call amounts to.

    Attributes:
        ok: whether the verdict is `passed`.
        verdict: passed, failed or unscored.
        failed_stage: where it went wrong, if it did.
        findings: everything found out, notes included; the first that is not a note explains the verdict.
        metrics: the metrics that were read, None before an evaluation or where there are none.
        artifacts_dir: the published copy of this call's stages.
        run_dir: the evidence.
        run_id: the run this call belongs to.
        plan: every declared stage: run, or skipped and why.
        usage: of the model.
        duration_s: seconds this call took.
        verify: the stages in the words of the published API.
    """

    ok: bool
    verdict: Verdict
    failed_stage: str | None
    findings: tuple[Finding, ...]
    metrics: dict[str, Any] | None
    artifacts_dir: Path
    run_dir: Path
    run_id: str
    plan: tuple[PlanItem, ...]
    usage: Usage
    duration_s: float
    verify: Verification


@dataclass(frozen=True, slots=True)
class RolloutCallResult(CallResult):
    """The result of `rollout()`. `rollout_path` is the `rollout.json` that was read, if there was one."""

    rollout_path: Path | None = None


@dataclass(frozen=True, slots=True)
class EvaluationCallResult(CallResult):
    """The result of `evaluate()`. `metrics_path` is the metrics file that was read, if there was one."""

    metrics_path: Path | None = None

    @property
    def score(self) -> float | None:
        """The score of a run that passed, None otherwise."""
        score = (self.metrics or {}).get("score") if self.ok else None
        return None if score is None else float(score)


def stage_result(run: StageRun, run_dir: Path) -> StageResult:
    """A stage as the published API shows it."""
    results = tuple(_command_result(command, run_dir) for command in run.commands)
    return StageResult(run.ok, results, run.failed_index, run.duration_s)


def _command_result(run: CommandRun, run_dir: Path) -> CommandResult:
    def stored(capture: Capture) -> Path:
        return run_dir / capture.reference

    outcome = run.outcome
    timed_out = outcome.ending is Ending.TIMED_OUT
    return CommandResult(
        run.command.text, outcome.exit_code, timed_out, outcome.duration_s, stored(run.stdout), stored(run.stderr)
    )


def rollout_result(run: Run, duration_s: float) -> RolloutCallResult:
    """What `rollout()` returns for a run in its present state."""
    read = run.progress.artifacts.rollout is not None
    common = _common(run, duration_s)
    if run.open:
        common["plan"] = run.progress.plan.waiting("waits for evaluate()")
    return RolloutCallResult(**common, rollout_path=run.context.inputs.checkout.root / ROLLOUT_PATH if read else None)


def evaluation_result(run: Run, duration_s: float) -> EvaluationCallResult:
    """What `evaluate()` returns for a finished run."""
    path = _metrics_path(run)
    return EvaluationCallResult(**_common(run, duration_s), metrics_path=Path(path) if path else None)


def _metrics_path(run: Run) -> str | None:
    artifacts, inputs = run.progress.artifacts, run.context.inputs
    contract = inputs.contract
    spec = contract.evaluation_metrics if artifacts.evaluation is not None else contract.benchmark_metrics
    if artifacts.metrics is None or spec is None or spec.path is None:
        return None
    return str(inputs.checkout.root / spec.path)


def _common(run: Run, duration_s: float) -> dict[str, Any]:
    progress = run.progress
    findings, verdict = progress.all_findings, progress.verdict
    stages = {stage.run.stage.value: stage_result(stage.run, run.run_dir.path) for stage in progress.stages}
    errors = tuple(str(f) for f in findings if f.stage == "metrics" and f.verdict is not Verdict.PASSED)
    ok = verdict is Verdict.PASSED
    metrics = progress.artifacts.metrics
    return {
        "ok": ok,
        "verdict": verdict,
        "failed_stage": progress.failed_stage,
        "findings": findings,
        "metrics": metrics,
        "artifacts_dir": progress.artifacts_dir,
        "run_dir": run.run_dir.path,
        "run_id": run.run_id,
        "plan": progress.plan.items,
        "usage": progress.artifacts.usage,
        "duration_s": duration_s,
        "verify": Verification(ok, progress.failed_stage, stages, _metrics_path(run), metrics, errors),
    }
