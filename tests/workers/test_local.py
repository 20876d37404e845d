"""The local executor: limits, order, cancellation, errors."""

from __future__ import annotations

import tracemalloc
from collections.abc import Awaitable, Callable, Iterator

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.workers import Job, LocalExecutor, Result, in_order


class Meter:
    """Counts how many jobs run at the same time, overall and by key."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.begun: list[int] = []

    def job(self, number: int, key: str = "", steps: int = 1) -> Job[int]:
        """A job that lets others run `steps` times and returns its number."""

        async def run() -> int:
            self.begun.append(number)
            for name in {key, "all"}:
                self.now[name] = self.now.get(name, 0) + 1
                self.most[name] = max(self.most.get(name, 0), self.now[name])
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            for name in {key, "all"}:
                self.now[name] -= 1
            return number

        return Job(run, key)


def _value(value: object) -> Callable[[], Awaitable[object]]:
    async def run() -> object:
        return value

    return run


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), max_size=40),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_order_and_limits(jobs: list[tuple[str, int]], most: int, of_a: int, window: int) -> None:
    """Whatever ends first, results come in the order of the jobs, and no limit is ever exceeded."""
    meter = Meter()

    async def main() -> list[int | None]:
        async with LocalExecutor(most, by_key={"a": of_a}, backlog=3) as executor:
            made = (meter.job(number, key, steps) for number, (key, steps) in enumerate(jobs))
            return [result.value async for result in in_order(executor, made, window=window)]

    assert anyio.run(main) == list(range(len(jobs)))
    assert meter.most.get("all", 0) <= most
    assert meter.most.get("a", 0) <= of_a
    assert sorted(meter.begun) == list(range(len(jobs)))


def test_a_full_key_keeps_nobody_else_waiting() -> None:
    """A job whose key is exhausted takes no place away from jobs of other keys."""

    async def main() -> list[str]:
        ended: list[str] = []
        gate = anyio.Event()

        async def slow() -> None:
            await gate.wait()
            ended.append("slow")

        async def quick() -> None:
            ended.append("quick")
            gate.set()

        async with LocalExecutor(2, by_key={"a": 1}) as executor:
            for job in (Job(slow, "a"), Job(slow, "a"), Job(quick, "b")):
                await executor.submit(job)
        return ended

    assert anyio.run(main) == ["quick", "slow", "slow"]


def test_an_error_is_a_result() -> None:
    """A job that raises ends with its error and disturbs no other."""

    async def broken() -> int:
        raise KeyError("x")

    async def main() -> list[Result[object]]:
        jobs: list[Job[object]] = [Job(_value(1)), Job(broken), Job(_value(2))]
        async with LocalExecutor(1) as executor:
            return [result async for result in in_order(executor, jobs)]

    first, second, third = anyio.run(main)
    assert (first.value, third.value) == (1, 2)
    assert isinstance(second.error, KeyError)
    assert not second.ok


def test_cancelling_one_job() -> None:
    """A cancelled job ends as cancelled, also one that has not begun; the others go on."""

    async def main() -> list[Result[object]]:
        async def forever() -> object:
            await anyio.sleep_forever()
            return None

        async with LocalExecutor(1) as executor:
            running, waiting, last = [
                await executor.submit(job) for job in (Job(forever), Job(forever), Job(_value("done")))
            ]
            await anyio.lowlevel.checkpoint()
            waiting.cancel()
            running.cancel()
            return [await handle.result() for handle in (running, waiting, last)]

    results = anyio.run(main)
    assert [result.cancelled for result in results] == [True, True, False]
    assert results[2].value == "done"


def test_cancelling_everything() -> None:
    """After `cancel` every job ends as cancelled at once, the stream of results ends, and nothing new is taken on."""
    drawn: list[int] = []

    async def main() -> list[bool]:
        async def forever() -> None:
            await anyio.sleep_forever()

        def jobs() -> Iterator[Job[None]]:
            for number in range(1000):
                drawn.append(number)
                yield Job(forever)

        async with LocalExecutor(2, backlog=4) as executor, anyio.create_task_group() as group:

            async def stop() -> None:
                await anyio.lowlevel.checkpoint()
                executor.cancel()

            group.start_soon(stop)
            results = [r.cancelled async for r in in_order(executor, jobs())]
            with pytest.raises(RuntimeError, match="takes no more"):
                await executor.submit(Job(forever))
        return results

    results = anyio.run(main)
    assert all(results)
    assert 1 <= len(results) <= len(drawn) < 20


def test_cancelling_from_outside() -> None:
    """A cancelled scope around the executor ends its jobs; each cleans up."""

    async def main() -> tuple[int, bool]:
        cleaned = 0

        async def forever() -> None:
            nonlocal cleaned
            try:
                await anyio.sleep_forever()
            finally:
                cleaned += 1

        with anyio.move_on_after(0.05) as scope:
            async with LocalExecutor(3) as executor:
                async for _ in in_order(executor, (Job(forever) for _ in range(10))):
                    pass
        return cleaned, scope.cancelled_caught

    assert anyio.run(main) == (3, True)


def test_an_error_inside_the_block_ends_its_jobs() -> None:
    """If the block that uses an executor raises, its jobs are not waited for."""

    async def main() -> None:
        async with LocalExecutor(1) as executor:
            await executor.submit(Job(anyio.sleep_forever))
            raise KeyError("mine")

    with pytest.raises(BaseExceptionGroup) as caught:
        anyio.run(main)
    assert caught.group_contains(KeyError, match="mine")


def test_close_waits() -> None:
    """`close` takes on no more jobs and returns when the last has ended."""

    async def main() -> tuple[list[int], bool]:
        meter = Meter()
        async with LocalExecutor(1) as executor:
            handles = [await executor.submit(meter.job(number, steps=3)) for number in range(3)]
            await executor.close()
            with pytest.raises(RuntimeError, match="takes no more"):
                await executor.submit(meter.job(9))
            return meter.begun, all(handle.ended for handle in handles)

    assert anyio.run(main) == ([0, 1, 2], True)


def test_memory_is_bounded() -> None:
    """Ten thousand jobs with results that are let go of take no more memory than the window of them."""

    async def main() -> int:
        async def big() -> bytes:
            return bytes(10_000)

        async with LocalExecutor(4) as executor:
            tracemalloc.start()
            async for result in in_order(executor, (Job(big) for _ in range(10_000)), window=64):
                assert result.value is not None
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return peak

    assert anyio.run(main) < 20_000_000


@pytest.mark.parametrize(("jobs", "by_key"), [(0, {}), (1, {"a": 0})])
def test_limits_below_one(jobs: int, by_key: dict[str, int]) -> None:
    """A limit of nothing would wait for ever."""
    with pytest.raises(ValueError, match="at least 1"):
        LocalExecutor(jobs, by_key=by_key)
