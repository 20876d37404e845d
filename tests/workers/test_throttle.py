"""The throttle: it slows down when told to, finds its way back, and loses nobody."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable

import anyio
import pytest

from runner_env.core import Ambient
from runner_env.workers import RateLimited, Throttle

CAUSE = LookupError("too many")


class Service:
    """Bears `capacity` calls at the same time and refuses more; counts what happened."""

    def __init__(self, capacity: float, retry_after_s: float | None = 0.001) -> None:
        self.capacity, self.retry_after_s = capacity, retry_after_s
        self.active = self.most = self.refused = self.served = 0

    async def call(self) -> int:
        """One call."""
        if self.active >= self.capacity:
            self.refused += 1
            raise RateLimited(CAUSE, self.retry_after_s)
        self.active += 1
        self.most = max(self.most, self.active)
        try:
            await anyio.lowlevel.checkpoint()
        finally:
            self.active -= 1
        self.served += 1
        return self.served


async def _many(throttle: Throttle, call: Callable[[], Awaitable[object]], count: int) -> int:
    """How many of `count` calls failed."""
    failed = 0

    async def one() -> None:
        nonlocal failed
        try:
            await throttle.call("k", call)
        except LookupError:
            failed += 1

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(one)
    return failed


def test_the_given_limit_holds() -> None:
    """Of one key no more calls run at the same time than allowed; another key is not concerned."""

    async def main() -> tuple[Service, float]:
        service, throttle = Service(math.inf), Throttle({"k": 3})
        await _many(throttle, service.call, 50)
        return service, throttle.limit("other")

    service, other = anyio.run(main)
    assert (service.most, service.served, other) == (3, 50, math.inf)


def test_it_adapts() -> None:
    """A service that bears four calls at once serves all of a hundred although nobody said how many it bears."""

    async def main() -> tuple[int, Service, float]:
        service = Service(4)
        throttle = Throttle(attempts=50, ambient=Ambient(random=random.Random(7)))
        return await _many(throttle, service.call, 100), service, throttle.limit("k")

    failed, service, limit = anyio.run(main)
    assert (failed, service.served) == (0, 100)
    assert service.refused > 0
    assert limit < 100


def test_it_halves_once_for_one_burst() -> None:
    """Refusals of calls that began before the limit was lowered do not lower it again; success raises it slowly."""

    async def main() -> tuple[float, float]:
        throttle, gate, begun = Throttle({"k": 8}, attempts=1), anyio.Event(), 0

        async def refused() -> None:
            nonlocal begun
            begun += 1
            if begun == 8:
                gate.set()
            await gate.wait()
            raise RateLimited(CAUSE, 0)

        await _many(throttle, refused, 8)
        halved = throttle.limit("k")
        await throttle.call("k", Service(1).call)
        return halved, throttle.limit("k")

    halved, raised = anyio.run(main)
    assert (halved, raised) == (4, 4.25)


def test_the_pause_is_kept() -> None:
    """After a refusal nobody calls under that key before the time the service asked for has passed."""

    async def main() -> float:
        throttle, calls = Throttle(), list[float]()

        async def call() -> None:
            calls.append(anyio.current_time())
            if len(calls) == 1:
                raise RateLimited(CAUSE, 0.2)

        await throttle.call("k", call)
        return calls[1] - calls[0]

    assert anyio.run(main) >= 0.19


@pytest.mark.parametrize(("attempts", "retry_after_s", "calls"), [(3, 0, 3), (3, 10_000, 1)])
def test_it_gives_up(attempts: int, retry_after_s: float, calls: int) -> None:
    """After the last attempt, or if the service asks for too long a wait, the cause is raised as it was."""

    async def main() -> Service:
        service = Service(0, retry_after_s)
        with pytest.raises(LookupError) as caught:
            await Throttle(attempts=attempts).call("k", service.call)
        assert caught.value is CAUSE
        return service

    assert anyio.run(main).refused == calls


def test_other_errors_pass_through() -> None:
    """An error that is no signal is raised at once and changes no limit."""

    async def main() -> float:
        async def broken() -> None:
            raise KeyError("x")

        throttle = Throttle({"k": 2})
        with pytest.raises(KeyError):
            await throttle.call("k", broken)
        return throttle.limit("k")

    assert anyio.run(main) == 2


def test_a_cancelled_call_gives_its_turn_away() -> None:
    """Calls that are cancelled while they wait, or just when it is their turn, keep nobody else waiting."""

    async def main() -> int:
        throttle, gate = Throttle({"k": 1}), anyio.Event()
        service = Service(math.inf)
        scopes = [anyio.CancelScope() for _ in range(20)]

        async def cancelled(scope: anyio.CancelScope) -> None:
            with scope:
                await throttle.call("k", service.call)

        async with anyio.create_task_group() as group:
            group.start_soon(throttle.call, "k", gate.wait)
            await anyio.wait_all_tasks_blocked()
            for scope in scopes:
                group.start_soon(cancelled, scope)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(throttle.call, "k", service.call)
            await anyio.wait_all_tasks_blocked()
            gate.set()
            for scope in scopes:
                scope.cancel()
                await anyio.lowlevel.checkpoint()
        return service.served

    assert anyio.run(main) >= 1
