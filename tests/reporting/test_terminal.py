"""The report for a person."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from runner_env.core import Finding, Verdict
from runner_env.formats.record import PlanRecord, RunRecord
from runner_env.reporting.terminal import render

MakeRecord = Callable[..., RunRecord]


def test_passed(make_record: MakeRecord, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """A pass begins with the verdict, the score and its counts, and ends with where the proof is."""
    assert render(make_record()).replace(str(tmp_path), "RUN_DIR") == snapshot


def test_failed(failed: RunRecord, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """A failure names its stage, shows place, hint and the last ten lines that are printable, and puts notes last."""
    assert render(failed).replace(str(tmp_path), "RUN_DIR") == snapshot


def test_unscored(unscored: RunRecord, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """A run without a verdict says so first, shows no score, and lists some of the tracked files it changed."""
    assert render(unscored).replace(str(tmp_path), "RUN_DIR") == snapshot


def test_colour_adds_nothing_but_colour(failed: RunRecord) -> None:
    """Without its colours the coloured report is the plain one, and the plain one has no escapes at all."""
    coloured = render(failed, colour=True)
    assert "\x1b[1;31mFAILED\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(failed)
    assert "\x1b" not in render(failed)


def test_a_failed_run_never_shows_a_score(make_record: MakeRecord) -> None:
    """Metrics of a run that did not pass stay below; its first line has no score."""
    text = render(make_record(verdict=Verdict.FAILED, ok=False, score=None, failed_stage="metrics"))
    assert text.splitlines()[0] == "FAILED  in metrics"


@pytest.mark.parametrize(
    ("metrics", "shown"),
    [
        ({"k": 3, "attempted": 4, "of": 164}, "(3 of 4)"),
        ({"counts": {"correct": 1, "samples": 2}}, "(1 of 2)"),
        ({"passed": 9, "total": 8}, ""),
        ({"passed": True, "total": 8}, ""),
        ({"passed": "7", "total": 8}, ""),
        ({"counts": 3}, ""),
    ],
)
def test_counts(make_record: MakeRecord, metrics: dict[str, object], shown: str) -> None:
    """How many of how many is taken from well-known pairs of whole numbers that make sense, and from nothing else."""
    first = render(make_record(metrics=metrics)).splitlines()[0]
    assert first.removeprefix("PASSED  score 0.875").strip() == shown


def test_hostile_text_is_disarmed(make_record: MakeRecord) -> None:
    """What a target chose cannot move the cursor, forge lines or reorder text: escapes go, the rest is spelled out."""
    evil = "a\x1b[2J\x07\nPASSED  score 1\u202e"
    record = make_record(
        target=evil,
        metrics={evil: evil},
        plan=(PlanRecord(evil, "skipped", evil, None, None),),
        findings=(Finding("c", evil, hint=evil),),
        changed_tracked=(evil,),
    )
    text = render(record)
    assert not set(text) & set("\x1b\x07\u202e")
    assert not [line for line in text.splitlines()[1:] if line.startswith("PASSED")]


def test_many_findings_are_cut(make_record: MakeRecord) -> None:
    """The report stays readable however much was found, and says where the rest is."""
    text = render(make_record(findings=tuple(Finding("c", f"number {n}") for n in range(25))))
    assert "number 19" in text
    assert "number 20" not in text
    assert "… and 5 more in record.json" in text


def test_many_metrics_are_cut(make_record: MakeRecord) -> None:
    """Of many metrics the first ones are shown."""
    text = render(make_record(metrics={f"m{n}": n for n in range(20)}))
    assert "… and 4 more in record.json" in text
