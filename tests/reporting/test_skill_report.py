"""The report of a skill run in every format."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from runner_env.reporting.skill_ci import github, junit
from runner_env.reporting.skill_report import render_report, report_json, result_line, usage_text
from runner_env.skills.report import (
    EvalReport,
    MessageReport,
    SkillReport,
    SummaryReport,
    TranscriptReport,
    TrialReport,
    TroubleReport,
    UsageReport,
    as_json,
)

NASTY = 'a\n::error::forged ]]> & "q" \x00\x1b[31m \ufffe %0A'
EVALS = (
    EvalReport("yes", passed=True, detail={"kind": "boolean", "value": True, "expected": True}, reason=""),
    EvalReport("names", passed=False, detail={"kind": "boolean", "value": False, "expected": True}, reason=NASTY),
    EvalReport(
        "warm",
        passed=False,
        detail={"kind": "numeric", "value": 4.0, "threshold": 7.0, "comparator": "gte"},
        reason="cold",
    ),
    EvalReport("not_called: x", passed=False, detail={"kind": "calls", "count": 1, "negated": True}, reason="observed"),
)


def trial(**more: object) -> TrialReport:
    """A trial that failed."""
    values = {
        "case": "c",
        "skill": "s",
        "platform": "p",
        "model": "m",
        "passed": False,
        "turns": 1,
        "evals": EVALS,
        "transcript": TranscriptReport((MessageReport("user", "hi"), MessageReport("assistant", NASTY))),
        "verdict": "failed",
        "origin": "cases/c.yaml:3:1",
    }
    return TrialReport(**{**values, **more})  # type: ignore[arg-type]


UNSCORED = trial(verdict="unscored", error=TroubleReport("auth", "bad key", "auth", "respond"))
REPORT = SkillReport(
    passed=False,
    summary=SummaryReport(1, 2, 0, 1, UsageReport(40, 8, 0.05), 1, 0.5),
    runs=(trial(), UNSCORED),
    verdict="unscored",
    notes=("look here",),
)


def test_json_is_whole_and_without_what_is_unknown() -> None:
    """The pieces are one object, equal to the report; the first keys are those of the reference tool, in its order."""
    value = json.loads("".join(report_json(REPORT)))
    assert value == as_json(REPORT)
    assert list(value)[:3] == ["passed", "summary", "runs"]
    assert list(value["runs"][0])[:8] == [
        "case", "skill", "platform", "model", "passed", "turns", "evals", "transcript",
    ]  # fmt: skip
    assert "usage" not in value["runs"][0]
    assert value["runs"][0]["evals"][0]["passed"] is True


def test_json_without_trials_or_extras() -> None:
    """The smallest report is an object too."""
    empty = SkillReport(passed=True, summary=SummaryReport(0, 0, 0, 0), runs=())
    assert json.loads("".join(report_json(empty))) == as_json(empty)
    assert json.loads("".join(result_line(empty))) == {"type": "result", "report": as_json(empty)}


def test_the_stream_ends_with_one_line() -> None:
    """Whatever was said, the result is one line."""
    line = "".join(result_line(REPORT))
    assert line.count("\n") == 1
    assert json.loads(line)["report"] == as_json(REPORT)


def test_human_lines() -> None:
    """A trial in a line, below it what did not pass; nothing that a terminal would obey."""
    text = "".join(render_report(REPORT))
    assert "FAIL  c [p/m]\n" in text
    assert "      - warm: 4 >= 7 (cold)\n" in text
    assert "      - names: false (expected true) (" in text
    assert "      - not_called: x: 1 call (expected none) (observed)\n" in text
    assert "UNSCORED  c [p/m]\n      ! respond: bad key [auth]\n" in text
    assert "0/2 runs passed, 1 unscored\n" in text
    assert "usage: $0.0500, 40 in / 8 out tokens\n" in text
    assert "note: look here\n" in text
    assert "\x1b" not in text
    assert "yes:" not in text


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        (UsageReport(5, None, None), "5 input tokens"),
        (UsageReport(None, 5, 0.5), "$0.5000, 5 output tokens"),
        (UsageReport(0, 0, None), "0 in / 0 out tokens"),
        (None, ""),
    ],
)
def test_usage_names_what_is_known(usage: UsageReport | None, text: str) -> None:
    """A part that nobody reported is left out, zero is not."""
    assert usage_text(usage) == text


def test_junit_is_well_formed() -> None:
    """One case each: a failure with the transcript, an error for what is unscored."""
    root = ET.fromstring("".join(junit(REPORT)))
    [failed, unscored] = root.iter("testcase")
    assert failed.find("failure") is not None
    assert (failed.get("file"), unscored.find("error") is not None) == ("cases/c.yaml", True)
    assert (root.get("failures"), root.get("errors")) == ("1", "1")


def test_github_annotations_cannot_be_forged() -> None:
    """Each trial that did not pass is one annotation; what was said stays data."""
    lines = "".join(github(REPORT)).splitlines()
    assert lines[0].startswith("::error file=cases/c.yaml,line=3,title=c [p/m]::names")
    assert lines[1].startswith("::warning file=cases/c.yaml,line=3,title=c [p/m]::bad key")
    assert lines[2].startswith("::stop-commands::")
    assert [line for line in lines if line.startswith("::error")] == lines[:1]
    assert "%250A" in lines[0]
