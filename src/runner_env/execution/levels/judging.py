"""What levels conclude alike from what was tried in a box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.execution.levels.model import Guarantee, Guarantees

if TYPE_CHECKING:
    from runner_env.execution.levels.model import Facts

UNWRITABLE = "cannot be written inside"
OWN_IT = "Make the workspace this user's own (chown), run as who owns it, or run in a copy (--workspace copy)."
_NOT = Guarantee("none", "level")


def common_problem(facts: Facts) -> str:
    """What speaks against every level that contains; empty if nothing."""
    if facts.unwritable:
        return f"the workspace {_first(facts.unwritable)} {UNWRITABLE}"
    if facts.written:
        return f"{_first(facts.written)} can be written from inside"
    if facts.seen:
        return f"{_first(facts.seen)} can be read from inside"
    if int(facts.capabilities or "1", 16) or facts.no_new_privileges != "1":
        return "privileges cannot be given up"
    return ""


def common_guarantees(
    facts: Facts,
    *,
    fs_write: Guarantee,
    fs_read_secrets: Guarantee,
    git_and_contract: Guarantee,
    net: Guarantee | None,
    signals: Guarantee,
    cleanup: Guarantee,
) -> Guarantees:
    """The guarantees of a box without privileges; limits and observation are added by who sets them."""
    hidden = facts.outside_processes == 0
    return Guarantees(
        fs_write=fs_write,
        fs_read_secrets=fs_read_secrets,
        git_and_contract=git_and_contract,
        net=net or _NOT,
        pids_hidden=Guarantee("enforced" if hidden else "none", "pids_visible"),
        signals=signals,
        cleanup=cleanup,
        caps_dropped=Guarantee("enforced", "capabilities"),
        mem_limit=_NOT,
        pids_limit=_NOT,
        disk_limit=_NOT,
        observed=_NOT,
    )


def _first(paths: str) -> str:
    return paths.partition("\n")[0]
