"""From a request to a command line of `oneharness run`. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from runner_env.providers.oneharness_options import OneharnessOptions, RoleOptions

_SLUG_CHARS = 40
_BUFFERED = ("--compact", "--events", "--prompt-file", "-", "--no-stream")
_STREAMED = ("--stream", "--format", "json", "--events", "--prompt-file", "-")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a skill.

    Attributes:
        harness: the agent program.
        model: the model; empty: the harness's own choice.
        system: the flag and value that carry the skill, as in `("--system", body)`.
        opening: the conversation's first user message, after which the recorded session is named.
        session: the session to continue; None: a new one.
        streamed: report tool events as they happen.
        extra: further arguments.
    """

    harness: str
    model: str
    system: tuple[str, str]
    opening: str
    session: str | None = None
    streamed: bool = False
    extra: tuple[str, ...] = ()


def turn_argv(options: OneharnessOptions, turn: Turn) -> tuple[str, ...]:
    """The command line for a turn of the skill; the prompt comes by standard input."""
    argv = [options.bin, "run", *(_STREAMED if turn.streamed else _BUFFERED)]
    argv += ["--harness", turn.harness, "--timeout", str(options.timeout_s)]
    if turn.model:
        argv += ["--model", turn.model]
    argv += turn.system
    if turn.session is not None:
        argv += ["--resume", turn.session]
    if options.history:
        argv += ["--history", *_history_dir(options), "--history-name", history_name(turn)]
    return (*argv, *turn.extra)


def role_argv(options: OneharnessOptions, role: RoleOptions | None, model: str, schema: Path | None) -> tuple[str, ...]:
    """The command line for the judge or the simulated user."""
    settings = {"--harness": options.judge_harness, "--timeout": str(options.timeout_s), "--model": model}
    own: list[str] = []
    if role is not None:
        settings = {flag: value for flag, value in settings.items() if flag in options.insisted}
        own = ["--config", role.config] if role.config is not None else []
        own += _without(role.args, settings)
    # the role's own arguments come last, because they may end in `-- ...`
    argv = [options.bin, "run", *_BUFFERED, *(part for item in settings.items() if item[1] for part in item)]
    if schema is not None:
        argv += ["--schema", str(schema)]
    return (*argv, *own)


def history_name(turn: Turn) -> str:
    """The name under which oneharness records a conversation; the same for the same harness, model and opening."""
    parts = ("skilltest", turn.harness, turn.model, _slug(turn.opening))
    return "-".join([*(_safe(part) for part in parts if part), f"{_fnv1a(turn.opening.encode()) & 0xFFFFFFFF:08x}"])


def history_command(options: OneharnessOptions, turn: Turn) -> str:
    """How a person can look at what oneharness recorded."""
    return shlex.join([options.bin, "history", "show", history_name(turn), *_history_dir(options)])


def _without(args: tuple[str, ...], flags: Collection[str]) -> list[str]:
    """`args` without `flags` and their values, as far as they are flags at all: not behind `--`."""
    end = args.index("--") if "--" in args else len(args)
    kept: list[str] = []
    rest = iter(args[:end])
    for argument in rest:
        if argument in flags:
            next(rest, None)
        elif argument.partition("=")[0] not in flags:
            kept.append(argument)
    return [*kept, *args[end:]]


def _history_dir(options: OneharnessOptions) -> list[str]:
    return [] if options.history_dir is None else ["--history-dir", str(options.history_dir)]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_SLUG_CHARS].strip("-")


def _safe(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", part)


def _fnv1a(data: bytes) -> int:
    """The 64-bit FNV-1a hash (Fowler, Noll, Vo)."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value
