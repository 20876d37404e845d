"""The report on the machine."""

from __future__ import annotations

from pydantic import TypeAdapter
from syrupy.assertion import SnapshotAssertion

from runner_env.reporting.doctor import DoctorReport, Row, doctor_schema, render_doctor
from runner_env.reporting.json import json_text

_ROWS = (
    Row("python", "ok", "CPython 3.11.7"),
    Row("git", "warn", "not found", "Install git."),
    Row("keeper", "fail", "no /proc\nat all", "Mount it."),
)


def test_only_a_failure_counts() -> None:
    """A warning leaves the machine usable, a failure does not."""
    assert DoctorReport.of(_ROWS[:2]).ok
    assert not DoctorReport.of(_ROWS).ok


def test_text(snapshot: SnapshotAssertion) -> None:
    """One line for each row, aligned, hints below."""
    assert render_doctor(DoctorReport.of(_ROWS)) == snapshot


def test_json_round_trip() -> None:
    """The JSON object reads back as the same value, and its schema names its format."""
    report = DoctorReport.of(_ROWS)
    assert TypeAdapter(DoctorReport).validate_json(json_text(report)) == report
    assert doctor_schema()["$id"] == report.format
