"""`pipeline.yml` to `Contract`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.contract.document import Node, parse
from runner_env.contract.model import (
    Contract,
    KubectlDump,
    MetricsSpec,
    Security,
    StageName,
    StageSpec,
    TeardownPolicy,
)
from runner_env.contract.parts import commands, env_texts
from runner_env.contract.places import note, shown_end
from runner_env.contract.problems import given, validated
from runner_env.contract.schema import AuthSection, DeploySection, PipelineFile, RolloutSection, TestsSection
from runner_env.contract.source import read_source
from runner_env.core import Finding, Where
from runner_env.errors import ContractMissing

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.contract.schema import BenchmarkSection, EvaluationSection, SecuritySection

_SETUP, _HEALTH, _TEARDOWN = DeploySection.SAME
_STAGES: tuple[tuple[StageName, str, tuple[str, ...]], ...] = (
    (StageName.AUTH, "auth", AuthSection.SAME[0]),
    (StageName.TESTS, "tests", TestsSection.SAME[0]),
    (StageName.DEPLOY_SETUP, "deploy", _SETUP),
    (StageName.DEPLOY_HEALTH, "deploy", _HEALTH),
    (StageName.ROLLOUT, "rollout", RolloutSection.SAME[0]),
    (StageName.EVALUATION, "evaluation", RolloutSection.SAME[0]),
    (StageName.BENCHMARK, "benchmark", RolloutSection.SAME[0]),
    (StageName.DEPLOY_TEARDOWN, "deploy", _TEARDOWN),
)
"""Where each stage's commands stand, in run order."""


def load_contract(repo: Path, pipeline_rel: str = "pipeline.yml") -> Contract:
    """Read the contract of a repository.

    Args:
        repo: the repository.
        pipeline_rel: the contract file, POSIX, relative to it.

    Raises:
        ContractMissing: there is no such file.
        ContractError: it cannot be used; carries every problem found, in file order.
    """
    source = read_source(repo, pipeline_rel)
    if source is None:
        message = f"There is no contract in {shown_end(str(repo.resolve()))}."
        hint = "Go to the repository's top directory; `runner-env init` writes a contract to start from."
        raise ContractMissing([Finding("contract_missing", message, Where(pipeline_rel), hint)])
    root = parse(source)
    file = validated(root, PipelineFile)
    deploy = file.deploy or DeploySection()
    return Contract(
        file=source.file,
        sha256=source.sha256,
        security=_security(file.security),
        stages={spec.name: spec for row in _STAGES if (spec := _stage(root, file, *row))},
        teardown_policy=TeardownPolicy(deploy.teardown_policy),
        evaluation_metrics=_metrics(root, "evaluation", file.evaluation),
        benchmark_metrics=_metrics(root, "benchmark", file.benchmark),
        kubectl_dump=KubectlDump(**deploy.kubectl_dump.model_dump()) if deploy.kubectl_dump else KubectlDump(),
        artifacts_out_dir=file.artifacts.out_dir if file.artifacts else None,
        notes=_notes(root),
    )


def _stage(root: Node, file: PipelineFile, name: StageName, section: str, keys: tuple[str, ...]) -> StageSpec | None:
    node = root.get(section)
    lines = commands(node, keys) if node else ()
    hint = commands(node, ("hint",)) if node and name is StageName.EVALUATION else ()
    if not node or not (lines or hint):
        return None
    values = getattr(file, section)
    return StageSpec(
        name=name,
        commands=lines,
        env=env_texts(node.get("env")),
        workdir=values.workdir,
        timeout_s=values.timeout_seconds,
        retries=0 if name is StageName.DEPLOY_TEARDOWN else values.retries or 0,
        where=node.where_of((given(node, keys) or ("hint",))[0]),
        interactive=getattr(values, "interactive", False),
        hint=hint[0] if hint else None,
    )


def _metrics(root: Node, name: str, section: EvaluationSection | BenchmarkSection | None) -> MetricsSpec | None:
    node = root.get(name)
    if section is None or node is None:
        return None
    low, high = section.score_range or (0.0, 1.0)
    where = node.where_of("metrics_path") if section.metrics_path else root.where_of(name)
    return MetricsSpec(section.metrics_path, tuple(section.required_keys or ()), (low, high), where)


def _security(section: SecuritySection | None) -> Security:
    if section is None:
        return Security()
    return Security(
        mode=section.mode,
        allowlist=tuple(section.allowlist or ()),
        denylist=tuple(section.denylist or ()),
        max_cmd_seconds=section.max_cmd_seconds or None,
        max_total_seconds=section.max_total_seconds or None,
        max_memory_mb=section.max_memory_mb,
        max_processes=section.max_processes,
        max_disk_mb=section.max_disk_mb,
        max_output_mb=section.max_output_mb,
        max_open_files=section.max_open_files,
        secrets=tuple(dict.fromkeys(section.secrets or ())),
        sandbox=section.sandbox,
        network=section.network,
        sandbox_required=section.sandbox_required,
    )


def _notes(root: Node) -> tuple[Finding, ...]:
    if root.get("tooling") is None:
        return ()
    where = root.where_of("tooling")
    return (note("deprecated_key", "`tooling` is deprecated and ignored.", where, "Install tools in the bootstrap."),)
