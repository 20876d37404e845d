"""An error of skill testing, as the reference tool writes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from runner_env.errors import ContractError, InputError, ProviderError
from runner_env.skills.report import ErrorReport

if TYPE_CHECKING:
    from runner_env.errors import RunnerEnvError

_MOST_HINTS = 3


def skill_error(error: RunnerEnvError) -> ErrorReport:
    """The error as a value; every problem of a file is in its message."""
    if isinstance(error, ProviderError):
        kind = error.kind.value if error.kind else None
        return ErrorReport("provider", error.message, kind, error.context, error.hint)
    if isinstance(error, ContractError):
        lines = [f"{f.where}: {f.message}" if f.where else f.message for f in error.findings]
        hints = dict.fromkeys(finding.hint for finding in error.findings if finding.hint)
        return ErrorReport("usage", "\n".join(lines), hint=" ".join(list(hints)[:_MOST_HINTS]) or None)
    message = f"{error.where}: {error.message}" if error.where else error.message
    return ErrorReport("usage" if isinstance(error, InputError) else "provider", message, hint=error.hint)


def skill_error_object(report: ErrorReport) -> dict[str, object]:
    """The error as a JSON object, without what is not known."""
    keys = ("code", "kind", "context", "message", "hint")
    value = asdict(report)
    return {key: value[key] for key in keys if value[key] is not None}


def skill_error_text(report: ErrorReport, output_format: str) -> tuple[str, str]:
    """What goes to standard output (nothing unless the format is of JSON) and to standard error."""
    hint = f"hint: {report.hint}\n" if report.hint else ""
    complaint = f"error: {report.message}\n{hint}"
    value = skill_error_object(report)
    if output_format == "json":
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n", complaint
    if output_format == "json-stream":
        return json.dumps({"type": "error", "error": value}, ensure_ascii=False) + "\n", complaint
    return "", complaint
