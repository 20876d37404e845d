"""What can be said about a contract's commands before any of them is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from runner_env.contract import load_bootstrap, load_contract
from runner_env.contract.model import CommandSpec
from runner_env.core import Finding
from runner_env.errors import ContractError
from runner_env.execution.policy import Policy, PolicyOptions


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
    sections = [_Section(spec.name.value, spec.workdir, spec.env, spec.commands) for spec in contract.stages.values()]
    if bootstrap is not None:
        sections.insert(0, _Section("bootstrap", bootstrap.workdir, {}, bootstrap.commands))
    security = contract.security
    policy = Policy(PolicyOptions(security.mode, security.allowlist, security.denylist, unattended))
    return tuple(finding for section in sections for finding in _refused(policy, root, section))


class _Section(NamedTuple):
    stage: str
    workdir: str | None
    env: Mapping[str, str]
    commands: tuple[CommandSpec, ...]


def _refused(policy: Policy, root: Path, section: _Section) -> Iterator[Finding]:
    for command in section.commands:
        refusal = policy.check(command.text, cwd=root / (section.workdir or "."), root=root, env=section.env)
        if refusal is not None:
            place = f"{refusal.where}: " if refusal.where else ""
            message = f"A run will refuse this command ({refusal.code}: {place}{refusal.message})"
            hint = "Change the command, or the lists and the mode in the contract's `security` section."
            yield Finding("command_refused", message, command.where, hint, stage=section.stage)
