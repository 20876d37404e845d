"""The config: defaults < file < environment < `--set` < flags, checked once, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.contract.places import note
from runner_env.core import Finding, Where
from runner_env.errors import OptionError
from runner_env.providers.api_judge import ApiJudgeOptions, ApiVendor
from runner_env.providers.oneharness_options import OneharnessOptions, RoleOptions, check_role_args
from runner_env.skills.config_file import ApiJudgeFile, CommandFile, ConfigFile, OneharnessFile, PriceFile, RoleFile
from runner_env.skills.mocks import declared
from runner_env.skills.patches import Patch, environment_patches, patched, set_patches
from runner_env.skills.problems import validated
from runner_env.skills.reading import read_text, refusal, yaml_root
from runner_env.skills.values import MockDecl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.contract.document import Node

DEFAULT_FILE = "skilltest.yaml"
_ROLE_FLAGS = {
    ("provider", "judge_harness"): "--harness",
    ("judge_model",): "--model",
    ("provider", "timeout_secs"): "--timeout",
}
"""The settings that, given for a run, go before what a role's own block says, and oneharness's flags for them."""


@dataclass(frozen=True, slots=True)
class CommandConfig:
    """The provider that is a program of the user's own."""

    command: tuple[str, ...]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class ScriptedConfig:
    """The shipped deterministic provider."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """US dollars for a million tokens of prompt and of reply."""

    input: float
    output: float


@dataclass(frozen=True, slots=True)
class Caps:
    """Where a run ends although trials are left; None is no limit. US dollars, tokens, seconds."""

    max_cost: float | None = None
    max_tokens: int | None = None
    max_time: float | None = None


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many trials run at the same time; None is no limit of its own."""

    jobs: int | None = None
    by_platform: Mapping[str, int] = field(default_factory=dict)
    judge: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """How cases are run.

    Attributes:
        provider: what runs the skill, plays the user and judges.
        platforms: agent programs, at least one.
        models: models, at least one; empty text leaves the choice to the agent program.
        judge_model: the model that judges and plays the user.
        max_turns: answers of the skill at most, if a case says nothing else.
        mocks: those of `--mocks`, then those of the config, still without names.
        spy: record tool calls even in cases without mocks.
        judge: a judge of its own, or None.
        abort: whether the first failed call ends the run.
        repeat: trials of each case on each platform and model.
        concurrency: limits.
        min_coverage: share of trials that must be scored.
        caps: where the run ends early.
        prices: those that go before the built-in table.
        notes: what the user should know, of verdict `passed`.
    """

    provider: OneharnessOptions | CommandConfig | ScriptedConfig
    platforms: tuple[str, ...]
    models: tuple[str, ...]
    judge_model: str
    max_turns: int
    mocks: tuple[MockDecl, ...]
    spy: bool
    judge: ApiJudgeOptions | None
    abort: bool
    repeat: int
    concurrency: Concurrency
    min_coverage: float
    caps: Caps
    prices: Mapping[str, ModelPrice]
    notes: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigSources:
    """Where settings come from.

    Attributes:
        file: `--config`; None: `skilltest.yaml` in `cwd`, if it is there.
        environ: the process environment.
        assignments: the arguments of `--set`, in their order.
        flags: settings that have a flag of their own, in their order.
        mocks_files: the arguments of `--mocks`.
        cwd: what relative paths are relative to.
    """

    environ: Mapping[str, str]
    cwd: Path
    file: str | None = None
    assignments: Sequence[str] = ()
    flags: Sequence[Patch] = ()
    mocks_files: Sequence[str] = ()


def load_config(sources: ConfigSources) -> Config:
    """The config that `sources` amount to.

    Raises:
        DefinitionError: a file cannot be read, or a setting is unknown or unusable; with every problem and its place.
    """
    layers = (*environment_patches(sources.environ), *set_patches(sources.assignments))
    root = patched(_file_root(sources), layers)
    flags = [flag for flag in sources.flags if _concerns(flag, root)]
    root = patched(root, flags)
    value = validated(root, ConfigFile)
    mocks = [mock for file in sources.mocks_files for mock in _mocks_file(file, sources.cwd)]
    config = _config(value, root, (*mocks, *declared(value.mocks, root.get("mocks"))), sources)
    given = {patch.path for patch in (*layers, *flags)}
    insisted = frozenset(flag for path, flag in _ROLE_FLAGS.items() if path in given)
    if insisted and isinstance(config.provider, OneharnessOptions):
        config = replace(config, provider=replace(config.provider, insisted=insisted))
    return config


def _concerns(flag: Patch, root: Node) -> bool:
    """Whether `flag` has a meaning for the provider; one of oneharness's is left out where another is configured."""
    provider = root.get("provider")
    kind = provider.get("kind") if provider else None
    if len(flag.path) < 2 or kind is None or kind.value == "oneharness":
        return True
    return kind.value == "command" and flag.path == ("provider", "timeout_secs")


def _file_root(sources: ConfigSources) -> Node | None:
    file = sources.file
    if file is None:
        if not (sources.cwd / DEFAULT_FILE).exists():
            return None
        file = DEFAULT_FILE
    root = yaml_root(read_text(sources.cwd / file, file), file)
    if root is None:
        raise refusal("empty_config", "The config is empty.", Where(file, 1, 1), "Delete it, or write `{}`.")
    if not isinstance(root.value, dict):
        raise refusal("wrong_type", "The config must be a mapping.", root.where, "Write `platforms: …` lines.")
    return root


def _mocks_file(file: str, cwd: Path) -> tuple[MockDecl, ...]:
    from runner_env.contract.document import Entry, Node
    from runner_env.skills.mock_file import MocksFile

    # JSON is YAML, so one reader does for both.
    items = yaml_root(read_text(cwd / file, file), file) or Node((), Where(file, 1, 1))
    root = Node({"mocks": Entry(items.where, items)}, items.where)
    return declared(validated(root, MocksFile).mocks, items)


def _config(value: ConfigFile, root: Node, mocks: tuple[MockDecl, ...], sources: ConfigSources) -> Config:
    return Config(
        provider=_provider(value.provider, root.get("provider"), sources.environ),
        platforms=tuple(value.platforms),
        models=tuple(value.models),
        judge_model=value.judge_model or value.models[0],
        max_turns=value.max_turns,
        mocks=mocks,
        spy=value.spy,
        judge=_judge(value.judge),
        abort=value.on_error == "abort",
        repeat=value.repeat,
        concurrency=Concurrency(value.jobs, value.platform_jobs, value.judge_jobs),
        min_coverage=value.min_coverage,
        caps=Caps(value.max_cost, value.max_tokens, value.max_time),
        prices={model: _price(price) for model, price in value.prices.items()},
        notes=_notes(root),
    )


def _provider(
    value: OneharnessFile | CommandFile | object, node: Node | None, environ: Mapping[str, str]
) -> OneharnessOptions | CommandConfig | ScriptedConfig:
    if isinstance(value, CommandFile):
        return CommandConfig(tuple(value.command), value.timeout_secs)
    if not isinstance(value, OneharnessFile):
        return ScriptedConfig()
    return OneharnessOptions(
        bin=value.bin or environ.get("SKILLTEST_ONEHARNESS_BIN") or "oneharness",
        judge_harness=value.judge_harness,
        timeout_s=value.timeout_secs,
        history=value.history,
        history_dir=Path(value.history_dir) if value.history_dir else _history_dir(environ),
        judge=_role(value.judge, "judge", node) if value.judge else None,
        simulated_user=_role(value.simulated_user, "simulated_user", node) if value.simulated_user else None,
    )


def _role(value: RoleFile, key: str, node: Node | None) -> RoleOptions:
    args = tuple(value.args)
    try:
        check_role_args(args, f"provider.{key}.args")
    except OptionError as error:
        role = node.get(key) if node else None
        where = role.where_of("args") if role else Where("provider")
        raise refusal(error.code, error.message, where, error.hint) from error
    return RoleOptions(value.config, args)


def _history_dir(environ: Mapping[str, str]) -> Path:
    if own := environ.get("SKILLTEST_HISTORY_DIR"):
        return Path(own)
    state = environ.get("XDG_STATE_HOME")
    base = Path(state) if state else Path(environ.get("HOME") or "~").expanduser() / ".local" / "state"
    return base / "skilltest" / "oneharness-history"


def _judge(value: ApiJudgeFile | None) -> ApiJudgeOptions | None:
    if value is None:
        return None
    vendor = ApiVendor(value.vendor)
    return ApiJudgeOptions(vendor, value.api_key_env, value.base_url, value.timeout_secs, value.strict_json)


def _price(value: PriceFile) -> ModelPrice:
    return ModelPrice(value.input, value.output)


def _notes(root: Node) -> tuple[Finding, ...]:
    judge = root.get("judge")
    if judge is None or "curl_bin" not in judge.entries:
        return ()
    message = "`judge.curl_bin` is ignored: requests are made without the curl program."
    return (note("curl_bin_ignored", message, judge.where_of("curl_bin"), "Delete the line."),)
