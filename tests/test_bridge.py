"""The crossings between synchronous and asynchronous code."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator

import anyio
import pytest

from runner_env.bridge import Loop, blocking, in_thread
from runner_env.execution import Cancel

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="nobody")


async def who() -> str:
    """The context's value, after a turn of the loop."""
    await asyncio.sleep(0)
    return WHO.get()


def test_a_coroutine_runs_with_and_without_a_running_loop() -> None:
    """A script and a notebook get the same result, in the same context."""
    WHO.set("me")

    async def notebook() -> str:
        return blocking(who())

    assert blocking(who()) == "me"
    assert asyncio.run(notebook()) == "me"


def test_an_error_comes_out_as_it_is() -> None:
    """What the coroutine or the function raises is raised, with no group around it."""

    async def broken() -> None:
        raise KeyError("x")

    async def notebook() -> None:
        blocking(broken())

    async def thread() -> None:
        with Cancel() as cancel:
            await in_thread(lambda: {"y": 1}["x"], cancel)

    for coroutine in (broken(), notebook(), thread()):
        with pytest.raises(KeyError):
            blocking(coroutine)


def test_a_function_runs_beside_the_loop() -> None:
    """The loop goes on while the function works; its end does not set the cancel."""

    async def main() -> bool:
        going = threading.Event()
        with Cancel() as cancel:

            async def signal() -> None:
                going.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(signal)
                assert await in_thread(lambda: going.wait(30), cancel)
            return cancel.is_set

    assert blocking(main()) is False


def test_a_cancelled_wait_stops_the_function_and_waits_for_it() -> None:
    """Cancellation sets the cancel, lets the function finish, then goes through."""
    finished = threading.Event()
    began = threading.Event()

    async def main() -> bool:
        with Cancel() as cancel:

            def work() -> None:
                began.set()
                while not cancel.is_set:
                    threading.Event().wait(0.01)
                finished.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(in_thread, work, cancel)
                while not began.is_set():  # noqa: ASYNC110 - set by another thread
                    await anyio.sleep(0.01)
                tasks.cancel_scope.cancel()
            return finished.is_set()

    assert blocking(main())


def test_a_loop_stays_between_calls() -> None:
    """What one call began is there for the next one; after `close`, which may come twice, there is no loop."""
    loop = Loop()

    async def begin() -> asyncio.Event:
        event = asyncio.Event()
        asyncio.get_running_loop().call_soon(event.set)
        return event

    async def wait(event: asyncio.Event) -> bool:
        return await event.wait()

    event = loop.run(begin())
    assert loop.run(wait(event))
    loop.close()
    loop.close()
    left = begin()
    with pytest.raises(RuntimeError):
        loop.run(left)
    left.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop in a thread of its own."""
    made = Loop()
    yield made
    made.close()


def test_a_loop_stays_from_call_to_call(loop: Loop) -> None:
    """What one call makes serves the next, from any thread and inside a running loop."""
    lock = loop.run(_made())

    async def notebook() -> bool:
        return loop.run(_held(lock))

    assert loop.run(_held(lock))
    assert asyncio.run(notebook())


async def _made() -> asyncio.Lock:
    return asyncio.Lock()


async def _held(lock: asyncio.Lock) -> bool:
    async with lock:
        await asyncio.sleep(0)
        return lock.locked()


def test_a_cancelled_call_ends_before_its_caller_goes_on(loop: Loop) -> None:
    """Whoever waits learns of it when the coroutine has tidied up; the loop serves further calls."""
    tidied = []
    started = threading.Event()

    async def work() -> None:
        try:
            started.set()
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            tidied.append(True)

    timer = threading.Thread(target=lambda: started.wait(10) and loop.cancel())
    timer.start()
    with pytest.raises(asyncio.CancelledError):
        loop.run(work())
    timer.join()
    assert tidied
    assert loop.run(asyncio.sleep(0, "served")) == "served"


def test_an_error_of_a_call_comes_out_as_it_is(loop: Loop) -> None:
    """What the coroutine raises is raised where it is waited for."""

    async def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        loop.run(broken())


def test_a_closed_loop_is_closed(loop: Loop) -> None:
    """Its thread is gone; closing again does nothing."""
    loop.close()
    loop.close()
    assert "runner-env-loop" not in {thread.name for thread in threading.enumerate()}
