"""The report of a skill run as JSON and for a person; written piece by piece, because it may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runner_env.core import Verdict
from runner_env.reporting.style import Style
from runner_env.reporting.words import one_line, seconds
from runner_env.skills.report import as_json
from runner_env.skills.values import Comparator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.skills.report import EvalReport, SkillReport, SummaryReport, TrialReport, UsageReport

_WORDS = {"passed": "PASS", "failed": "FAIL", "unscored": "UNSCORED"}
_LONGEST_REASON = 1000
_MOST_CELLS = 50


def report_json(report: SkillReport) -> Iterator[str]:
    """The report as one JSON object, indented, in the field order of the reference tool."""
    head = {"passed": report.passed, "summary": as_json(report.summary)}
    yield _dumped(head).removesuffix("\n}") + ',\n  "runs": ['
    comma = "\n"
    for trial in report.runs:
        yield comma + _indented(_dumped(as_json(trial)), 4)
        comma = ",\n"
    yield "]" if comma == "\n" else "\n  ]"
    rest = _dumped(_rest(report))
    yield "\n}\n" if rest == "{}" else f",{rest.removeprefix('{')}\n"


def result_line(report: SkillReport) -> Iterator[str]:
    """The last line of `json-stream`."""
    yield f'{{"type": "result", "report": {{"passed": {json.dumps(report.passed)}, '
    yield f'"summary": {_compact(as_json(report.summary))}, "runs": ['
    comma = ""
    for trial in report.runs:
        yield comma + _compact(as_json(trial))
        comma = ", "
    rest = _compact(_rest(report)).removeprefix("{").removesuffix("}")
    yield f"]{', ' if rest else ''}{rest}}}}}\n"


def event_line(trial: Mapping[str, str], turn: int, event: object) -> str:
    """One line of `json-stream` for a tool event; `trial` has `case`, `platform` and `model`."""
    return _compact({"type": "event", **trial, "turn": turn, "event": event}) + "\n"


def render_report(report: SkillReport, *, colour: bool = False) -> Iterator[str]:
    """The report for a person: each trial with what did not pass, then the sums."""
    style = Style(colour)
    for trial in report.runs:
        yield from trial_lines(trial, style)
    repeated = [cell for cell in report.cells or () if cell.planned > 1]
    for cell in repeated[:_MOST_CELLS]:
        share = f" ({_share(cell.interval)})" if cell.interval else ""
        label = one_line(f"{cell.case} [{cell.platform}/{cell.model}]")
        unscored = f", {cell.unscored} unscored" if cell.unscored else ""
        yield f"cell  {label}: {cell.passed}/{cell.planned} passed{unscored}{share}\n"
    yield from _sums(report)


def trial_lines(trial: TrialReport, style: Style) -> Iterator[str]:
    """A line for a trial, and one for each of its evals that did not pass."""
    verdict = Verdict(trial.verdict or ("passed" if trial.passed else "failed"))
    yield f"{style.verdict(_WORDS[verdict], verdict)}  {trial_label(trial)}\n"
    if trial.error is not None:
        kind = f" ({trial.error.kind})" if trial.error.kind and trial.error.kind != trial.error.code else ""
        where = f"{trial.error.context}: " if trial.error.context else ""
        yield f"      ! {one_line(where + trial.error.message, _LONGEST_REASON)} [{trial.error.code}]{kind}\n"
    for item in trial.evals:
        if item.passed is False or (item.passed is None and trial.error is None):
            yield f"      - {one_line(eval_text(item), _LONGEST_REASON)}\n"


def trial_label(trial: TrialReport) -> str:
    """`case [platform/model]`, with `#n` for the n-th repetition."""
    again = f" #{trial.repeat}" if trial.repeat and trial.repeat > 1 else ""
    return one_line(f"{trial.case} [{trial.platform}/{trial.model}]{again}", _LONGEST_REASON)


def eval_text(item: EvalReport) -> str:
    """An eval and what became of it: `warm: 4 >= 7 (cold)`."""
    reason = f" ({item.reason})" if item.reason else ""
    return f"{item.label}: {_found(item.detail)}{reason}"


def usage_text(usage: UsageReport | None) -> str:
    """`$0.0500, 40 in / 8 out tokens` or `5 input tokens`; a part that nobody reported is left out."""
    if usage is None:
        return ""
    parts = [] if usage.cost_usd is None else [f"${usage.cost_usd:.4f}"]
    if usage.input_tokens is not None and usage.output_tokens is not None:
        parts.append(f"{usage.input_tokens} in / {usage.output_tokens} out tokens")
    elif usage.input_tokens is not None:
        parts.append(f"{usage.input_tokens} input tokens")
    elif usage.output_tokens is not None:
        parts.append(f"{usage.output_tokens} output tokens")
    return ", ".join(parts)


def summary_text(summary: SummaryReport) -> str:
    """`3/4 runs passed`, with what is unscored and the interval where there is something to say."""
    unscored = f", {summary.unscored} unscored" if summary.unscored else ""
    interval = summary.interval
    scored = "of those scored " if summary.unscored else ""
    share = f" ({scored}{_share(interval)})" if interval and summary.runs > 1 else ""
    return f"{summary.passed}/{summary.runs} runs passed{unscored}{share}"


def _sums(report: SkillReport) -> Iterator[str]:
    yield f"{summary_text(report.summary)}\n"
    if usage := usage_text(report.summary.usage):
        yield f"usage: {usage}\n"
    summary = report.summary
    if summary.cost_usd is not None and (summary.usage is None or summary.usage.cost_usd != summary.cost_usd):
        yield f"cost by list prices: ${summary.cost_usd:.4f}\n"
    for note in report.notes or ():
        yield f"note: {one_line(note, _LONGEST_REASON)}\n"
    if report.run is not None:
        yield f"took {seconds(report.run.seconds)}, evidence in {one_line(report.run.dir, _LONGEST_REASON)}\n"


def _found(detail: Mapping[str, Any]) -> str:
    value = detail.get("value", detail.get("count"))
    if value is None:
        return "unscored"
    if detail["kind"] == "boolean":
        return f"{_compact(value)} (expected {_compact(detail['expected'])})"
    if detail["kind"] == "numeric":
        return f"{value:g} {Comparator(detail['comparator']).symbol} {detail['threshold']:g}"
    wanted = "none" if detail["negated"] else f"exactly {detail['times']}" if "times" in detail else "at least 1"
    return f"{value} call{'' if value == 1 else 's'} (expected {wanted})"


def _share(interval: Any) -> str:  # noqa: ANN401 - an IntervalReport
    return f"{interval.share:.0%}, 95 % interval {interval.low:.0%} to {interval.high:.0%}"


def _rest(report: SkillReport) -> dict[str, Any]:
    known = {"verdict": report.verdict, "cells": report.cells, "notes": report.notes, "run": report.run}
    return {key: as_json(value) for key, value in known.items() if value is not None}


def _dumped(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _indented(text: str, spaces: int) -> str:
    return "\n".join(" " * spaces + line for line in text.split("\n"))
