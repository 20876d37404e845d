"""`runner-env check`: everything that can be said about a contract without executing any of it."""

from __future__ import annotations

import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from runner_env.contract.actions import load_actions
from runner_env.contract.bootstrap import load_bootstrap
from runner_env.contract.model import StageName
from runner_env.contract.paths import link_problem
from runner_env.contract.pipeline import load_contract
from runner_env.contract.places import file_order, note, shown
from runner_env.contract.requests import unusable_out_dir
from runner_env.contract.shell import SYNTAX_SECONDS, script_of, syntax_error
from runner_env.core import Finding, Where
from runner_env.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner_env.contract.model import Actions, Bootstrap, CommandSpec, Contract, MetricsSpec, StageSpec

_T = TypeVar("_T")
_MAX_SCRIPT_BYTES = 1 << 20
_STAGES_FOLDER = ".aider_fsm/stages/"


@dataclass(frozen=True, slots=True)
class _Step:
    """A command with what it needs to be judged; `earlier` is whether any command runs before its stage or itself."""

    stage: StageName
    command: CommandSpec
    workdir: str | None
    earlier: bool


def lint(repo: Path, pipeline_rel: str = "pipeline.yml") -> tuple[Finding, ...]:
    """Every problem of the three contract files, and advice on what they declare; nothing is executed.

    Args:
        repo: the repository.
        pipeline_rel: the contract file, POSIX, relative to it.

    Returns:
        The findings in file order; those of verdict `passed` are advice, the others keep a run from passing.
    """
    findings: list[Finding] = []
    contract = _tried(lambda: load_contract(repo, pipeline_rel), findings)
    bootstrap = _tried(lambda: load_bootstrap(repo), findings)
    actions = _tried(lambda: load_actions(repo, pipeline_rel), findings)
    findings += [found for part in (contract, bootstrap, actions) if part for found in part.notes]
    if contract:
        findings += filter(None, (unusable_out_dir(contract, repo),))
        findings += [*_declared(contract), *_deployment(contract), *_measured(repo, contract)]
    steps = list(_steps(contract, bootstrap, actions))
    findings += [*_workdirs(repo, steps), *_scripts(repo, steps), *_syntax(repo, steps)]
    return tuple(sorted(findings, key=file_order))


def _tried(load: Callable[[], _T], findings: list[Finding]) -> _T | None:
    try:
        return load()
    except ContractError as error:
        findings += error.findings
        return None


def _declared(contract: Contract) -> Iterator[Finding]:
    start = Where(contract.file, 1, 1)
    if not contract.stages:
        yield Finding("nothing_to_run", "No stage has any commands.", start, "Add `evaluation` with `run_cmds`.")
    if contract.security.secrets:
        names = ", ".join(contract.security.secrets)
        yield note("secrets_requested", f"The contract asks for {names}.", start, "Grant each with `--pass-env NAME`.")


def _deployment(contract: Contract) -> Iterator[Finding]:
    setup = contract.stages.get(StageName.DEPLOY_SETUP)
    if setup is None:
        return
    if StageName.DEPLOY_HEALTH not in contract.stages:
        message = "`deploy` sets up a service without checking that it answers."
        yield note("no_health", message, setup.where, "Add `health_cmds`.")
    if StageName.DEPLOY_TEARDOWN not in contract.stages:
        message = "`deploy` sets up a service without taking it down."
        yield note("no_teardown", message, setup.where, "Add `teardown_cmds`.")


def _measured(repo: Path, contract: Contract) -> Iterator[Finding]:
    declared = [spec for spec in (contract.evaluation_metrics, contract.benchmark_metrics) if spec]
    hint = (
        "Name the JSON file with the score under `evaluation.metrics_path`; only `require_metrics=False` does without."
    )
    hinted = any(stage.hint for stage in contract.stages.values())
    if contract.stages and not hinted and not any(spec.path for spec in declared):
        where = declared[0].where if declared else Where(contract.file, 1, 1)
        yield Finding("no_metrics", "No stage declares where it leaves its metrics.", where, hint)
    elif contract.stages and (spec := contract.evaluation_metrics) and StageName.EVALUATION not in contract.stages:
        message = "`evaluation` has no commands, so nothing writes its metrics."
        yield Finding("evaluation_not_declared", message, spec.where, "Add `evaluation.run_cmds`.")
    for spec in declared:
        yield from _metrics_advice(repo, spec)


def _metrics_advice(repo: Path, spec: MetricsSpec) -> Iterator[Finding]:
    if spec.path is None:
        return
    if message := link_problem(repo, spec.path):
        yield Finding("link_escapes", message, spec.where, "Write the metrics inside the repository.")
    if missing := [key for key in ("ok", "score") if key not in spec.required_keys]:
        names = " and ".join(f"`{key}`" for key in missing)
        message = (
            f"`required_keys` does not name {names}, needed all the same where metrics are required (the default)."
        )
        hint = (
            "Name `ok` and `score` if they must be there with `require_metrics=False` (`--no-require-metrics`) too, "
            "or in a benchmark beside an evaluation."
        )
        yield note("keys_not_required", message, spec.where, hint)


def _steps(contract: Contract | None, bootstrap: Bootstrap | None, actions: Actions | None) -> Iterator[_Step]:
    earlier = False
    stages = list(contract.stages.values()) if contract else []
    first = [(StageName.BOOTSTRAP, bootstrap.commands, bootstrap.workdir)] if bootstrap else []
    steps = tuple(action.command for action in actions.actions if action.command) if actions else ()
    for name, lines, workdir in (
        *first,
        (StageName.ACTIONS, steps, None),
        *((spec.name, _lines(spec), spec.workdir) for spec in stages),
    ):
        for line in lines:
            yield _Step(name, line, workdir, earlier)
            earlier = True


def _lines(spec: StageSpec) -> tuple[CommandSpec, ...]:
    """All that the stage runs; a hint that is still to be found says nothing yet."""
    return spec.commands if spec.hint is None or spec.hint.text == "auto" else (*spec.commands, spec.hint)


def _workdirs(repo: Path, steps: list[_Step]) -> Iterator[Finding]:
    seen: set[StageName] = set()
    for step in steps:
        if step.workdir is None or step.stage in seen:
            continue
        seen.add(step.stage)
        if message := link_problem(repo, step.workdir):
            hint = "Use a folder inside the repository."
            yield Finding("link_escapes", message, step.command.where, hint, stage=step.stage)
        elif not (repo / step.workdir).is_dir():
            message = f"The workdir {shown(step.workdir)} of `{step.stage}` does not exist."
            yield _absent("workdir_missing", message, step, certain=not step.earlier)


def _scripts(repo: Path, steps: list[_Step]) -> Iterator[Finding]:
    for step in steps:
        script = script_of(step.command.text)
        if script is None:
            continue
        name, direct = script
        path = repo / (step.workdir or ".") / name
        if not path.is_file():
            certain = not step.earlier or name.removeprefix("./").startswith(_STAGES_FOLDER)
            yield _absent("script_missing", f"The script {shown(name)} does not exist.", step, certain=certain)
        elif direct and not path.stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH):
            message = f"The script {shown(name)} is not executable."
            yield Finding("not_executable", message, step.command.where, "chmod +x it.", stage=step.stage)


def _absent(code: str, message: str, step: _Step, *, certain: bool) -> Finding:
    if certain:
        return Finding(code, message, step.command.where, "Commit it, or correct the name.", stage=step.stage)
    return note(code, message, step.command.where, "Make sure that an earlier command creates it.")


def _syntax(repo: Path, steps: list[_Step]) -> Iterator[Finding]:
    until = time.monotonic() + SYNTAX_SECONDS
    for step in steps:
        if said := syntax_error(step.command.text, "/bin/sh", until - time.monotonic()):
            message = f"This is not a shell command: {shown(said)[1:-1]}."
            yield Finding("shell_syntax", message, step.command.where, "Run `sh -n` on it.", stage=step.stage)
        text = _bash_script(repo, step)
        if text and (said := syntax_error(text, "/bin/bash", until - time.monotonic())):
            message = f"The script it runs is not bash: {shown(said)[1:-1]}."
            yield Finding("shell_syntax", message, step.command.where, "Run `bash -n` on it.", stage=step.stage)


def _bash_script(repo: Path, step: _Step) -> str | None:
    script = script_of(step.command.text)
    if script is None or not script[0].endswith((".sh", ".bash")):
        return None
    path = repo / (step.workdir or ".") / script[0]
    if not path.is_file() or path.stat().st_size > _MAX_SCRIPT_BYTES:
        return None
    text = path.read_text("utf-8", "replace")
    # Whether an extended pattern parses depends on `shopt`, which is not executed here.
    return None if "extglob" in text else text
