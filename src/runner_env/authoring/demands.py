"""What a contract has to satisfy before it is worth running: everything that can be told by reading it."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

from runner_env.authoring.brief import Purpose
from runner_env.authoring.leftovers import CONTRACT
from runner_env.contract.advice import lint
from runner_env.contract.bootstrap import load_bootstrap
from runner_env.contract.model import StageName
from runner_env.contract.pipeline import load_contract
from runner_env.contract.shell import syntax_error
from runner_env.core import Finding, Verdict, Where
from runner_env.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runner_env.authoring.brief import Brief
    from runner_env.authoring.proposal import FileText
    from runner_env.contract.model import Contract

_REQUIRED = ("score", "ok")
_SHELL_LINE = re.compile(r"#!.*[/ ](?:ba|da)?sh\b")
_REPAIRABLE = frozenset(("script_missing", "not_executable", "shell_syntax", "workdir_missing"))
"""What is said of a line in pipeline.yml although it may lie in a file below `.aider_fsm/`."""

_MOST = 40


def demands(root: Path, brief: Brief, files: Mapping[str, FileText | None]) -> tuple[Finding, ...]:
    """What is wrong with the contract in an agent's copy, as far as the agent can do something about it.

    Args:
        root: the copy, less what was refused.
        brief: the task.
        files: what the agent changed, by path.

    Returns:
        The problems, at most 40; none if the contract can be run.
    """
    found = [finding for finding in lint(root) if _counts(finding, brief)]
    contract = _loaded(root)
    if contract is not None:
        found += _of_contract(contract, brief)
        found += _made_up(contract, files)
    found += _scripts(files)
    unique = {(one.code, one.where, one.message): one for one in found}
    return tuple(unique.values())[:_MOST]


def _counts(finding: Finding, brief: Brief) -> bool:
    if finding.verdict is Verdict.PASSED or (finding.code == "no_metrics" and not brief.require_metrics):
        return False
    where = finding.where.file if finding.where else ""
    return brief.purpose is Purpose.SCAFFOLD or where != CONTRACT or finding.code in _REPAIRABLE


def _loaded(root: Path) -> Contract | None:
    """The contract; None if it cannot be read, which `lint` has said already."""
    try:
        load_bootstrap(root)
        return load_contract(root)
    except ContractError:
        return None


def _of_contract(contract: Contract, brief: Brief) -> Iterator[Finding]:
    if brief.purpose is not Purpose.SCAFFOLD:
        return  # pipeline.yml is not the agent's to change
    start = Where(contract.file, 1, 1)
    evaluation = contract.stages.get(StageName.EVALUATION)
    spec = contract.evaluation_metrics
    if not contract.security.max_cmd_seconds:
        hint = "Add `security: {max_cmd_seconds: 1800}`, or what the slowest command needs."
        yield Finding("max_cmd_seconds_missing", "No command has a time limit.", start, hint)
    if brief.require_metrics and evaluation is None:
        hint = "Add `evaluation.hint`, or `evaluation.run_cmds` with `metrics_path`."
        yield Finding("evaluation_missing", "There is no evaluation, so there is no score.", start, hint)
    elif brief.require_metrics and evaluation is not None and evaluation.hint is None:
        missing = [key for key in _REQUIRED if spec is None or key not in spec.required_keys]
        if spec is None or spec.path is None:
            hint = "Name the JSON file with the score that the commands write: `metrics_path: .aider_fsm/metrics.json`."
            yield Finding("metrics_path_missing", "The evaluation names no metrics.", evaluation.where, hint)
        if missing:
            message = f"`evaluation.required_keys` lacks {' and '.join(missing)}."
            yield Finding("required_keys_missing", message, evaluation.where, "Write `required_keys: [ok, score]`.")
    if brief.require_samples and StageName.ROLLOUT not in contract.stages:
        hint = "Add `rollout.run_cmds`."
        yield Finding("rollout_missing", "There is no rollout, so there are no samples.", start, hint)


def _made_up(contract: Contract, files: Mapping[str, FileText | None]) -> Iterator[Finding]:
    """Metrics that the contract brings along instead of having a stage write them."""
    for spec in (contract.evaluation_metrics, contract.benchmark_metrics):
        if spec and spec.path and files.get(spec.path.removeprefix("./")):
            message = f"{spec.path} is part of the proposal, but only the stage itself may write it."
            yield Finding("metrics_made_up", message, spec.where, "Remove the file.")


def _scripts(files: Mapping[str, FileText | None]) -> Iterator[Finding]:
    """Scripts that cannot be read by what would run them, named by the contract or not."""
    for path, file in sorted(files.items()):
        if file is None:
            continue
        text = file.data.decode("utf-8")
        said = _python_error(text) if path.endswith(".py") else _shell_error(path, text)
        if said:
            yield Finding("script_syntax", f"It cannot be parsed: {said}", Where(path), "Correct it.")


def _python_error(text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return f"{error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError) as error:
        return type(error).__name__
    return ""


def _shell_error(path: str, text: str) -> str:
    first, _, _ = text.partition("\n")
    is_shell = path.endswith((".sh", ".bash")) or bool(_SHELL_LINE.match(first))
    if not is_shell or "extglob" in text:
        return ""
    return syntax_error(text, "/bin/bash") or ""
