"""What a contract asks for that cannot be had here and now: said by `check`, and by a run before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.contract.paths import link_problem
from runner_env.contract.places import note
from runner_env.core import Finding, Where

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.contract.model import Contract

_CODE = "sandbox_not_available"
_MESSAGE = "The contract asks for containment, and this version has only sandbox level none."


def containment(contract: Contract) -> Finding | None:
    """What is to be said about the containment that `contract` asks for.

    Returns:
        None if there is what it asks for; a note if it asks and does not insist; otherwise why it cannot be run.
    """
    security, where = contract.security, Where(contract.file)
    if security.sandbox_required and security.sandbox != "none":
        return Finding(_CODE, _MESSAGE, where, "Run it in a container, and delete `security.sandbox_required`.")
    if security.sandbox not in {None, "none"} or security.network == "none":
        return note(_CODE, _MESSAGE, where, "Nothing is contained: run it in a container if you do not trust it.")
    return None


def unusable_out_dir(contract: Contract, repo: Path) -> Finding | None:
    """Why `artifacts.out_dir` cannot be used as things are; None if it can, or if there is none."""
    problem = link_problem(repo, contract.artifacts_out_dir) if contract.artifacts_out_dir else None
    hint = "Name a folder inside the repository as `artifacts.out_dir`."
    return Finding("link_escapes", problem, Where(contract.file), hint) if problem else None
