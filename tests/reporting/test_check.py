"""The report of the contract lint."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from runner_env.core import Finding, Verdict, Where
from runner_env.reporting.check import CheckReport, check_schema, render_check
from runner_env.reporting.json import json_text

_ERROR = Finding("bad_value", "`version` must be 1.", Where("pipeline.yml", 1, 10), "Write 1.")
_NOTE = Finding("no_teardown", "No teardown.", Where("pipeline.yml", 3, 1), verdict=Verdict.PASSED)
_DOUBT = Finding("unreadable", "Cannot be read.", verdict=Verdict.UNSCORED)


@pytest.mark.parametrize(
    ("findings", "ok", "last"),
    [
        ((), True, "p.yml: no errors"),
        ((_NOTE,), True, "p.yml: 1 note"),
        ((_NOTE, _ERROR), False, "p.yml: 1 error, 1 note"),
        ((_ERROR, _DOUBT), False, "p.yml: 2 errors"),
    ],
)
def test_verdict(findings: tuple[Finding, ...], ok: bool, last: str) -> None:
    """Notes alone leave a contract good; an error or a doubt does not. The last line counts both."""
    report = CheckReport.of("t", "p.yml", findings)
    assert report.ok is ok
    assert render_check(report).splitlines()[-1] == last


def test_like_a_compiler() -> None:
    """A finding is one line that editors can jump from, its hint below."""
    lines = render_check(CheckReport.of("t", "pipeline.yml", (_ERROR, _NOTE))).splitlines()
    assert lines[:3] == [
        "pipeline.yml:1:10: error: `version` must be 1. [bad_value]",
        "    hint: Write 1.",
        "pipeline.yml:3:1: note: No teardown. [no_teardown]",
    ]


def test_json_round_trip() -> None:
    """The JSON object reads back as the same value, and its schema names its format."""
    report = CheckReport.of("t", "p.yml", (_ERROR, _NOTE))
    assert TypeAdapter(CheckReport).validate_json(json_text(report)) == report
    assert check_schema()["$id"] == report.format
