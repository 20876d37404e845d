"""What `runner-env runs list` says: objects of format `runner-env/run-summary@1` (our own), and text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner_env.core import Verdict
from runner_env.formats.plain import plain
from runner_env.reporting.findings import render_findings
from runner_env.reporting.style import Style
from runner_env.reporting.words import one_line, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.runs.listing import RunSummary

_HEADINGS = ("run", "started", "target", "model", "state", "score", "took or stood at")
_WIDEST = 40


def render_runs(runs: Sequence[RunSummary], *, colour: bool = False) -> str:
    """A table, newest first; what is wrong with a directory stands below it."""
    if not runs:
        return "no runs\n"
    style = Style(colour)
    rows = [_HEADINGS, *map(_row, runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = []
    for number, row in enumerate(rows):
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        if number:
            cells[4] = style.verdict(cells[4], _verdict(runs[number - 1]))
        text = "  ".join(cells).rstrip()
        lines.append(f"{text if number else style.dim(text)}\n")
    problems = (render_findings(run.findings, colour=colour) for run in runs)
    return "".join([*lines, *problems])


def runs_json(runs: Sequence[RunSummary]) -> str:
    """A JSON list; each object says its format first."""
    items = []
    for run in runs:
        fields = plain(run)
        assert isinstance(fields, dict)
        items.append({"format": fields.pop("format"), **fields})
    return json.dumps(items, indent=2, allow_nan=False) + "\n"


def runs_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the list."""
    from pydantic import TypeAdapter

    from runner_env.runs.listing import FORMAT, RunSummary

    schema = TypeAdapter(list[RunSummary]).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}


def _row(run: RunSummary) -> tuple[str, ...]:
    score = "" if run.score is None else f"{run.score:.6g}"
    took = seconds(run.duration_s) if run.duration_s is not None else one_line(run.stage or "", _WIDEST)
    words = (one_line(text or "", _WIDEST) for text in (run.target, run.model))
    return (one_line(run.run_id, 60), (run.started_at or "")[:19], *words, run.state, score, took)


def _verdict(run: RunSummary) -> Verdict:
    known = {"passed": Verdict.PASSED, "running": Verdict.PASSED, "failed": Verdict.FAILED}
    return known.get(run.state, Verdict.UNSCORED)
