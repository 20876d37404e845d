"""The keywords of the public API: their names and types, and what is said of one that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from runner_env.runs.options import (
    AgentShell,
    Audit,
    Mode,
    Network,
    SandboxLevel,
    Scaffold,
    Unattended,
    Workspace,
)


class SetupKeywords(TypedDict, total=False):
    """The keywords of `setup()`; `docs/env_api.md` explains each, `runner_env.runs.options` has the defaults."""

    clones_dir: str | Path | None
    pipeline_rel: str
    require_metrics: bool
    audit: Audit
    harness: str
    opencode_model: str
    opencode_repair_model: str | None
    opencode_url: str
    unattended: Unattended
    opencode_timeout_seconds: float
    opencode_repair_timeout_seconds: float | None
    opencode_retry_attempts: int
    opencode_retry_backoff_seconds: float
    opencode_session_recover_attempts: int | None
    opencode_session_recover_backoff_seconds: float | None
    opencode_context_length: int | None
    opencode_max_prompt_chars: int | None
    opencode_bash: AgentShell
    scaffold_opencode_bash: AgentShell
    strict_opencode: bool | None
    scaffold: Scaffold
    artifacts_dir: str | Path | None
    pass_env: Sequence[str]
    workspace: Workspace
    sandbox: SandboxLevel | None
    network: Network | None


class CallKeywords(TypedDict, total=False):
    """The keywords that `rollout()` and `evaluate()` share."""

    mode: Mode
    env_overrides: Mapping[str, object] | None
    artifacts_dir: str | Path | None
    repair_iters: int


class RolloutKeywords(CallKeywords, total=False):
    """The keywords of `rollout()`."""

    require_samples: bool


def known(function: str, given: Mapping[str, object], keywords: type) -> None:
    """Refuse a keyword that a function does not have, with the one that is meant, if one is near.

    Args:
        function: its name.
        given: what it was called with.
        keywords: the type that lists what it has.

    Raises:
        TypeError: as Python itself raises it.
    """
    names: frozenset[str] = keywords.__optional_keys__  # type: ignore[attr-defined]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f". Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{hint}")
