"""The report's line on observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from runner_env.core import Capture, Ending, Outcome
from runner_env.formats.record import CommandRecord, RunRecord, StageRecord, TraceRecord
from runner_env.reporting.sandbox import observed_line

NOTHING = Capture("x", 0, 0, 0, "")


def stage(programs: int, why: str = "") -> StageRecord:
    """A stage with one command, observed unless there is a reason why not."""
    trace = TraceRecord("t", "", programs, programs, 0, why)
    command = CommandRecord(1, 1, "true", "", Outcome(Ending.EXITED, 0, 0.1), NOTHING, NOTHING, trace)
    return StageRecord(
        "tests",
        ok=True,
        started_at="",
        duration_s=0.1,
        ended=0,
        kept=0,
        commands=(command,),
        observed=not why,
        unobserved=why,
    )


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ((), ""),
        ((stage(1),), "1 program in 1 stage"),
        ((stage(5), stage(7)), "12 programs in 2 stages"),
        ((stage(0, "RUNNER_ENV_OBSERVE=off"),), "no programs: RUNNER_ENV_OBSERVE=off"),
        ((stage(3), stage(0, "it broke off")), "3 programs in 1 of 2 stages; not all: it broke off"),
    ],
)
def test_what_was_observed(make_record: Callable[..., RunRecord], stages: tuple[StageRecord, ...], said: str) -> None:
    """Programs and stages are counted; where some are missing, the reason is said."""
    assert observed_line(replace(make_record(), stages=stages)) == said
