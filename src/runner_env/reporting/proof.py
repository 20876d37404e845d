"""What `runner-env verify` says: format `runner-env/proof@1` (our own), and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from runner_env.core import Finding, Verdict
from runner_env.formats.record import RunRecord
from runner_env.reporting.findings import render_findings
from runner_env.reporting.style import Style

FORMAT: Final = "runner-env/proof@1"


@dataclass(frozen=True, slots=True)
class ProofReport:
    """Whether a stored run is still what was recorded.

    Attributes:
        run_dir: the run's directory.
        ok: whether the proof holds.
        verdict: what the record says; None if it cannot be read.
        score: what the record says.
        entries: lines of the journal.
        files: captures and artifacts whose hash is right.
        findings: what is not as it was recorded.
    """

    run_dir: str
    ok: bool
    verdict: Verdict | None
    score: float | None
    entries: int
    files: int
    findings: tuple[Finding, ...]
    format: Literal["runner-env/proof@1"] = field(default=FORMAT)

    @classmethod
    def of(
        cls, run_dir: Path, record: RunRecord | None, entries: int, files: int, findings: tuple[Finding, ...]
    ) -> ProofReport:
        """Put together what was found."""
        verdict, score = (record.verdict, record.score) if record else (None, None)
        return cls(str(run_dir), not findings, verdict, score, entries, files, findings)


def render_proof(report: ProofReport, *, colour: bool = False) -> str:
    """Whether the proof holds, and what it proves; otherwise what is wrong, one line each."""
    style = Style(colour)
    if not report.ok:
        head = style.big_verdict("BROKEN", Verdict.FAILED)
        return f"{render_findings(report.findings, colour=colour)}{head}  do not rely on this run\n"
    score = "" if report.score is None else f", score {report.score:.6g}"
    head = style.big_verdict("HOLDS", Verdict.PASSED)
    return (
        f"{head}  the recorded verdict is {report.verdict}{score}\n"
        f"checked {report.entries} journal lines, the record and {report.files} files\n"
    )


def proof_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a proof."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(ProofReport).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}
