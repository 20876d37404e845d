"""Errors as a person reads them, and as the one object that `--json` prints: format `runner-env/error@1` (our own)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from runner_env.core import Finding, Where
from runner_env.errors import ContractError, RunnerEnvError
from runner_env.reporting.findings import compiler_lines, render_findings
from runner_env.reporting.style import Style

FORMAT: Final = "runner-env/error@1"


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """Why there is no run record.

    Attributes:
        code: stable identifier.
        message: what happened.
        where: the place in a file, if there is one.
        hint: what to do about it.
        findings: every problem of a contract that cannot be used; otherwise empty.
    """

    code: str
    message: str
    where: Where | None = None
    hint: str | None = None
    findings: tuple[Finding, ...] = ()
    format: Literal["runner-env/error@1"] = field(default=FORMAT)


def error_report(error: RunnerEnvError) -> ErrorReport:
    """The error as a value that can be printed as JSON."""
    findings = error.findings if isinstance(error, ContractError) else ()
    return ErrorReport(error.code, error.message, error.where, error.hint, findings)


def render_error(report: ErrorReport, *, colour: bool = False) -> str:
    """The error for a person: every finding of a contract, otherwise place, message, code and hint."""
    if report.findings:
        return render_findings(report.findings, colour=colour)
    lines = compiler_lines(report.message, report.code, report.where, report.hint, style=Style(colour))
    first = lines[0] if report.where else f"runner-env: {lines[0]}"
    return "".join(f"{line}\n" for line in (first, *lines[1:]))


def error_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an error."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(ErrorReport).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}
