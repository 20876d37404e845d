"""What `skill validate` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.skills.validation import SkillFinding, ValidationReport


def validation_json(report: ValidationReport) -> str:
    """The report as one JSON object, in the format of the reference tool; `warnings` only if there are any."""
    value = {"valid": report.valid, "findings": [_object(finding) for finding in report.findings]}
    if report.warnings:
        value["warnings"] = [_object(finding) for finding in report.warnings]
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def validation_lines(report: ValidationReport) -> tuple[str, str]:
    """The report for a person: what goes to standard output, what to standard error."""
    invalid = "".join(f"INVALID  {f.skill}: {f.message}\n" for f in report.findings)
    warnings = "".join(f"WARNING  {f.skill}: {f.message}\n" for f in report.warnings)
    return ("OK    all skill definitions valid\n" if report.valid else ""), invalid + warnings


def _object(finding: SkillFinding) -> dict[str, str]:
    return {"skill": finding.skill, "message": finding.message}
