"""Clock and identifiers as values."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from runner_env.core import Ambient

NOON = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=UTC)


def test_run_ids_sort_by_time_and_are_unique() -> None:
    """A later run has the greater id; two of the same second differ by 64 random bits."""
    first = Ambient(now=lambda: NOON).new_run_id()
    later = Ambient(now=lambda: NOON + timedelta(seconds=1)).new_run_id()
    assert first < later
    assert first != Ambient(now=lambda: NOON).new_run_id()
    assert re.fullmatch(r"20261122T120000Z-[0-9a-f]{16}", first)


def test_timestamps_are_utc_wherever_the_clock_is() -> None:
    """RFC 3339 with milliseconds and a Z."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=8)))
    assert Ambient(now=lambda: elsewhere).timestamp() == "2026-11-22T12:00:00.123Z"


def test_a_replay_is_identical() -> None:
    """Everything drawn from the surroundings can be handed in."""
    ambient = Ambient(now=lambda: NOON, token=lambda n: "0" * (2 * n))
    assert ambient.new_run_id() == ambient.new_run_id() == "20261122T120000Z-0000000000000000"
