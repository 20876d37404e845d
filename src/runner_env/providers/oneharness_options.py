"""How oneharness is used, and what of its options a user may set for a role."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner_env.errors import OptionError

_BREAKING = frozenset(
    (
        "--prompt",
        "--prompt-file",
        "--system",
        "--system-file",
        "--all",
        "--compact",
        "--stream",
        "--schema",
        "--format",
        "--print-command",
        "--batch-strategy",
        "--mock-rules",
        "--spy-file",
        "--resume",
        "--fork",
        "--session",
        "--control",
        "--help",
        "--version",
    )
)
"""Flags after which one run would no longer read one prompt from standard input and print one envelope."""


@dataclass(frozen=True, slots=True)
class RoleOptions:
    """An evaluator's own oneharness configuration, which then decides on harness, model and timeout.

    Attributes:
        config: a file for `--config`; None: oneharness's own discovery.
        args: further arguments.
    """

    config: str | None = None
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OneharnessOptions:
    """How oneharness is used.

    Attributes:
        bin: the program.
        judge_harness: who judges and plays the user.
        timeout_s: whole seconds for each turn of a harness, at least 1.
        history: have oneharness record each session of the skill.
        history_dir: where to.
        judge: the judge's own configuration, in place of `judge_harness`, its model and the timeout.
        simulated_user: that of the user; None: as the judge.
        insisted: the flags of oneharness (`--harness`, `--model`, `--timeout`) whose values here go before those of
            `judge` and `simulated_user`, because somebody asked for them in this very run.
    """

    bin: str = "oneharness"
    judge_harness: str = "claude-code"
    timeout_s: int = 120
    history: bool = True
    history_dir: Path | None = None
    judge: RoleOptions | None = None
    simulated_user: RoleOptions | None = None
    insisted: frozenset[str] = frozenset()


def check_role_args(args: tuple[str, ...], setting: str) -> None:
    """Refuse arguments that break the contract of one prompt and one verdict.

    Args:
        args: as configured.
        setting: where, as in `provider.judge.args`.

    Raises:
        OptionError: one of them does.
    """
    for index, argument in enumerate(args):
        flag, _, value = argument.partition("=")
        if argument == "--":
            return
        if flag in _BREAKING:
            raise _refused(setting, f"`{flag}` is incompatible with a single buffered skilltest verdict")
        if flag == "--run-mode" and (value or "".join(args[index + 1 : index + 2])) != "fallback":
            raise _refused(setting, "`--run-mode` must be fallback for a single verdict")


def _refused(setting: str, why: str) -> OptionError:
    return OptionError("role_args", f"config setting `{setting}`: {why}", hint=f"Remove it from `{setting}`.")
