"""Writing the evidence of a skill run; `runner_env.formats.skill` describes it.

A trial is written to the disk's cache at once and to the disk when the run ends: a killed process loses nothing, and
what a crash of the whole machine takes away is noticed by its hash, and run again.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner_env.core import Verdict
from runner_env.formats import record as record_format
from runner_env.formats.canonical import canonical
from runner_env.formats.plain import plain
from runner_env.formats.skill import KIND, STAGE, TRIAL_EVENT, TRIAL_FORMAT
from runner_env.formats.versions import versions
from runner_env.skills.report import as_json
from runner_env.text.masking import Masker, looks_secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner_env.core import Ambient, Finding, Usage
    from runner_env.evidence.rundir import RunDir, StoredFile
    from runner_env.skills.asking import Call
    from runner_env.skills.plan import Plan, Trial
    from runner_env.skills.trial import TrialResult


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the evidence of a trial is: in which run directory, under which name, with which hash."""

    run_dir: Path
    reference: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the record says of a run that ended."""

    verdict: Verdict
    score: float | None
    findings: tuple[Finding, ...]
    usage: Usage


def masker_for(environ: Mapping[str, str], named: str | None = None) -> Masker:
    """What replaces the secrets of the environment in all that is kept: what looks like one, and what `named` has."""
    return Masker({name: value for name, value in environ.items() if looks_secret(name) or name == named})


class Recorder:
    """Writes the evidence of one attempt at a run.

    Args:
        run_dir: its directory, open for writing.
        masker: what must never be kept.
        ambient: the clock.
    """

    def __init__(self, run_dir: RunDir, masker: Masker, ambient: Ambient) -> None:
        self.run_dir = run_dir
        self.started_at = ambient.timestamp()
        self._masker = masker
        self._ambient = ambient
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long this attempt has lasted."""
        return time.monotonic() - self._begun

    def begin(self, plan: Plan, inputs: Mapping[str, Any], **more: object) -> None:
        """Say what is to be run: at the beginning of a run, or of a further attempt at it."""
        event = "run_started" if self.run_dir.attempt == 1 else "run_resumed"
        self.run_dir.journal.append(event, **self._masked(opening(self.run_dir.run_id, plan, inputs)), **more)

    def keep(self, number: int, trial: Trial, result: TrialResult) -> Kept:
        """Keep what became of a trial.

        Raises:
            EvidenceError: the disk would not take it.
        """
        content = {
            "format": TRIAL_FORMAT,
            "id": trial.id,
            "case_sha256": trial.planned.case.sha256,
            "skill_sha256": trial.planned.skill.sha256,
            "complete": result.complete,
            "report": as_json(result.report),
            "calls": [_call(call) for call in result.log.calls],
        }
        text = self._masker.text(json.dumps(content, ensure_ascii=False, allow_nan=False))
        # half a surrogate pair, which a reply may escape, has no form in UTF-8
        return self.keep_bytes(number, trial.id, text.encode("utf-8", "replace"), verdict=result.verdict)

    def keep_bytes(self, number: int, trial_id: str, data: bytes, *, verdict: Verdict, **more: object) -> Kept:
        """Keep the file of a trial; `number` counts from 1 in the plan. Raises as `keep`."""
        stored = self.run_dir.store_bytes(f"trials/{number:06}.json", data, sync=False)
        self.run_dir.journal.note(
            TRIAL_EVENT,
            trial=trial_id,
            number=number,
            verdict=verdict.value,
            reference=stored.reference,
            sha256=stored.sha256,
            **more,
        )
        return Kept(self.run_dir.path, stored.reference, stored.sha256)

    def conclude(self, plan: Plan, inputs: Mapping[str, Any], conclusion: Conclusion) -> StoredFile:
        """Write the record of the run and seal it. Raises as `keep`."""
        journal = self.run_dir.journal
        journal.append("run_ended", verdict=conclusion.verdict.value, findings=plain(conclusion.findings))
        record = plain(self._record(plan, inputs, conclusion))
        stored = self.run_dir.store_record(canonical(record) + b"\n")
        journal.append(record_format.SEAL, sha256=stored.sha256)
        return stored

    def _masked(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, str):
            return self._masker.text(value)
        if isinstance(value, dict):
            return {key: self._masked(item) for key, item in value.items()}
        return [self._masked(item) for item in value] if isinstance(value, list | tuple) else value

    def _record(self, plan: Plan, inputs: Mapping[str, Any], conclusion: Conclusion) -> record_format.RunRecord:
        said = self._masked(opening(self.run_dir.run_id, plan, inputs))
        passed = conclusion.verdict is Verdict.PASSED
        return record_format.RunRecord(
            run_id=self.run_dir.run_id,
            target=said["target"],
            verdict=conclusion.verdict,
            ok=passed,
            score=conclusion.score,
            failed_stage=None if passed else STAGE,
            findings=conclusion.findings,
            metrics=None,
            usage=conclusion.usage,
            plan=(),
            stages=(),
            claims=(),
            changed_tracked=(),
            revision=record_format.RevisionRecord("path", "none", None, None, None, None),
            contract=record_format.ContractRecord("skilltest.yaml", said["config_sha256"], None),
            model=record_format.ModelRecord(**said["model"]),
            mode="full",
            options={"kind": KIND, "trials": said["trials"]},
            versions=versions(),
            sandbox="none",
            started_at=self.started_at,
            ended_at=self._ambient.timestamp(),
            duration_s=round(self.seconds, 3),
            workspace=said["workspace"],
            run_dir=str(self.run_dir.path),
            artifacts_dir=str(self.run_dir.path),
            journal_head=self.run_dir.journal.head,
            journal_entries=self.run_dir.journal.entries,
        )


def opening(run_id: str, plan: Plan, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the journal says first."""
    from runner_env.skills.digest import case_digests, config_digest

    config = plan.config
    return {
        "kind": KIND,
        "run_id": run_id,
        "target": " ".join(map(str, inputs.get("paths") or ())) or ", ".join(one.key for one in plan.cases[:3]),
        "workspace": str(inputs.get("cwd", "")),
        "model": {"kind": "remote", "name": ", ".join(config.models), "path": None},
        "trials": len(plan.trials),
        "cases": case_digests(plan),
        "config_sha256": config_digest(config),
        "inputs": dict(inputs),
        "versions": versions(),
    }


def _call(call: Call) -> dict[str, Any]:
    value: dict[str, Any] = {
        "op": call.op,
        "model": call.model,
        "begun_at": round(call.begun_at, 3),
        "seconds": round(call.seconds, 3),
        "usage": plain(call.usage),
        "raw": call.raw,
    }
    if call.error is not None:
        value["error"] = {"code": call.error.code, "message": call.error.message}
    return value
