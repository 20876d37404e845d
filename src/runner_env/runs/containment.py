"""How a run is contained: what is asked for, which places matter, and what is written down about it."""

from __future__ import annotations

import os
import platform
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from runner_env.contract.model import Contract
from runner_env.core import Finding, Verdict, Where
from runner_env.errors import ContractError, InputError, OptionError
from runner_env.execution.levels import LEAST_PROCESSES, Guarantee, Guarantees, NotContained, Places, Sandbox, Wanted
from runner_env.execution.levels.hidden import hidden_places, secret_places
from runner_env.execution.levels.visible import visible_places
from runner_env.formats.sandbox import SandboxRecord
from runner_env.pipeline.resources import Resources
from runner_env.runs.inputs import RunInputs
from runner_env.runs.options import operator_wish
from runner_env.runs.scratch import Scratch

_CODE = "sandbox_not_available"
_MARKS = ("HEAD", "objects")


def wanted(inputs: RunInputs) -> Wanted:
    """The stricter of what the operator and the contract ask for.

    Raises:
        OptionError: a variable names no level or no network, or is no limit.
    """
    security = inputs.contract.security
    wish = operator_wish(inputs.options, inputs.settings)
    want = Wanted.of(wish, (security.sandbox, security.network), required=security.sandbox_required)
    return replace(want, processes=max(LEAST_PROCESSES, inputs.resources().processes))


def places(inputs: RunInputs, scratch: Scratch, model: Path | None) -> Places:
    """The files and folders that matter to the box of a run; what a granted variable names is shown."""
    environ, workspace = inputs.settings.environ, inputs.checkout.root
    granted = frozenset(inputs.options.pass_env)
    shown = [Path(os.path.realpath(environ[name])) for name in granted if environ.get(name, "").startswith("/")]
    hidden = tuple(
        path
        for path in hidden_places(environ, inputs.settings.home)
        if path not in shown and not path.is_relative_to(workspace)
    )
    more = [*shown, *git_dirs(workspace), *([model] if model else [])]
    secrets = secret_places(environ, granted)
    fixed, unfixed = fixed_places(inputs.contract, workspace)
    loose = {parent for path in fixed for parent in path.parents if parent != workspace}
    return Places(
        workspace=workspace,
        home=scratch.home,
        tmp=scratch.tmp,
        cache=scratch.cache,
        canary=scratch.canary,
        hidden=hidden,
        secrets=tuple(path for path in secrets if not any(one.is_relative_to(path) for one in shown)),
        visible=visible_places(environ, hidden, more),
        fixed=fixed,
        loose=tuple(sorted(parent for parent in loose if parent.is_relative_to(workspace))),
        unfixed=unfixed,
    )


def fixed_places(contract: Contract, workspace: Path) -> tuple[tuple[Path, ...], bool]:
    """`.git` and the contract files, as far as they are there and can be kept from changing; whether some cannot.

    Not `actions.yml`: it is read before anything of it is done, and gone afterwards.
    """
    found, unfixed = [], False
    for name in (".git", contract.file, ".aider_fsm/bootstrap.yml"):
        path = workspace / name
        if not os.path.lexists(path):
            continue
        plain = Path(os.path.realpath(path)) == path
        if plain and (path.is_dir() or (path.is_file() and path.stat().st_nlink == 1)):
            found.append(path)
        else:
            unfixed = True
    return tuple(found), unfixed


def git_dirs(workspace: Path) -> list[Path]:
    """The git directories outside of the workspace that git needs in it.

    They are that of a repository around it, and that of a linked working tree, if it says itself that it is this one's:
    a `.git` file could name any folder.
    """
    above = [parent / ".git" for parent in workspace.parents]
    found = [path for path in above if all((path / mark).exists() for mark in _MARKS)]
    link = workspace / ".git"
    try:
        named = link.read_text("utf-8", "surrogateescape") if link.is_file() else ""
        git_dir = Path(os.path.realpath(workspace / named.removeprefix("gitdir:").strip()))
        back = (git_dir / "gitdir").read_text("utf-8", "surrogateescape").strip() if named else ""
    except (OSError, ValueError):
        return found
    if back and Path(os.path.realpath(back)) == link:
        found += [git_dir, git_dir.parent.parent]
    return [path for path in found if path.is_dir()]


def refused(error: NotContained, want: Wanted, contract: Contract) -> InputError:
    """What it means that the containment that was insisted on cannot be had: an error of who insisted."""
    if want.by_contract:
        return ContractError([Finding(_CODE, error.message, Where(contract.file), error.hint)])
    return OptionError(_CODE, error.message, hint=error.hint)


def weaker(sandbox: Sandbox, contract: Contract) -> list[Finding]:
    """A note if the contract asked for more than there is, without insisting."""
    asked, where = contract.security, Where(contract.file)
    found = []
    if asked.sandbox not in {None, "auto", "none", sandbox.level} and sandbox.fallback_reason:
        message = (
            f"The contract asks for sandbox {asked.sandbox}, and ran at {sandbox.level}: {sandbox.fallback_reason}."
        )
        found.append(message)
    if asked.network == "none" and sandbox.guarantees.net.held != "enforced":
        found.append(f"The contract asks for no network, and sandbox {sandbox.level} does not keep it away.")
    hint = "`runner-env doctor` says what each level needs."
    return [Finding(_CODE, message, where, hint, verdict=Verdict.PASSED) for message in found]


def with_limits(guarantees: Guarantees, resources: Resources, unobserved: str) -> Guarantees:
    """The guarantees with those of the limits, which no level gives but what is looked at while commands run.

    Args:
        guarantees: what the level gives.
        resources: the limits.
        unobserved: why commands are not observed; empty if it was tried and they can be.
    """
    watched = Guarantee("best_effort", "watchdog")
    by_kernel = guarantees.pids_limit.held == "enforced"
    return replace(
        guarantees,
        mem_limit=watched if resources.memory_bytes else guarantees.mem_limit,
        pids_limit=guarantees.pids_limit if by_kernel and resources.processes >= LEAST_PROCESSES else watched,
        disk_limit=watched if resources.disk_bytes else guarantees.disk_limit,
        observed=guarantees.observed if unobserved else Guarantee("best_effort", "seccomp_notify"),
    )


def sandbox_record(sandbox: Sandbox, resources: Resources, unobserved: str) -> SandboxRecord:
    """What is written down; the arguments are those of `with_limits`."""
    return SandboxRecord(
        level=sandbox.level,
        requested=sandbox.requested,
        fallback_reason=sandbox.fallback_reason,
        kernel=platform.release(),
        landlock_abi=sandbox.landlock_abi,
        uid=os.getuid(),
        network=sandbox.network,
        guarantees=_plain(with_limits(sandbox.guarantees, resources, unobserved)),
    )


def _plain(guarantees: Guarantees) -> dict[str, Any]:
    found = {}
    for field in fields(guarantees):
        one: Guarantee = getattr(guarantees, field.name)
        found[field.name] = {"is": one.held, "probe": one.probe}
    return found
