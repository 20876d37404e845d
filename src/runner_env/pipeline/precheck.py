"""What can be said about a contract's commands before any of them is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from runner_env.contract import load_bootstrap, load_contract
from runner_env.contract.model import StageSpec
from runner_env.core import Finding
from runner_env.errors import ContractError
from runner_env.execution.policy import Policy, PolicyOptions
from runner_env.pipeline.blame import MEND_REFUSED
from runner_env.pipeline.bootstrap import as_stage


def refused_commands(root: Path, pipeline_rel: str, unattended: str = "strict") -> tuple[Finding, ...]:
    """The commands that a run would refuse, by the same policy; none where the contract cannot be read.

    Args:
        root: the repository.
        pipeline_rel: the contract, relative to it.
        unattended: `strict` or `guided`, as for a run.
    """
    try:
        contract, bootstrap = load_contract(root, pipeline_rel), load_bootstrap(root)
    except ContractError:  # whoever asks has been told by the contract's own lint
        return ()
    specs = ([as_stage(bootstrap)] if bootstrap else []) + list(contract.stages.values())
    security = contract.security
    policy = Policy(PolicyOptions(security.mode, security.allowlist, security.denylist, unattended))
    return tuple(finding for spec in specs for finding in _refused(policy, root, spec))


def _refused(policy: Policy, root: Path, spec: StageSpec) -> Iterator[Finding]:
    for command in spec.commands:
        refusal = policy.check(command.text, cwd=root / (spec.workdir or "."), root=root, env=spec.env)
        if refusal is not None:
            place = f"{refusal.where}: " if refusal.where else ""
            message = f"A run will refuse this command ({refusal.code}: {place}{refusal.message})"
            yield Finding("command_refused", message, command.where, MEND_REFUSED, stage=spec.name.value)
