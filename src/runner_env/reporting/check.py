"""What `runner-env check` says: format `runner-env/check@1` (our own), and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from runner_env.core import Finding, Verdict
from runner_env.reporting.findings import render_findings

FORMAT: Final = "runner-env/check@1"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the lint found.

    Attributes:
        target: what the caller named.
        file: the contract, relative to the repository.
        ok: whether nothing worse than a note was found.
        findings: in file order.
    """

    target: str
    file: str
    ok: bool
    findings: tuple[Finding, ...]
    format: Literal["runner-env/check@1"] = field(default=FORMAT)

    @classmethod
    def of(cls, target: str, file: str, findings: tuple[Finding, ...]) -> CheckReport:
        """Judge the findings."""
        return cls(target, file, all(found.verdict is Verdict.PASSED for found in findings), findings)


def render_check(report: CheckReport, *, colour: bool = False) -> str:
    """The findings as a compiler prints them, then one line that counts them."""
    notes = sum(found.verdict is Verdict.PASSED for found in report.findings)
    errors = len(report.findings) - notes
    counted = [_count(errors, "error")] if errors or not notes else []
    counted += [_count(notes, "note")] if notes else []
    return f"{render_findings(report.findings, colour=colour)}{report.file}: {', '.join(counted)}\n"


def check_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a check."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(CheckReport).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
