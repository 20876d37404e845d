"""A wall clock that jumps is mentioned, and changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner_env.contract import load_contract
from runner_env.core import Ambient
from runner_env.runs.clocks import Clocks
from runner_env.runs.inputs import RunInputs
from runner_env.runs.options import SetupOptions
from runner_env.session import EnvSession
from runner_env.settings import Settings
from runner_env.targets import fetch

Make = Callable[..., Any]
DAY = timedelta(days=1)


@dataclass
class Hands:
    """Two clocks that are set by hand."""

    wall: datetime = datetime(2026, 11, 22, tzinfo=UTC)
    monotonic: float = 0.0

    def ambient(self) -> Ambient:
        """The clocks as a run takes them."""
        return Ambient(now=lambda: self.wall, monotonic=lambda: self.monotonic)

    def pass_s(self, seconds: float) -> None:
        """Let time pass on both."""
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds


def test_clocks_that_agree_are_not_mentioned() -> None:
    """However much time passes, and although a clock is set by a little."""
    hands = Hands()
    clocks = Clocks(hands.ambient())
    hands.pass_s(100_000)
    clocks.look()
    hands.wall += timedelta(seconds=2)
    assert clocks.findings() == []


@pytest.mark.parametrize(("jump", "words"), [(DAY, "forward by 86400 s"), (-DAY, "back by 86400 s")])
def test_a_jump_is_a_note_even_if_it_is_undone(jump: timedelta, words: str) -> None:
    """It is seen at the look after it, and a second jump that undoes it does not undo that."""
    hands = Hands()
    clocks = Clocks(hands.ambient())
    hands.pass_s(3)
    hands.wall += jump
    clocks.look()
    hands.wall -= jump
    [finding] = clocks.findings()
    assert (finding.code, finding.verdict) == ("clock_jumped", "passed")
    assert words in finding.message or "86400" in finding.message


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_run_during_which_the_clock_jumps(project: Make, scored: Make, jump: timedelta) -> None:
    """RT078: the verdict is what it is, durations are not negative, no limit is hit, and the jump is a note."""
    made = project(tests={"cmds": ["true"], "timeout_seconds": 60}, evaluation=scored())
    settings = Settings.from_environ()
    checkout = fetch(made.root, settings=settings)
    shift = [timedelta()]
    ambient = Ambient(now=lambda: datetime.now(UTC) + shift[0])

    def observer(event: str, data: Any) -> None:
        if event == "command_started" and data["stage"] == "tests":
            shift[0] = jump

    contract = load_contract(checkout.root, "pipeline.yml")
    inputs = RunInputs("t", checkout, contract, SetupOptions(), settings, ambient, observer)
    with EnvSession(inputs) as session:
        result = session.evaluate("a-model")
    assert (result.verdict, result.score) == ("passed", 0.5)
    assert all(item.duration_s is not None and 0 <= item.duration_s < 60 for item in result.plan)
    assert "clock_jumped" in [finding.code for finding in result.findings]


def test_a_clock_that_is_patched_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default wall clock is that of `time.time`."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    assert Ambient().now() - datetime.now(UTC) > timedelta(hours=23)
