"""Does the wall clock go as the monotonic clock does? Only shown: no limit and no duration rests on the wall clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from runner_env.core import Ambient, Finding, Verdict

_SLACK_S = 5.0
"""Servants of the time (NTP) set a clock by less than this without anybody's harm."""


class Clocks:
    """Compares the two clocks from look to look.

    Attributes:
        largest_s: the largest jump of the wall clock between two looks, in seconds; negative if it went back.
    """

    def __init__(self, ambient: Ambient) -> None:
        self.largest_s = 0.0
        self._ambient = ambient
        self._last = self._now()

    def look(self) -> None:
        """Compare them now."""
        (wall, monotonic), self._last = self._last, self._now()
        jump = (self._last[0] - wall - timedelta(seconds=self._last[1] - monotonic)).total_seconds()
        if abs(jump) > abs(self.largest_s):
            self.largest_s = jump

    def findings(self) -> list[Finding]:
        """A note if the wall clock jumped."""
        self.look()
        if abs(self.largest_s) < _SLACK_S:
            return []
        way = "forward" if self.largest_s > 0 else "back"
        message = f"The clock jumped {way} by {abs(self.largest_s):.0f} s during the run."
        hint = "Somebody set it, or the machine slept. Times of day may be wrong; durations and limits are not."
        return [Finding("clock_jumped", message, hint=hint, verdict=Verdict.PASSED)]

    def _now(self) -> tuple[datetime, float]:
        return self._ambient.now(), self._ambient.monotonic()
