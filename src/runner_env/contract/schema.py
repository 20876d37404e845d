"""The three contract files as pydantic models: the only place where a key of theirs is declared."""

from __future__ import annotations

from itertools import combinations
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from runner_env.contract.fields import (
    Amount,
    Command,
    Env,
    EnvName,
    FilePath,
    OpenFiles,
    Pattern,
    RelativePath,
    Retries,
    ScoreRange,
    Seconds,
    SecondsOrNone,
    Text,
    Version,
)
from runner_env.contract.model import ActionKind


def _title(model: type[Any]) -> str:
    return model.__name__.removesuffix("File").removesuffix("Section").lower()


def _at_most_one_of_each(schema: dict[str, Any], model: type[Any]) -> None:
    """Say in JSON Schema that of the names of one thing only one may be used."""
    pairs = [pair for names in model.SAME for pair in combinations(names, 2)]
    if pairs:
        schema["allOf"] = [{"not": {"required": list(pair)}} for pair in pairs]


class Strict(BaseModel):
    """A mapping without unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        use_attribute_docstrings=True,
        model_title_generator=_title,
        json_schema_extra=_at_most_one_of_each,
    )
    SAME: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of keys that name the same thing, the proper name first; only one of a group may be used."""


class _Stage(Strict):
    env: Env | None = None
    """Environment variables; null is the empty string, other values are taken as they are written."""
    workdir: RelativePath | None = None
    """Where the commands run, relative to the repository; default: the repository."""
    timeout_seconds: Seconds | None = None
    """Limit of each command, in seconds; default: none of its own."""
    retries: Retries | None = None
    """Further tries of a command that failed; default 0."""


class SecuritySection(Strict):
    """Limits and requests. A contract can tighten what the operator set, never loosen it."""

    mode: Literal["safe", "system"] = "safe"
    """`safe` refuses commands such as sudo; `system` does not."""
    allowlist: list[Pattern] | None = None
    """Regular expressions; if there are any, a command must match one of them."""
    denylist: list[Pattern] | None = None
    """Regular expressions; a command must match none of them."""
    max_cmd_seconds: SecondsOrNone | None = None
    """Limit of every command, in seconds; 0 is none of its own."""
    max_total_seconds: SecondsOrNone | None = None
    """Limit of each stage as a whole, in seconds; 0 is none of its own."""
    max_memory_mb: Amount | None = None
    """Memory of a command and all it starts, in MiB; the operator's limit holds too, here and for the following."""
    max_processes: Amount | None = None
    """Processes that a command may have at a time."""
    max_disk_mb: Amount | None = None
    """How much a call may add to the disk, in MiB."""
    max_output_mb: Amount | None = None
    """How much of each output stream is kept, in MiB: the beginning and the end."""
    max_open_files: OpenFiles | None = None
    """Files that each process may have open; at least 64."""
    secrets: list[EnvName] | None = None
    """Variables the stages need from the operator, who must grant each by name."""
    sandbox: Literal["auto", "bwrap", "landlock", "docker", "none"] | None = None
    """The level of containment asked for; the stricter of this and the operator's holds."""
    network: Literal["host", "none"] | None = None
    """The network asked for; the stricter of this and the operator's holds."""
    sandbox_required: bool = False
    """Whether a fallback to a weaker level is an error."""


class TestsSection(_Stage):
    """Checks that must pass before anything is deployed."""

    SAME = (("cmds", "cmd"),)

    cmds: list[Command] | None = None
    """Shell command lines, run in order."""
    cmd: Command | None = None
    """The same as `cmds` with one command."""


class AuthSection(_Stage):
    """Logging in to what later stages need."""

    SAME = (("cmds", "cmd", "steps"),)

    cmds: list[Command] | None = None
    """Shell command lines, run in order."""
    cmd: Command | None = None
    """The same as `cmds` with one command."""
    steps: list[Command] | None = None
    """The same as `cmds`."""
    interactive: bool = False
    """Whether the commands ask a person; honoured only in guided runs."""


class KubectlDumpSection(Strict):
    """What to record of a cluster before teardown."""

    enabled: bool = False
    """Whether to record anything."""
    namespace: Text | None = None
    """Only this namespace."""
    label_selector: Text | None = None
    """Only what matches."""
    include_logs: bool = False
    """Whether to record the logs of pods."""


class DeploySection(_Stage):
    """Services that a rollout or an evaluation talks to."""

    SAME = (("setup_cmds", "setup_cmd"), ("health_cmds", "health_cmd"), ("teardown_cmds", "teardown_cmd"))

    setup_cmds: list[Command] | None = None
    """Start the services and write `.aider_fsm/runtime_env.json`."""
    setup_cmd: Command | None = None
    """The same as `setup_cmds` with one command."""
    health_cmds: list[Command] | None = None
    """Succeed when the services answer."""
    health_cmd: Command | None = None
    """The same as `health_cmds` with one command."""
    teardown_cmds: list[Command] | None = None
    """Stop what setup started."""
    teardown_cmd: Command | None = None
    """The same as `teardown_cmds` with one command."""
    teardown_policy: Literal["always", "on_success", "on_failure", "never"] = "always"
    """After which runs the teardown commands are run."""
    kubectl_dump: KubectlDumpSection | None = None
    """What to record of a cluster before teardown."""


class RolloutSection(_Stage):
    """The model at work: writes `.aider_fsm/rollout.json`, which names the samples."""

    SAME: ClassVar[tuple[tuple[str, ...], ...]] = (("run_cmds", "run_cmd", "cmds"),)

    run_cmds: list[Command] | None = None
    """Shell command lines, run in order."""
    run_cmd: Command | None = None
    """The same as `run_cmds` with one command."""
    cmds: list[Command] | None = None
    """The same as `run_cmds`."""


class _Measured(RolloutSection):
    metrics_path: FilePath | None = None
    """The JSON object the commands write, relative to the repository."""
    required_keys: list[Text] | None = None
    """Top-level keys the metrics must have."""
    score_range: ScoreRange | None = None
    """Lowest and highest possible `score`, both included; default [0, 1]."""


class EvaluationSection(_Measured):
    """Computes the score and writes it as metrics."""

    SAME = (("run_cmds", "run_cmd", "cmds"), ("hint", "metrics_path"))

    hint: Command | None = None
    """A test command that the runner runs itself, after the others, and whose output it reads: the share of passed
    tests is the score. `auto` is the surest command that the repository states. In place of metrics_path."""


class BenchmarkSection(_Measured):
    """A further measurement, made after the evaluation."""


class ArtifactsSection(Strict):
    """Where evidence is published."""

    out_dir: RelativePath | None = None
    """Folder for the published copy, relative to the repository."""


class ToolingSection(Strict):
    """Deprecated and ignored."""

    ensure_tools: Any = None
    """Ignored."""
    ensure_kind_cluster: Any = None
    """Ignored."""
    kind_cluster_name: Any = None
    """Ignored."""
    kind_config: Any = None
    """Ignored."""


class PipelineFile(Strict):
    """How a repository is deployed, rolled out and evaluated: `pipeline.yml`, version 1."""

    version: Version = 1
    """Always 1."""
    security: SecuritySection | None = None
    """Limits and requests."""
    auth: AuthSection | None = None
    """Logging in."""
    tests: TestsSection | None = None
    """Checks before anything is deployed."""
    deploy: DeploySection | None = None
    """Services."""
    rollout: RolloutSection | None = None
    """The model at work."""
    evaluation: EvaluationSection | None = None
    """The score."""
    benchmark: BenchmarkSection | None = None
    """A further measurement."""
    artifacts: ArtifactsSection | None = None
    """Where evidence is published."""
    tooling: ToolingSection | None = Field(default=None, deprecated=True)
    """Deprecated and ignored."""


class BootstrapFile(_Stage):
    """What is made ready once before the stages: `.aider_fsm/bootstrap.yml`, version 1."""

    SAME = (("cmds", "steps"), ("workdir", "cwd"), ("timeout_seconds", "timeout"), ("retries", "retry"))

    version: Version = 1
    """Always 1."""
    cmds: list[Command] | None = None
    """Shell command lines, run in order."""
    steps: list[Command] | None = None
    """The same as `cmds`."""
    cwd: RelativePath | None = None
    """The same as `workdir`."""
    timeout: Seconds | None = None
    """The same as `timeout_seconds`."""
    retry: Retries | None = None
    """The same as `retries`."""


def _needs(kind: ActionKind, *keys: str) -> dict[str, Any]:
    return {"if": {"properties": {"kind": {"const": kind}}}, "then": {"required": list(keys)}}


class ActionItem(Strict):
    """One step."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                _needs("run_cmd", "cmd"),
                _needs("install_tool", "cmd"),
                _needs("start_service", "cmd"),
                _needs("write_file", "path", "content"),
            ]
        }
    )

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z",
        json_schema_extra={"pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
    )
    """Its name, unique in the file."""
    kind: ActionKind
    """What it does."""
    cmd: Command | None = None
    """The shell command line, for every kind but write_file."""
    path: RelativePath | None = None
    """The file to write, relative to the repository, for write_file."""
    content: str | None = None
    """The whole text of the file, for write_file."""
    timeout_seconds: Seconds | None = None
    """Limit of the command, in seconds."""
    retries: Retries | None = None
    """Further tries of a command that failed; default 0."""
    risk_level: Text | None = None
    """For people: how much can go wrong."""
    rationale: Text | None = None
    """For people: why."""


class ActionsFile(Strict):
    """Steps to take once: `.aider_fsm/actions.yml`, version 1."""

    version: Version = 1
    """Always 1."""
    actions: list[ActionItem]
    """In the order they run."""
