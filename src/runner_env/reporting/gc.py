"""What `runner-env gc` says: format `runner-env/gc@1` (our own), and text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_env.core import Verdict
from runner_env.reporting.findings import render_findings
from runner_env.reporting.style import Style
from runner_env.reporting.words import one_line

if TYPE_CHECKING:
    from runner_env.runs.gc import GcReport


def render_gc(report: GcReport, *, colour: bool = False) -> str:
    """One line for each run and each thing removed, findings below, and what that amounts to."""
    style, lines = Style(colour), list[str]()
    for run in report.runs:
        what = ", ".join(run.did) or ("tidied" if run.ok else "nothing")
        lines.append(f"{run.run_id}  {what}{'' if run.ok else style.verdict('  not done', Verdict.FAILED)}\n")
        lines.append(render_findings(run.findings, colour=colour))
    removed = "would remove" if report.dry_run else "removed"
    lines += [f"{removed} {one_line(path, 4096)}\n" for path in report.removed]
    count = len(report.runs) + len(report.removed)
    if not count:
        return "nothing to do\n"
    return "".join([*lines, "nothing was done: this was --dry-run\n" if report.dry_run else ""])


def gc_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the report."""
    from pydantic import TypeAdapter

    from runner_env.runs.gc import FORMAT, GcReport

    schema = TypeAdapter(GcReport).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}
