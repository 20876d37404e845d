"""What a contract says, as frozen values with the place of everything that can be wrong later."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.core import Finding, Where

ActionKind = Literal["run_cmd", "install_tool", "start_service", "write_file"]
"""What an action of `actions.yml` does; the first three run a command."""

MIN_OPEN_FILES = 64
"""The lowest limit of open files: with fewer, hardly any program starts, nor does what starts it."""


class StageName(StrEnum):
    """Every stage, in run order; the values are those of `AIDER_FSM_STAGE` and `failed_stage`."""

    BOOTSTRAP = "bootstrap"
    AUTH = "auth"
    TESTS = "tests"
    DEPLOY_SETUP = "deploy_setup"
    DEPLOY_HEALTH = "deploy_health"
    ROLLOUT = "rollout"
    EVALUATION = "evaluation"
    BENCHMARK = "benchmark"
    DEPLOY_TEARDOWN = "deploy_teardown"
    ACTIONS = "actions"


class TeardownPolicy(StrEnum):
    """After which runs `deploy.teardown_cmds` are run."""

    ALWAYS = "always"
    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command line for `/bin/sh`, stripped and never empty; it may span lines."""

    text: str
    where: Where


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One declared stage that has commands, or a hint.

    Attributes:
        name: which stage.
        commands: in the order they run.
        env: the contract's variables for this stage, as text; not yet merged with anything.
        workdir: POSIX, relative to the repository, lexically inside it; None is the repository itself.
        timeout_s: seconds for each command; None is no limit of its own.
        retries: further tries of a failed command, 0 to 100; always 0 for teardown.
        where: the key under which the commands stand.
        interactive: `auth.interactive`; honoured only when a person is there.
        hint: `evaluation.hint`: run after the commands, once; its output is the result. `auto`: still to be found.
    """

    name: StageName
    commands: tuple[CommandSpec, ...]
    env: Mapping[str, str]
    workdir: str | None
    timeout_s: float | None
    retries: int
    where: Where
    interactive: bool = False
    hint: CommandSpec | None = None


@dataclass(frozen=True, slots=True)
class MetricsSpec:
    """What `evaluation` or `benchmark` promises to leave behind.

    Attributes:
        path: the metrics file, POSIX, relative to the repository, lexically inside it; None if none is declared.
        required_keys: top-level keys it must have.
        score_range: smallest and largest believable `score`, both inclusive; default 0 to 1.
        where: the `metrics_path` key, or the section's.
    """

    path: str | None
    required_keys: tuple[str, ...]
    score_range: tuple[float, float]
    where: Where


@dataclass(frozen=True, slots=True)
class Security:
    """What a contract asks of the runner; it can tighten, never loosen or grant.

    Attributes:
        mode: `safe` (default) adds the default denials of the command policy; `system` leaves them out.
        allowlist: regular expressions that compile, searched without regard to case.
        denylist: likewise.
        max_cmd_seconds: limit of each command; None is no limit.
        max_total_seconds: limit of each stage as a whole; None is no limit of its own.
        secrets: names of variables requested from the operator.
        max_memory_mb: MiB in memory for a command and all it starts; None, as for the following: the operator's limit.
        max_processes: processes at a time of a command.
        max_disk_mb: MiB that a call may add to the disk.
        max_output_mb: MiB that are kept of each output stream.
        max_open_files: files that each process may have open.
        sandbox: requested level, or None.
        network: requested network, `host` or `none`, or None.
        sandbox_required: a fallback to a weaker level is an error.
    """

    mode: Literal["safe", "system"] = "safe"
    allowlist: tuple[str, ...] = ()
    denylist: tuple[str, ...] = ()
    max_cmd_seconds: float | None = None
    max_total_seconds: float | None = None
    max_memory_mb: int | None = None
    max_processes: int | None = None
    max_disk_mb: int | None = None
    max_output_mb: int | None = None
    max_open_files: int | None = None
    secrets: tuple[str, ...] = ()
    sandbox: str | None = None
    network: str | None = None
    sandbox_required: bool = False


@dataclass(frozen=True, slots=True)
class KubectlDump:
    """`deploy.kubectl_dump`: whether and what to record of a cluster before teardown."""

    enabled: bool = False
    namespace: str | None = None
    label_selector: str | None = None
    include_logs: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """A whole `pipeline.yml`.

    Attributes:
        file: its path, POSIX, relative to the repository.
        sha256: of its bytes.
        security: requests and limits.
        stages: the declared stages that have commands, in run order (never bootstrap or actions).
        teardown_policy: when teardown runs.
        evaluation_metrics: None if there is no `evaluation` section.
        benchmark_metrics: None if there is no `benchmark` section.
        kubectl_dump: what to record of a cluster.
        artifacts_out_dir: `artifacts.out_dir`, POSIX, relative to the repository, lexically inside it.
        notes: what was accepted but deserves a word; all of verdict `passed`.
    """

    file: str
    sha256: str
    security: Security
    stages: Mapping[StageName, StageSpec]
    teardown_policy: TeardownPolicy = TeardownPolicy.ALWAYS
    evaluation_metrics: MetricsSpec | None = None
    benchmark_metrics: MetricsSpec | None = None
    kubectl_dump: KubectlDump = field(default_factory=KubectlDump)
    artifacts_out_dir: str | None = None
    notes: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A whole `.aider_fsm/bootstrap.yml`.

    Attributes:
        file: its path, POSIX, relative to the repository.
        sha256: of its bytes.
        commands: in the order they run; may be empty.
        env: as written; `expand_env` gives the values that stages see.
        workdir: POSIX, relative to the repository, lexically inside it; None is the repository itself.
        timeout_s: seconds for each command; None is no limit of its own.
        retries: further tries of a failed command, 0 to 100.
        where: the key under which the commands stand, or the start of the file.
        notes: each leniency that was used (`bootstrap_alias`), all of verdict `passed`.
    """

    file: str
    sha256: str
    commands: tuple[CommandSpec, ...]
    env: Mapping[str, str]
    workdir: str | None
    timeout_s: float | None
    retries: int
    where: Where
    notes: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One step of `actions.yml`.

    Attributes:
        id: unique in the file, safe as part of a file name.
        kind: what it does.
        command: for every kind but `write_file`.
        path: for `write_file`: POSIX, relative to the repository, lexically inside it, not a protected file.
        content: for `write_file`: the whole new text.
        timeout_s: seconds; None is no limit of its own.
        retries: further tries, 0 to 100.
        risk_level: as written, for people.
        rationale: as written, for people.
        where: the place of the action.
    """

    id: str
    kind: ActionKind
    command: CommandSpec | None
    path: str | None
    content: str | None
    timeout_s: float | None
    retries: int
    risk_level: str | None
    rationale: str | None
    where: Where


@dataclass(frozen=True, slots=True)
class Actions:
    """A whole `.aider_fsm/actions.yml`; `file` and `sha256` as in `Contract`."""

    file: str
    sha256: str
    actions: tuple[Action, ...]
    notes: tuple[Finding, ...] = ()
