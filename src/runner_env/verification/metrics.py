"""Whether the metrics are there, of this run, and numbers that can be believed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_env.core import Finding, Verdict
from runner_env.targets.inside import shown
from runner_env.verification.intake import Artifact, take_document
from runner_env.verification.model import Verified
from runner_env.verification.strict_json import clipped, described, place_of

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
    taken, data = take_document(ctx, artifact)
    if taken.value is None:
        return taken
    judged = _Metrics(taken.value, data, spec, artifact)
    return replace(taken, findings=tuple(judged.findings(required=required)))


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


@dataclass(frozen=True, slots=True)
class _Metrics:
    """A metrics object that could be read."""

    value: dict[str, object]
    data: bytes
    spec: MetricsSpec
    artifact: Artifact

    def findings(self, *, required: bool) -> Iterator[Finding]:
        value, keys = self.value, self.spec.required_keys
        missing = [key for key in dict.fromkeys(keys) if key not in value]
        if missing:
            names = ", ".join(f"`{shown(key)}`" for key in missing)
            hint = f"write them, or take them out of `{self.artifact.made_by}.required_keys`"
            yield self.artifact.finding("metrics_missing_keys", f"Missing keys: {names}.", hint=hint)
        if (required or "ok" in keys) and "ok" not in missing and value.get("ok") is not True:
            was = f"is {described(value['ok'])}" if "ok" in value else "is absent"
            hint = "write `true` (not 1, not a string) once a real score was produced"
            yield self._about("ok", "metrics_ok_not_true", f"`ok` {was}; it must be the boolean true.", hint)
        if "score" in value:
            yield from self._score(value["score"])
        elif required and "score" not in missing:
            hint = "write `score`, a number"
            finding = self.artifact.finding(
                "score_missing", "Metrics are required, but there is no `score`.", hint=hint
            )
            yield replace(finding, verdict=Verdict.UNSCORED)

    def _score(self, score: object) -> Iterator[Finding]:
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            hint = 'write a plain JSON number, as in {"score": 0.5}'
            yield self._about("score", "score_not_a_number", f"`score` is {described(score)}, not a number.", hint)
            return
        low, high = self.spec.score_range
        minus_zero = score == 0 and math.copysign(1, score) < 0 <= low
        if minus_zero or not low <= score <= high:
            why = ", a negative zero" if minus_zero else ""
            message = f"`score` is {clipped(score)}{why}; the contract's `score_range` is {low:g} to {high:g}."
            scale = f"`{self.artifact.made_by}.score_range: [0, 100]`"
            hint = "write 0" if minus_zero else f"write the score as a fraction, or declare the scale: {scale}"
            yield self._about("score", "score_out_of_range", message, hint)

    def _about(self, key: str, code: str, message: str, hint: str) -> Finding:
        line, column = place_of(self.data, key) or (None, None)
        return self.artifact.finding(code, message, hint=hint, line=line, column=column)
