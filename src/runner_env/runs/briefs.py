"""What an agent is told of a run that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_env.authoring.brief import FailedRun
from runner_env.core import Ending, Verdict
from runner_env.runs.outputs import ends

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.core import Capture
    from runner_env.pipeline.values import CommandRun
    from runner_env.runs.run import Run

_HEAD_BYTES, _TAIL_BYTES = 4_000, 12_000


def failed_run(run: Run) -> FailedRun:
    """The failure as the run's evidence has it, secrets masked: where, which command, and what that wrote."""
    progress, run_dir = run.progress, run.run_dir.path
    findings = tuple(sorted(progress.all_findings, key=lambda one: one.verdict is Verdict.PASSED))
    command = _decisive(run)
    stage = progress.failed_stage or ""
    if command is None:
        return FailedRun(stage, findings=findings)
    return FailedRun(
        stage=stage,
        command=command.command.text,
        exit_code=command.outcome.exit_code,
        ending=command.outcome.ending.value,
        stdout=_span(run_dir, command.stdout),
        stderr=_span(run_dir, command.stderr),
        findings=findings,
    )


def told_by(run: Run) -> dict[str, Any]:
    """What a run says of the task, as fields of a brief: which samples and which model."""
    called, model = run.progress.called, run.context.model
    return {
        "require_samples": called.require_samples,
        "llm_kind": model.kind.value if model else "",
        "llm_model": model.name if model else "",
        "mode": called.mode,
    }


def _span(run_dir: Path, capture: Capture) -> str:
    """What a command wrote to one stream: all, or the beginning and the end with a line between them."""
    first, last, between = ends(run_dir / capture.reference, _HEAD_BYTES, _TAIL_BYTES)
    if not between:
        return (first + last).decode("utf-8", "replace")
    left = capture.total_bytes - _HEAD_BYTES - _TAIL_BYTES
    return f"{first.decode('utf-8', 'replace')}\n[… {left} bytes …]\n{last.decode('utf-8', 'replace')}"


def _decisive(run: Run) -> CommandRun | None:
    """The command that the first finding against the run is about: the last one of its stage, or of the last stage."""
    stages = [stage.run for stage in run.progress.stages if stage.run.commands]
    named = [stage for stage in stages if stage.stage.value == run.progress.failed_stage]
    chosen = (named or stages)[-1:]
    if not chosen:
        return None
    bad = [one for one in chosen[0].commands if one.outcome.ending is not Ending.EXITED or one.outcome.exit_code]
    return (bad or list(chosen[0].commands))[-1]
