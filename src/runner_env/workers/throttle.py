"""Calls to a service that may say "slow down": how many at the same time is found out by trying.

Additive increase, multiplicative decrease, as TCP does it (V. Jacobson, "Congestion avoidance and control", 1988):
every full round of successful calls allows one more, a refusal halves the limit.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from runner_env.core import Ambient

T = TypeVar("T")
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0


class RateLimited(Exception):
    """Raised by a call that the service refused because there were too many.

    Args:
        cause: what is raised if the call is not repeated any more.
        retry_after_s: seconds the service asks to wait, if it says so.
    """

    def __init__(self, cause: Exception, retry_after_s: float | None = None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Lane:
    """The calls under one key."""

    most: float
    limit: float
    active: int = 0
    refusals: int = 0
    not_before: float = 0.0
    lowered_at: float = -math.inf
    waiting: deque[anyio.Event] = field(default_factory=deque)


class Throttle:
    """Lets calls through, for each key as many at the same time as its service bears.

    Args:
        most: limits of single keys that are never exceeded; other keys have none.
        attempts: how often a call is made at most, the first time included.
        longest_pause_s: a service that asks for a longer wait than this is not waited for.
        ambient: the clock, and the chance that spreads repeated calls.
    """

    def __init__(
        self,
        most: Mapping[str, int] | None = None,
        *,
        attempts: int = 5,
        longest_pause_s: float = 600.0,
        ambient: Ambient | None = None,
    ) -> None:
        self._most = dict(most or {})
        self._attempts, self._longest_pause_s = attempts, longest_pause_s
        self._ambient = ambient or Ambient()
        self._lanes: dict[str, _Lane] = {}

    def limit(self, key: str) -> float:
        """How many calls under `key` are let through at the same time by now; infinite if nothing is known."""
        return self._lane(key).limit

    async def call(self, key: str, function: Callable[[], Awaitable[T]]) -> T:
        """Call `function` when it is its turn, and again after a pause if it raises `RateLimited`.

        Raises:
            Exception: what `function` raised; for `RateLimited`, once it is not repeated any more, its cause.
        """
        lane = self._lane(key)
        for attempt in range(1, self._attempts + 1):
            await self._enter(lane)
            begun = self._ambient.monotonic()
            try:
                result = await function()
            except RateLimited as refusal:
                pause = self._refused(lane, refusal, begun)
                if attempt == self._attempts or pause > self._longest_pause_s:
                    raise refusal.cause from refusal
            else:
                self._accepted(lane)
                return result
            finally:
                lane.active -= 1
                self._wake(lane)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _lane(self, key: str) -> _Lane:
        if key not in self._lanes:
            most = self._most.get(key, math.inf)
            self._lanes[key] = _Lane(most, most)
        return self._lanes[key]

    async def _enter(self, lane: _Lane) -> None:
        try:
            while (pause := lane.not_before - self._ambient.monotonic()) > 0 or not _has_room(lane):
                if pause > 0:
                    # Spread, or else everybody who waited comes back in the same moment.
                    await anyio.sleep(pause * (1 + 0.1 * self._ambient.random.random()))
                else:
                    await self._wait_for_turn(lane)
        except BaseException:
            self._wake(lane)  # whose turn it may have been does not come any more
            raise
        lane.active += 1

    async def _wait_for_turn(self, lane: _Lane) -> None:
        turn = anyio.Event()
        lane.waiting.append(turn)
        try:
            await turn.wait()
        finally:
            if turn in lane.waiting:
                lane.waiting.remove(turn)

    def _accepted(self, lane: _Lane) -> None:
        lane.refusals = 0
        if lane.limit < lane.most:
            lane.limit = min(lane.most, lane.limit + 1 / lane.limit)

    def _refused(self, lane: _Lane, refusal: RateLimited, begun: float) -> float:
        """Slow down; returns the pause in seconds."""
        now = self._ambient.monotonic()
        # Calls that had begun before the limit was lowered say nothing about the new limit.
        if begun >= lane.lowered_at:
            lane.limit = max(1.0, min(lane.limit, lane.active) / 2)
            lane.lowered_at = now
            lane.refusals += 1
        pause = refusal.retry_after_s
        if pause is None:
            pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (lane.refusals - 1))
        if pause <= self._longest_pause_s:
            lane.not_before = max(lane.not_before, now + pause)
        return pause

    def _wake(self, lane: _Lane) -> None:
        """Let as many of those that wait look again as there is room for."""
        room = max(1.0, lane.limit) - lane.active
        while lane.waiting and room >= 1:
            lane.waiting.popleft().set()
            room -= 1


def _has_room(lane: _Lane) -> bool:
    return lane.active + 1 <= max(1.0, lane.limit)
