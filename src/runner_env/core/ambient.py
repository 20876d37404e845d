"""Clock, identifiers and randomness as one value, handed in so that replays can be identical."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


def _system_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


@dataclass(frozen=True, slots=True)
class Ambient:
    """What a run takes from its surroundings.

    Attributes:
        now: wall clock, timezone-aware UTC; only ever shown, never used to measure.
        monotonic: seconds on a clock that never jumps; the only source of durations and deadlines.
        token: a fresh string of `n` random bytes as hexadecimal digits.
        random: for everything else that is drawn by chance.
    """

    now: Callable[[], datetime] = _system_now
    monotonic: Callable[[], float] = time.monotonic
    token: Callable[[int], str] = secrets.token_hex
    random: random.Random = field(default_factory=random.SystemRandom)

    def timestamp(self) -> str:
        """`now` as RFC 3339 in UTC with milliseconds, as in `2026-11-22T02:14:00.123Z`."""
        return self.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def new_run_id(self) -> str:
        """A run id: sorts by time, carries 64 random bits, is a safe file name (`20261122T021400Z-0123456789ab…`)."""
        return f"{self.now().astimezone(UTC):%Y%m%dT%H%M%SZ}-{self.token(8)}"
