"""How a run was contained, in one line."""

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
