"""How long a command, a stage and a run may take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runner_env.contract import variables
from runner_env.contract.model import Security, StageSpec
from runner_env.errors import OptionError

DEFAULT_COMMAND_SECONDS = 3600.0
DEFAULT_STAGE_SECONDS = 6 * 3600.0
DEFAULT_RUN_SECONDS = 24 * 3600.0

_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left for the next command.

    Attributes:
        seconds: how long it may take; zero or less if nothing is left.
        reason: which limit that is, as it is reported when it is hit.
    """

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """The limits of one run.

    The limit of a command is the smaller of the stage's `timeout_seconds` and `security.max_cmd_seconds`; one hour if
    neither is set. A stage as a whole has `security.max_total_seconds`, or six hours; a run has 24 hours. The
    variables AIDER_FSM_MAX_CMD_SECONDS and AIDER_FSM_MAX_TOTAL_SECONDS take the place of the two `security` caps.

    Attributes:
        monotonic: the clock.
        run_deadline: when the run ends, on that clock.
        max_cmd_seconds: cap for each command, or None.
        max_total_seconds: cap for each stage, or None.
    """

    monotonic: Callable[[], float]
    run_deadline: float
    max_cmd_seconds: float | None
    max_total_seconds: float | None

    @classmethod
    def of(
        cls,
        security: Security,
        environments: tuple[Mapping[str, str], ...],
        monotonic: Callable[[], float],
        run_started: float,
    ) -> TimeLimits:
        """The limits under `security`, where `environments` (first match wins) may replace its caps.

        Raises:
            OptionError: a variable is not a positive whole number.
        """
        command = _positive(variables.AIDER_FSM_MAX_CMD_SECONDS, environments)
        total = _positive(variables.AIDER_FSM_MAX_TOTAL_SECONDS, environments)
        return cls(
            monotonic=monotonic,
            run_deadline=run_started + DEFAULT_RUN_SECONDS,
            max_cmd_seconds=command or security.max_cmd_seconds,
            max_total_seconds=total or security.max_total_seconds,
        )

    def allowance(self, spec: StageSpec, stage_started: float) -> Allowance:
        """What a command of `spec`, whose stage began at `stage_started`, may take now."""
        now = self.monotonic()
        command = min((s for s in (spec.timeout_s, self.max_cmd_seconds) if s), default=DEFAULT_COMMAND_SECONDS)
        total = self.max_total_seconds or DEFAULT_STAGE_SECONDS
        candidates = (
            Allowance(command, f"command_time_limit_exceeded: {command:g}"),
            Allowance(stage_started + total - now, f"max_total_seconds_exceeded: {total:g}"),
            Allowance(self.run_deadline - now, f"run_time_limit_exceeded: {DEFAULT_RUN_SECONDS:g}"),
        )
        return min(candidates, key=lambda allowance: allowance.seconds)


def _positive(name: str, environments: tuple[Mapping[str, str], ...]) -> float | None:
    text = next((env[name] for env in environments if env.get(name, "").strip()), None)
    if text is None:
        return None
    if not _SECONDS.fullmatch(text.strip()) or not int(text):
        hint = "Use a whole number from 1 to 999999999."
        raise OptionError("bad_time_limit", f"{name} is {text!r}, not a positive whole number of seconds", hint=hint)
    return float(text)
