"""Which runs a changed contract could help, and what is said where nobody can change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.core import Finding, Verdict

if TYPE_CHECKING:
    from runner_env.errors import HarnessError
    from runner_env.runs.progress import Progress

_OF_THE_CONTRACT = frozenset(
    (
        "environment_incomplete", "hint_exit_code", "hint_no_result", "hint_no_score", "hint_not_found",
        "score_missing",
    )
)  # fmt: skip
"""Doubts that come of what stages do. Every other doubt is trouble that no contract can end, or one about what
`pipeline.yml` does not declare, which a repair may not change and a new contract is not accepted without."""

_OF_THE_RUNNER = frozenset(("agent_escaped", "contract_changed"))
"""Failures that say that somebody overstepped: nobody is to make them go away."""


def beyond_repair(progress: Progress) -> bool:
    """Whether no change of the contract could be the answer to how a run ended."""
    against = [finding for finding in progress.all_findings if finding.verdict is not Verdict.PASSED]
    doubts = {finding.code for finding in against if finding.verdict is Verdict.UNSCORED}
    overstepped = {finding.code for finding in against} & _OF_THE_RUNNER
    return not against or bool(overstepped) or not doubts <= _OF_THE_CONTRACT


def unavailable(lacking: HarnessError) -> Finding:
    """Say, after the failure itself, that the contract could have been repaired."""
    message = f"The contract was not repaired: {lacking.message}"
    hint = f"{lacking.hint or 'Repair it by hand.'} Without repairs (repair_iters=0, --repair 0) this note is left out."
    return Finding("repair_unavailable", message, hint=hint, verdict=Verdict.PASSED)
