"""What `skill validate` prints."""

from __future__ import annotations

import json

from runner_env.reporting.skill_validation import validation_json, validation_lines
from runner_env.skills.validation import SkillFinding, ValidationReport

BAD = ValidationReport(valid=False, findings=(SkillFinding("a", "no name"),), warnings=(SkillFinding("b", "long"),))


def test_lines() -> None:
    """Findings and warnings go to standard error, that all is well to standard output."""
    assert validation_lines(BAD) == ("", "INVALID  a: no name\nWARNING  b: long\n")
    fine = ValidationReport(valid=True, findings=())
    assert validation_lines(fine) == ("OK    all skill definitions valid\n", "")


def test_json() -> None:
    """The object is that of the reference tool; warnings are there only if there are any."""
    assert json.loads(validation_json(BAD)) == {
        "valid": False,
        "findings": [{"skill": "a", "message": "no name"}],
        "warnings": [{"skill": "b", "message": "long"}],
    }
    assert json.loads(validation_json(ValidationReport(valid=True, findings=()))) == {"valid": True, "findings": []}
