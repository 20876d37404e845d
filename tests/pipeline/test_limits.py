"""Time limits: which of them holds for the next command."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.contract.model import Security, StageName, StageSpec
from runner_env.core import Where
from runner_env.errors import OptionError
from runner_env.pipeline.limits import (
    DEFAULT_COMMAND_SECONDS,
    DEFAULT_RUN_SECONDS,
    DEFAULT_STAGE_SECONDS,
    TimeLimits,
)

CMD = "AIDER_FSM_MAX_CMD_SECONDS"
TOTAL = "AIDER_FSM_MAX_TOTAL_SECONDS"
SECONDS = st.none() | st.floats(0.5, 1e6)


def spec(timeout_s: float | None = None) -> StageSpec:
    """A stage with a limit of its own."""
    return StageSpec(StageName.TESTS, (), {}, None, timeout_s, 0, Where("pipeline.yml"))


def limits(security: Security, *environments: dict[str, str], now: float = 0.0) -> TimeLimits:
    """Limits of a run that began at 0."""
    return TimeLimits.of(security, environments, lambda: now, 0.0)


@settings(max_examples=100)
@given(timeout=SECONDS, cap=SECONDS, total=SECONDS, elapsed=st.floats(0, 1e5))
def test_the_smallest_limit_holds(
    timeout: float | None, cap: float | None, total: float | None, elapsed: float
) -> None:
    """B033, B035: the smaller of stage and contract, never more than what is left of stage and run."""
    allowance = limits(Security(max_cmd_seconds=cap, max_total_seconds=total), now=elapsed).allowance(
        spec(timeout), stage_started=elapsed / 2
    )
    own = [limit for limit in (timeout, cap) if limit is not None]
    command = min(own) if own else DEFAULT_COMMAND_SECONDS
    stage = elapsed / 2 + (total or DEFAULT_STAGE_SECONDS) - elapsed
    assert allowance.seconds == min(command, stage, DEFAULT_RUN_SECONDS - elapsed)
    assert allowance.reason.split(":")[0] in {
        "command_time_limit_exceeded", "max_total_seconds_exceeded", "run_time_limit_exceeded",
    }  # fmt: skip


def test_the_reason_names_the_limit() -> None:
    """B035: what is reported says which limit it is, and how large."""
    assert limits(Security(max_total_seconds=7)).allowance(spec(), 0.0).reason == "max_total_seconds_exceeded: 7"
    assert limits(Security(max_cmd_seconds=2.5)).allowance(spec(9), 0.0).reason == "command_time_limit_exceeded: 2.5"
    late = limits(Security(), now=DEFAULT_RUN_SECONDS + 1)
    assert late.allowance(spec(), DEFAULT_RUN_SECONDS).seconds < 0
    assert late.allowance(spec(), DEFAULT_RUN_SECONDS).reason.startswith("run_time_limit_exceeded")


@settings(max_examples=60)
@given(values=st.lists(st.none() | st.sampled_from(["", " "]) | st.integers(1, 10**6).map(str), max_size=4))
def test_the_first_variable_replaces_the_cap(values: list[str | None]) -> None:
    """B034: the first environment that sets it to something decides; a stage's own timeout still holds."""
    environments = tuple({} if value is None else {CMD: value, TOTAL: value} for value in values)
    found = limits(Security(max_cmd_seconds=3, max_total_seconds=4), *environments)
    decisive = next((float(value) for value in values if value and value.strip()), None)
    assert found.max_cmd_seconds == (decisive or 3)
    assert found.max_total_seconds == (decisive or 4)
    assert found.allowance(spec(0.5), 0.0).seconds == 0.5


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5", "1e3", "inf", "nan", "٣x", "5s", "٣", "9" * 5000])
@pytest.mark.parametrize("name", [CMD, TOTAL])
def test_nonsense_is_an_error_that_names_the_variable(name: str, value: str) -> None:
    """Part II D: only a positive whole number of seconds is a limit."""
    with pytest.raises(OptionError, match=name):
        limits(Security(), {name: value})
