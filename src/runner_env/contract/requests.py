"""What a contract asks for that cannot be had here and now: said by `check`, and by a run before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.contract.paths import link_problem
from runner_env.core import Finding, Where

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.contract.model import Contract


def unusable_out_dir(contract: Contract, repo: Path) -> Finding | None:
    """Why `artifacts.out_dir` cannot be used as things are; None if it can, or if there is none."""
    problem = link_problem(repo, contract.artifacts_out_dir) if contract.artifacts_out_dir else None
    hint = "Name a folder inside the repository as `artifacts.out_dir`."
    return Finding("link_escapes", problem, Where(contract.file), hint) if problem else None
