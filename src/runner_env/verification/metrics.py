"""Whether the metrics are there, of this run, and numbers that can be believed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.core import Finding, Verdict
from runner_env.targets.inside import shown
from runner_env.verification.intake import Artifact, take_object
from runner_env.verification.model import Verified
from runner_env.verification.strict_json import clipped, json_type

if TYPE_CHECKING:
    from runner_env.contract.model import MetricsSpec
    from runner_env.verification.model import Context

_STAGE = "metrics"


def check_metrics(
    ctx: Context,
    spec: MetricsSpec | None,
    stage: str,
    required: bool,
) -> Verified:
    """Take in and judge the metrics file of one stage.

    Args:
        ctx: where, since when.
        spec: what the contract promises; None if the contract has no such stage.
        stage: `evaluation` or `benchmark`, the one that just ran.
        required: whether a run without a score cannot pass.

    Returns:
        Every problem as a finding of stage `metrics`; `value` is the object whenever it could be read.

    Raises:
        EvidenceError: the run directory would not take it.
    """
    if spec is None or spec.path is None:
        return Verified(findings=_undeclared(spec, stage) if required else ())
    artifact = Artifact(
        name="metrics.json",
        made_by=stage,
        stage=_STAGE,
        path=spec.path,
        missing="metrics_missing",
        stale="metrics_stale",
        not_object="metrics_json_not_object",
    )
    taken = take_object(ctx, artifact)
    if taken.value is None:
        return taken
    return replace(taken, findings=tuple(_judge(taken.value, spec, artifact, required=required)))


def _undeclared(spec: MetricsSpec | None, stage: str) -> tuple[Finding, ...]:
    finding = Finding(
        "metrics_not_declared",
        f"Metrics are required, but the contract has no `{stage}.metrics_path`.",
        where=spec.where if spec else None,
        hint=f"add `metrics_path: .aider_fsm/metrics.json` under `{stage}` and write the score there",
        verdict=Verdict.UNSCORED,
        stage=_STAGE,
    )
    return (finding,)


def _judge(value: dict[str, object], spec: MetricsSpec, artifact: Artifact, *, required: bool) -> Iterator[Finding]:
    missing = [key for key in dict.fromkeys(spec.required_keys) if key not in value]
    if missing:
        keys = ", ".join(f"`{shown(key)}`" for key in missing)
        hint = f"write them, or take them out of `{artifact.made_by}.required_keys`"
        yield artifact.finding("metrics_missing_keys", f"Missing keys: {keys}.", hint=hint)
    if (required or "ok" in spec.required_keys) and "ok" not in missing and value.get("ok") is not True:
        was = f"is {_described(value['ok'])}" if "ok" in value else "is absent"
        hint = "write `true` (not 1, not a string) once a real score was produced"
        yield artifact.finding("metrics_ok_not_true", f"`ok` {was}; it must be the boolean true.", hint=hint)
    if "score" in value:
        yield from _judge_score(value["score"], spec, artifact)
    elif required and "score" not in missing:
        hint = "write `score`, a number"
        finding = artifact.finding("score_missing", "Metrics are required, but there is no `score`.", hint=hint)
        yield replace(finding, verdict=Verdict.UNSCORED)


def _judge_score(score: object, spec: MetricsSpec, artifact: Artifact) -> Iterator[Finding]:
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        hint = 'write a plain JSON number, as in {"score": 0.5}'
        yield artifact.finding("score_not_a_number", f"`score` is {_described(score)}, not a number.", hint=hint)
        return
    low, high = spec.score_range
    minus_zero = score == 0 and math.copysign(1, score) < 0 <= low
    if minus_zero or not low <= score <= high:
        why = ", a negative zero" if minus_zero else ""
        hint = f"write the score as a fraction, or declare the scale: `{artifact.made_by}.score_range: [0, 100]`"
        message = f"`score` is {clipped(score)}{why}; the contract's `score_range` is {low:g} to {high:g}."
        yield artifact.finding("score_out_of_range", message, hint=hint)


def _described(value: object) -> str:
    return "null" if value is None else f"{json_type(value)} ({_as_json(value)})"


def _as_json(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else clipped(value)
