"""Where the contract of a target comes from: its own file, or what a skills repository amounts to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.contract import lint, load_contract
from runner_env.errors import ContractMissing, DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.contract.model import Contract
    from runner_env.core import Finding

USUAL = "pipeline.yml"


def contract_of(root: Path, pipeline_rel: str = USUAL) -> Contract:
    """The contract of the target in `root`. Its file goes before anything else.

    Raises:
        ContractMissing: there is none, and `root` is no skills repository.
        ContractError: it cannot be used.
        DefinitionError: it is a skills repository whose config, cases or skills cannot be used.
    """
    try:
        return load_contract(root, pipeline_rel)
    except ContractMissing:
        if not _is_skills_repository(root, pipeline_rel):
            raise
        from runner_env.skills.repository import skills_contract

        return skills_contract(root)


def lint_of(root: Path, pipeline_rel: str = USUAL) -> tuple[Finding, ...]:
    """What can be said about that contract without executing any of it; see `runner_env.contract.lint`."""
    if (root / pipeline_rel).exists() or not _is_skills_repository(root, pipeline_rel):
        return lint(root, pipeline_rel)
    from runner_env.skills.repository import skills_contract

    try:
        return skills_contract(root).notes
    except DefinitionError as error:
        return tuple(error.findings)


def _is_skills_repository(root: Path, pipeline_rel: str) -> bool:
    """Whether `root` is one; whoever names another file wants that one."""
    from runner_env.skills.repository import is_skills_repository

    return pipeline_rel == USUAL and is_skills_repository(root)
