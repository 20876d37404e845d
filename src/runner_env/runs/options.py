"""What the caller asks for, validated once and handed on as one value."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from runner_env.errors import OptionError
from runner_env.settings import Settings

Audit = Literal["on", "off", "warn-only"]
Scaffold = Literal["auto", "agent", "rules", "off"]
Unattended = Literal["strict", "guided"]
Mode = Literal["smoke", "full"]
Workspace = Literal["inplace", "copy"]
AgentShell = Literal["restricted", "full"]
SandboxLevel = Literal["auto", "bwrap", "landlock", "docker", "none"]
Network = Literal["host", "none"]

_HARNESS = re.compile(r"auto|opencode|oneharness:[a-z0-9][a-z0-9._-]*|[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """How an agent program is reached when a contract has to be written or repaired.

    The names in the public API are these with `opencode_` in front, but for `harness`, and `scaffold_bash`, which is
    `scaffold_opencode_bash`; times are seconds.
    """

    model: str = ""
    repair_model: str | None = None
    url: str = ""
    timeout_seconds: float = 300
    repair_timeout_seconds: float | None = None
    retry_attempts: int = 2
    retry_backoff_seconds: float = 2.0
    session_recover_attempts: int | None = None
    session_recover_backoff_seconds: float | None = None
    context_length: int | None = None
    max_prompt_chars: int | None = None
    bash: AgentShell = "restricted"
    scaffold_bash: AgentShell = "restricted"
    harness: str = "auto"

    def __post_init__(self) -> None:
        for name in ("timeout_seconds", "repair_timeout_seconds", "context_length", "max_prompt_chars"):
            _at_least(f"opencode_{name}", getattr(self, name), 0, exclusive=True)
        for name in (
            "retry_attempts", "retry_backoff_seconds", "session_recover_attempts", "session_recover_backoff_seconds",
        ):  # fmt: skip
            _at_least(f"opencode_{name}", getattr(self, name), 0)
        for name in ("retry_attempts", "session_recover_attempts", "context_length", "max_prompt_chars"):
            _whole(f"opencode_{name}", getattr(self, name))
        if not isinstance(self.harness, str) or not _HARNESS.fullmatch(self.harness):
            hint = "Use 'auto', 'opencode', or 'oneharness:' and the name of a harness that it knows."
            raise OptionError("bad_option", f"harness is {self.harness!r}", hint=hint)
        for name in ("model", "repair_model", "url"):
            text = getattr(self, name)
            if not isinstance(text, str) and not (name == "repair_model" and text is None):
                raise OptionError("bad_option", f"opencode_{name} is {text!r}, not text")
        _one_of("opencode_bash", self.bash, AgentShell)
        _one_of("scaffold_opencode_bash", self.scaffold_bash, AgentShell)


@dataclass(frozen=True, slots=True)
class SetupOptions:
    """What `setup()` was asked for.

    Attributes:
        clones_dir: where remote targets are cloned instead of the default place.
        pipeline_rel: the contract, relative to the repository.
        require_metrics: whether a run without a score can pass.
        audit: whether it is audited that the score was earned.
        unattended: `strict` refuses commands that would wait for a person.
        scaffold: who may write a missing contract.
        artifacts_dir: where the artifacts of writing a contract go.
        pass_env: variables of the caller's environment that stages may see.
        workspace: whether stages run in the target itself or in a copy of it, beside other runs.
        sandbox: the level of containment; None: what `RUNNER_ENV_SANDBOX` says, or else `auto`.
        network: `none` keeps it away from stages; None: what `RUNNER_ENV_NETWORK` says, or else `host`.
        agent: how an agent program is reached.
    """

    clones_dir: Path | None = None
    pipeline_rel: str = "pipeline.yml"
    require_metrics: bool = True
    audit: Audit = "on"
    unattended: Unattended = "strict"
    scaffold: Scaffold = "auto"
    artifacts_dir: Path | None = None
    pass_env: tuple[str, ...] = ()
    workspace: Workspace = "inplace"
    sandbox: SandboxLevel | None = None
    network: Network | None = None
    agent: AgentOptions = field(default_factory=AgentOptions)

    def __post_init__(self) -> None:
        _one_of("audit", self.audit, Audit)
        _one_of("unattended", self.unattended, Unattended)
        _one_of("scaffold", self.scaffold, Scaffold)
        _one_of("workspace", self.workspace, Workspace)
        _flag("require_metrics", self.require_metrics)
        if self.sandbox is not None:
            _one_of("sandbox", self.sandbox, SandboxLevel)
        if self.network is not None:
            _one_of("network", self.network, Network)
        if not self.pipeline_rel or not isinstance(self.pipeline_rel, str):
            raise OptionError("bad_option", f"pipeline_rel is {self.pipeline_rel!r}, not a relative path")
        for name in self.pass_env:
            _env_name("pass_env", name)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What `rollout()` or `evaluate()` was asked for.

    Attributes:
        mode: `smoke` or `full`, passed to the stages as `AIDER_EVAL_MODE`.
        require_samples: whether the rollout must leave valid samples.
        env_overrides: variables for every stage; they win over the contract's own.
        artifacts_dir: where the published copy goes instead of `.aider_fsm/artifacts/<run id>/`.
        repair_iters: how often a failing contract may be repaired.
    """

    mode: Mode = "smoke"
    require_samples: bool = False
    env_overrides: Mapping[str, str] = field(default_factory=dict)
    artifacts_dir: Path | None = None
    repair_iters: int = 3

    def __post_init__(self) -> None:
        _one_of("mode", self.mode, Mode)
        _flag("require_samples", self.require_samples)
        _at_least("repair_iters", self.repair_iters, 0)
        _whole("repair_iters", self.repair_iters)
        for name, value in self.env_overrides.items():
            _env_name("env_overrides", name)
            _env_value(f"env_overrides[{name!r}]", value)


def setup_options(given: Mapping[str, Any]) -> SetupOptions:
    """Turn the keywords of `setup()` into one value.

    Raises:
        OptionError: an unknown keyword (the nearest known one is in the hint) or an unusable value.
    """
    agent: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in given.items():
        if name == "scaffold_opencode_bash":
            agent["scaffold_bash"] = value
        elif name == "harness":
            agent["harness"] = value
        elif name.startswith("opencode_"):
            agent[name.removeprefix("opencode_")] = value
        else:
            own[name] = value
    strict = own.pop("strict_opencode", None)
    if strict is not None:
        _flag("strict_opencode", strict)
    if strict:
        own["scaffold"] = "agent"
    for name in ("clones_dir", "artifacts_dir"):
        own[name] = resolved(name, own.get(name))
    own["pass_env"] = _names("pass_env", own.get("pass_env", ()))
    return SetupOptions(agent=AgentOptions(**agent), **own)


def call_options(given: Mapping[str, Any]) -> CallOptions:
    """Turn the keywords of `rollout()` and `evaluate()` into one value.

    Raises:
        OptionError: an unusable value.
    """
    env = given.get("env_overrides")
    env = {} if env is None else env
    if not isinstance(env, Mapping):
        raise OptionError("bad_option", f"env_overrides is {env!r}, not a mapping of names to values")
    plain = {name: "" if value is None else str(value) for name, value in env.items()}
    artifacts_dir = _folder("artifacts_dir", resolved("artifacts_dir", given.get("artifacts_dir")))
    return CallOptions(**{**given, "env_overrides": plain, "artifacts_dir": artifacts_dir})


def operator_wish(options: SetupOptions, settings: Settings) -> tuple[str, Network]:
    """The level and the network that the operator asks for: the keyword, or else the variable, or else the default.

    Raises:
        OptionError: a variable has an unusable value.
    """
    level = options.sandbox or settings.sandbox or "auto"
    network = options.network or settings.network or "host"
    _one_of("RUNNER_ENV_SANDBOX", level, SandboxLevel)
    _one_of("RUNNER_ENV_NETWORK", network, Network)
    return level, "none" if network == "none" else "host"


def _folder(option: str, path: Path | None) -> Path | None:
    """A directory that is there, or that can be made where nothing is in the way."""
    if path is None:
        return None
    there = next(place for place in (path, *path.parents) if place.exists())
    if not there.is_dir() or path == path.parent:
        message = f"{option} is {path}, which cannot be a directory of its own"
        raise OptionError("bad_option", message, hint="Name a directory, or one that can be made.")
    return path


def resolved(name: str, value: str | Path | None) -> Path | None:
    """A path given as a string or Path, expanded and absolute."""
    if value is None:
        return None
    if not isinstance(value, (str, Path)) or not str(value).strip():
        raise OptionError("bad_option", f"{name} is {value!r}, not a path")
    try:
        return Path(value).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, nobody's home, a NUL byte
        raise OptionError("bad_option", f"{name} is {value!r}, not a usable path: {error}") from error


def _names(option: str, value: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise OptionError("bad_option", f"{option} is {value!r}, not a list of names", hint=f"Write {option}=[...].")
    return tuple(value)


def _env_name(option: str, name: object) -> None:
    if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
        raise OptionError("bad_option", f"{option}: {name!r} is not the name of an environment variable")


def _env_value(option: str, value: str) -> None:
    try:
        encoded = os.fsencode(value)
    except UnicodeEncodeError as error:
        raise OptionError("bad_option", f"{option} has a character that no variable can hold: {error}") from error
    if 0 in encoded:
        raise OptionError("bad_option", f"{option} has a NUL byte")


def _one_of(option: str, value: object, literal: object) -> None:
    allowed = get_args(literal)
    if value not in allowed:
        names = ", ".join(map(repr, allowed))
        raise OptionError("bad_option", f"{option} is {value!r}", hint=f"Use one of {names}.")


def _flag(option: str, value: object) -> None:
    if not isinstance(value, bool):
        raise OptionError("bad_option", f"{option} is {value!r}, not True or False")


def _at_least(option: str, value: float | None, least: int, *, exclusive: bool = False) -> None:
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < least or (exclusive and value == least):
        kind = "a positive number" if exclusive else "zero or more"
        raise OptionError("bad_option", f"{option} is {value!r}, not {kind}")


def _whole(option: str, value: float | None) -> None:
    if value is not None and not isinstance(value, int):
        raise OptionError("bad_option", f"{option} is {value!r}, not a whole number")
