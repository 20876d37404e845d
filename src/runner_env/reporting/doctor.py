"""What `runner-env doctor` says: format `runner-env/doctor@1` (our own), and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from runner_env.core import Verdict
from runner_env.reporting.style import Style
from runner_env.reporting.words import indented

FORMAT: Final = "runner-env/doctor@1"
Status = Literal["ok", "warn", "fail"]
_VERDICTS: dict[Status, Verdict] = {"ok": Verdict.PASSED, "warn": Verdict.UNSCORED, "fail": Verdict.FAILED}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a run needs, or is better off with.

    Attributes:
        name: what was looked at.
        status: `fail` if no run can go well without it, `warn` if some can.
        detail: what was found.
        hint: what to do about it; empty if nothing.
    """

    name: str
    status: Status
    detail: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """What this machine can do; `ok` if nothing failed."""

    ok: bool
    rows: tuple[Row, ...]
    format: Literal["runner-env/doctor@1"] = field(default=FORMAT)

    @classmethod
    def of(cls, rows: tuple[Row, ...]) -> DoctorReport:
        """Judge the rows."""
        return cls(all(row.status != "fail" for row in rows), rows)


def render_doctor(report: DoctorReport, *, colour: bool = False) -> str:
    """One line for each row, hints below."""
    style, width = Style(colour), max((len(row.name) for row in report.rows), default=0)
    lines: list[str] = []
    for row in report.rows:
        status = style.verdict(f"{row.status:<4}", _VERDICTS[row.status])
        lines.append(f"{status}  {row.name:<{width}}  {indented(row.detail, ' ' * (width + 8))}")
        lines += [f"{'':<{width + 8}}hint: {indented(row.hint, ' ' * (width + 8))}"] if row.hint else []
    return "".join(f"{line}\n" for line in lines)


def doctor_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a doctor's report."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(DoctorReport).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}
