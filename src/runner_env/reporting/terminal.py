"""A run as a person reads it: the verdict first, then what was run, what was found, and where the proof is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.core import Verdict
from runner_env.reporting.authoring import authoring_line
from runner_env.reporting.evidence import last_lines, last_merged_lines
from runner_env.reporting.findings import compiler_lines
from runner_env.reporting.records import RECORD
from runner_env.reporting.sandbox import observed_line, sandbox_line
from runner_env.reporting.style import Style
from runner_env.reporting.words import one_line, seconds, usage_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner_env.core import Finding
    from runner_env.formats.record import PlanRecord, RunRecord

_COUNTS = (("k", "attempted"), ("passed", "total"), ("correct", "total"), ("correct", "samples"))
"""Pairs of metric keys that together say how many of how many."""

_MOST_FINDINGS = 20
_MOST_METRICS = 16
_MOST_SPANS = 4
_MOST_PATHS = 5
_LABEL = 10


def render(record: RunRecord, *, colour: bool = False) -> str:
    """The whole report.

    Args:
        record: the run; the output shown below a finding is read from its run directory.
        colour: whether to add terminal colours.
    """
    style = Style(colour)
    sections = (
        [_headline(record, style)],
        _facts(record),
        _section("plan", _plan(record.plan, style), style),
        _section("findings", _findings(record, style), style),
        _section("metrics", _metrics(record.metrics or {}), style),
        _section("proof", _proof(record), style),
    )
    return "\n".join("".join(f"{line.rstrip()}\n" for line in lines) for lines in sections if lines)


def _headline(record: RunRecord, style: Style) -> str:
    head = style.big_verdict(record.verdict.value.upper(), record.verdict)
    if record.score is not None:
        return f"{head}  {style.bold(f'score {record.score:.6g}')}{_of(record.metrics or {})}"
    first = next((found for found in record.findings if found.verdict is not Verdict.PASSED), None)
    stage = f"  in {one_line(record.failed_stage)}" if record.failed_stage else ""
    return f"{head}{stage}{f'  [{first.code}]' if first else ''}"


def _of(metrics: Mapping[str, Any]) -> str:
    counts = metrics.get("counts")
    for source in (metrics, counts if isinstance(counts, dict) else {}):
        for part, whole in _COUNTS:
            if _is_count(source.get(part)) and _is_count(source.get(whole)) and source[part] <= source[whole]:
                return f"  ({source[part]} of {source[whole]})"
    return ""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _facts(record: RunRecord) -> list[str]:
    revision, model = record.revision, record.model
    commit = f" @ {revision.commit[:12]}" if revision.commit else ""
    ref = f" ({one_line(revision.ref)})" if revision.ref else ""
    dirty = ", with uncommitted changes" if revision.dirty else ""
    usage = usage_words(record.usage)
    return [
        _row("target", f"{one_line(record.target)}{commit}{ref}{dirty}"),
        _row("model", f"{one_line(model.name)} ({model.kind})" if model else "none"),
        _row("mode", record.mode),
        _row("took", f"{seconds(record.duration_s)}, from {record.started_at}"),
        *([_row("usage", usage)] if usage else []),
        *(_row("contract" if number == 0 else "", authoring_line(one)) for number, one in enumerate(record.authoring)),
    ]


def _plan(plan: Iterable[PlanRecord], style: Style) -> list[str]:
    rows = [("stage", "status", "duration", "reason")]
    for item in plan:
        taken = "" if item.duration_s is None else seconds(item.duration_s)
        rows.append((one_line(item.stage), _status(item), taken, one_line(item.reason)))
    if len(rows) == 1:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"  {stage:<{widths[0]}}  {status:<{widths[1]}}  {taken:>{widths[2]}}  {reason}"
        for stage, status, taken, reason in rows
    ]
    return [style.dim(lines[0].rstrip()), *lines[1:]]


def _status(item: PlanRecord) -> str:
    if item.status == "skipped":
        return "skipped"
    return "ok" if item.ok else "not ok"


def _findings(record: RunRecord, style: Style) -> list[str]:
    ordered = sorted(record.findings, key=lambda found: found.verdict is Verdict.PASSED)
    lines: list[str] = []
    for found in ordered[:_MOST_FINDINGS]:
        lines += _finding(found, Path(record.run_dir), style)
    if len(ordered) > _MOST_FINDINGS:
        lines.append(f"… and {len(ordered) - _MOST_FINDINGS} more in {RECORD}")
    return [f"  {line}" for line in lines]


def _finding(found: Finding, run_dir: Path, style: Style) -> Iterator[str]:
    yield from compiler_lines(found.message, found.code, found.where, found.hint, verdict=found.verdict, style=style)
    if merged := last_merged_lines(run_dir, found.evidence):
        yield f"    {style.dim('end of its output:')}"
        yield from (f"      | {line}" for line in merged)
        return
    for span in found.evidence[:_MOST_SPANS]:
        yield f"    {style.dim(f'end of {one_line(span.reference)}:')}"
        yield from (f"      | {line}" for line in last_lines(run_dir, span))


def _metrics(metrics: Mapping[str, Any]) -> list[str]:
    width = max((len(one_line(key, 40)) for key in metrics), default=0)
    lines = [
        f"  {one_line(key, 40):<{width}}  {one_line(json.dumps(value, ensure_ascii=False), 100)}"
        for key, value in list(metrics.items())[:_MOST_METRICS]
    ]
    rest = len(metrics) - _MOST_METRICS
    return [*lines, f"  … and {rest} more in {RECORD}"] if rest > 0 else lines


def _proof(record: RunRecord) -> list[str]:
    changed = [one_line(path) for path in record.changed_tracked[:_MOST_PATHS]]
    rest = len(record.changed_tracked) - len(changed)
    rows = [
        ("run dir", one_line(record.run_dir, 4096)),
        ("journal", f"{record.journal_entries} entries, head {record.journal_head[:16]}"),
        ("record", one_line(str(Path(record.run_dir) / RECORD), 4096)),
        ("published", one_line(record.artifacts_dir, 4096)),
        ("sandbox", sandbox_line(record)),
        *((("observed", seen),) if (seen := observed_line(record)) else ()),
    ]
    if changed:
        rows.append(("changed", f"tracked files: {', '.join(changed)}{f' and {rest} more' if rest else ''}"))
    return [f"  {_row(label, text)}" for label, text in rows]


def _section(title: str, lines: list[str], style: Style) -> list[str]:
    return [style.bold(title), *lines] if lines else []


def _row(label: str, text: str) -> str:
    return f"{label:<{_LABEL}} {text}"
