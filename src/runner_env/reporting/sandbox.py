"""How a run was contained, and whether it was observed, in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.reporting.words import one_line

if TYPE_CHECKING:
    from runner_env.formats.record import RunRecord

_UNCONTAINED = "commands ran with your own rights, only their end is sure"
_PHRASES = (
    ("fs_write", {"enforced": "writes contained", "best_effort": "writes contained in part", "none": "writes NOT"}),
    ("fs_read_secrets", {"enforced": "secrets hidden", "best_effort": "secrets hidden in part", "none": "secrets NOT"}),
    ("net", {"enforced": "no network", "none": "network open"}),
    ("cleanup", {"enforced": "cleanup enforced", "best_effort": "cleanup likely"}),
)


def sandbox_line(record: RunRecord) -> str:
    """As in `bwrap - writes contained, secrets hidden, network open, cleanup enforced`."""
    level = one_line(record.sandbox)
    why = f" ({one_line(record.fallback_reason)})" if record.fallback_reason else ""
    if level == "none":
        return f"none{why}: {_UNCONTAINED}"
    said = (phrases.get(record.guarantees.get(name, ""), "") for name, phrases in _PHRASES)
    return f"{level}{why} - {', '.join(filter(None, said))}"


def observed_line(record: RunRecord) -> str:
    """As in `12 programs in 3 stages`, or why not; empty for a run in which no command was started."""
    ran = [stage for stage in record.stages if stage.commands]
    seen = [stage for stage in ran if stage.observed]
    why = next((one_line(stage.unobserved) for stage in ran if not stage.observed and stage.unobserved), "")
    if not ran or not (seen or why):
        return ""
    if not seen:
        return f"no programs: {why}"
    programs = sum(command.trace.programs for stage in seen for command in stage.commands if command.trace)
    missed = f"; not all: {why}" if why else ""
    of_all = f" of {len(ran)}" if len(seen) < len(ran) else ""
    return f"{programs} {_plural('program', programs)} in {len(seen)}{of_all} {_plural('stage', len(ran))}{missed}"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
