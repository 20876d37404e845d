"""Findings as a compiler prints them: `pipeline.yml:3:5: error: message [code]`, the hint below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.core import Verdict
from runner_env.reporting.style import Style
from runner_env.reporting.words import indented, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_env.core import Finding, Where

_INDENT = "    "


def compiler_lines(
    message: str,
    code: str,
    where: Where | None,
    hint: str | None,
    *,
    verdict: Verdict = Verdict.FAILED,
    style: Style | None = None,
) -> list[str]:
    """One problem (or, where the verdict is `passed`, one note) as lines."""
    style = style or Style()
    place = f"{one_line(str(where))}: " if where else ""
    word = "note" if verdict is Verdict.PASSED else "error"
    coloured = style.dim(word) if verdict is Verdict.PASSED else style.verdict(word, verdict)
    lines = [f"{place}{coloured}: {indented(message, _INDENT)} [{code}]"]
    return [*lines, f"{_INDENT}hint: {indented(hint, _INDENT)}"] if hint else lines


def render_findings(findings: Iterable[Finding], *, colour: bool = False) -> str:
    """All findings, one after the other; empty text if there are none."""
    style = Style(colour)
    lines: list[str] = []
    for found in findings:
        lines += compiler_lines(found.message, found.code, found.where, found.hint, verdict=found.verdict, style=style)
    return "".join(f"{line}\n" for line in lines)
