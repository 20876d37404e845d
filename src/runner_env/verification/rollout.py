"""Whether the rollout left what it had to leave: `rollout.json`, and samples that can be read."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.core import Finding, Usage, UsageSource, Verdict, Where
from runner_env.targets.inside import shown
from runner_env.verification.hf_qa import check_questions
from runner_env.verification.intake import Artifact, Unusable, keep, opened, take_object
from runner_env.verification.model import ROLLOUT_PATH, Claim, Verified
from runner_env.verification.samples import SamplesReport, read_samples
from runner_env.verification.strict_json import clipped, described, json_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner_env.verification.model import Context

MAX_KEPT_SAMPLES_BYTES = 256 << 20
MAX_SAMPLES_BYTES = 64 << 30
_STAGE = "rollout"
_ARTIFACT = Artifact(
    name="rollout.json",
    made_by=_STAGE,
    stage=_STAGE,
    path=ROLLOUT_PATH,
    missing="missing_rollout_json",
    stale="rollout_json_stale",
    not_object="rollout_json_not_object",
)


def check_rollout(ctx: Context, require_samples: bool) -> Verified:
    """Take in and judge `.aider_fsm/rollout.json` and the samples file that it names.

    Args:
        ctx: where, since when.
        require_samples: whether both must exist; otherwise they are judged only if they do.

    Returns:
        Every problem as a finding of stage `rollout`; `value` is the object in `rollout.json`.

    Raises:
        EvidenceError: the run directory would not take it.
    """
    taken = take_object(ctx, _ARTIFACT)
    if taken.value is None:
        absent = taken.findings[0].code == _ARTIFACT.missing
        return Verified() if absent and not require_samples else taken
    findings = [*_judge_ok(taken.value), *_judge_counts(taken.value)]
    if any(finding.verdict is Verdict.UNSCORED for finding in findings):
        return replace(taken, findings=tuple(findings))  # without a model there is nothing to say of the samples
    try:
        path = _samples_path(taken.value, required=require_samples)
    except Unusable as unusable:
        return replace(taken, findings=(*findings, unusable.finding))
    if path is None:
        return replace(taken, findings=tuple(findings))
    samples = _take_samples(ctx, path)
    return Verified((*findings, *samples.findings), taken.value, taken.claims + samples.claims, samples.samples)


def claimed_usage(value: Mapping[str, object] | None) -> Usage:
    """The model usage that `rollout.json` claims.

    Args:
        value: the object in `rollout.json`; its `usage` has `input_tokens` or `prompt_tokens`, `output_tokens` or
            `completion_tokens`, `requests`, `cost_usd`, each of them optional.

    Returns:
        Whatever is not a non-negative, finite number (an integral one for counts) is unknown.
    """
    usage = (value or {}).get("usage")
    if not isinstance(usage, dict):
        return Usage()
    claimed = Usage(
        input_tokens=_count(usage.get("input_tokens", usage.get("prompt_tokens"))),
        output_tokens=_count(usage.get("output_tokens", usage.get("completion_tokens"))),
        requests=_count(usage.get("requests")),
        cost_usd=_amount(usage.get("cost_usd")),
        source=UsageSource.CLAIMED,
    )
    return Usage() if claimed == Usage(source=UsageSource.CLAIMED) else claimed


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        amount = float(value)
    except OverflowError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def _count(value: object) -> int | None:
    if isinstance(value, float) and not value.is_integer():
        return None
    return None if _amount(value) is None else int(value)  # type: ignore[call-overload]


def _judge_ok(value: dict[str, object]) -> Iterator[Finding]:
    if value.get("ok", True) is not True:
        message = f"`ok` is {described(value['ok'])}; it must be the boolean true, or absent."
        hint = "write true if the rollout produced samples; where no model answered, leave it out and count the errors"
        yield _ARTIFACT.finding("rollout_ok_not_true", message, hint=hint)


def _judge_counts(value: dict[str, object]) -> Iterator[Finding]:
    counts = value.get("counts")
    if not isinstance(counts, dict):
        return
    errors, samples = _count(counts.get("errors")), _count(counts.get("samples"))
    if errors and samples and errors >= samples:
        message = f"Every sample is an error: errors={errors} samples={samples}."
        hint = "look into the rollout's output: the model endpoint, its key, its limits"
        finding = _ARTIFACT.finding("rollout_counts_all_errors", message, hint=hint)
        yield replace(finding, verdict=Verdict.UNSCORED)
    elif errors:
        message = f"Some attempts failed: errors={errors} samples={samples}; the score leaves them out or counts them."
        hint = "look into the rollout's output, and at how the evaluation counts what is missing"
        finding = _ARTIFACT.finding("rollout_counts_some_errors", message, hint=hint)
        yield replace(finding, verdict=Verdict.PASSED)


def _samples_path(value: dict[str, object], *, required: bool) -> str | None:
    hint = 'write {"paths": {"samples_jsonl": "<file>"}}, relative to the repository'
    paths = value.get("paths")
    if paths is None and not required:
        return None
    if not isinstance(paths, dict):
        what = "is missing" if paths is None else f"is {json_type(paths)}, not an object"
        raise Unusable(_ARTIFACT.finding("rollout_json_missing_paths", f"`paths` {what}.", hint=hint))
    path = paths.get("samples_jsonl")
    if path is None and not required:
        return None
    if not isinstance(path, str) or not path:
        what = "is missing" if path is None else f"is {clipped(path)}, not a path"
        code = "rollout_json_missing_paths_samples_jsonl"
        raise Unusable(_ARTIFACT.finding(code, f"`paths.samples_jsonl` {what}.", hint=hint))
    return path


def _take_samples(ctx: Context, path: str) -> Verified:
    artifact = Artifact("samples.jsonl", _STAGE, _STAGE, path, "samples_jsonl_not_found", "samples_stale")
    report: SamplesReport | None = None
    try:
        with opened(ctx, artifact) as fd:
            report = _read(artifact, fd)
            claim = keep(ctx, artifact, fd, sha256=report.sha256, size=report.bytes, limit=MAX_KEPT_SAMPLES_BYTES)
    except Unusable as unusable:
        return Verified(findings=(unusable.finding,), samples=report)
    findings = tuple(_judge_samples(report, artifact))
    if all(finding.verdict is Verdict.PASSED for finding in findings):
        findings += check_questions(ctx, artifact, report)
    return Verified((*findings, *_not_kept(claim, artifact)), None, (claim,), report)


def _read(artifact: Artifact, fd: int) -> SamplesReport:
    size = os.fstat(fd).st_size
    if size > MAX_SAMPLES_BYTES:
        message = f"The file has {size} bytes, more than {MAX_SAMPLES_BYTES}."
        raise Unusable(artifact.finding("samples_too_large", message, hint="write fewer samples"))
    try:
        return read_samples(fd, size)
    except OSError as error:
        message = f"Reading failed: {error.strerror}."
        raise Unusable(artifact.finding("failed_to_read_samples_jsonl", message)) from error


def _judge_samples(report: SamplesReport, artifact: Artifact) -> Iterator[Finding]:
    if report.lines == 0:
        hint = 'write one {"prompt": …, "completion": …, "reward": …} in each line'
        yield artifact.finding("samples_jsonl_empty", "The samples file has no lines.", hint=hint)
        return
    if report.valid == 0:
        yield _bad_lines(report, artifact, "samples_jsonl_has_no_valid_samples", Verdict.FAILED)
        return
    if report.blank_completions == report.valid:
        message = f"All {report.valid} samples have a blank completion."
        yield artifact.finding("samples_jsonl_all_empty_completions", message, hint="see what the model answered")
    if report.bad:
        merely_blank = report.bad == report.blank_lines
        code, verdict = (
            ("samples_blank_lines", Verdict.PASSED) if merely_blank else ("samples_bad_lines", Verdict.FAILED)
        )
        yield _bad_lines(report, artifact, code, verdict)


def _bad_lines(report: SamplesReport, artifact: Artifact, code: str, verdict: Verdict) -> Finding:
    more = f"; and {report.bad - len(report.bad_lines)} more" if report.bad > len(report.bad_lines) else ""
    return Finding(
        code,
        f"{report.bad} of {report.lines} lines are bad: {'; '.join(map(str, report.bad_lines))}{more}.",
        where=Where(shown(artifact.path), report.bad_lines[0].line),
        hint="a sample is an object with `prompt` and `completion` (strings) and `reward` (a finite number)",
        verdict=verdict,
        stage=_STAGE,
    )


def _not_kept(claim: Claim, artifact: Artifact) -> Iterator[Finding]:
    if claim.reference is None:
        message = f"The samples file has {claim.size} bytes; only its size and SHA-256 were kept."
        yield replace(artifact.finding("samples_not_kept", message), verdict=Verdict.PASSED)
