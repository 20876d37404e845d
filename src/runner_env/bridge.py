"""The only crossings between synchronous and asynchronous code."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_T = TypeVar("_T")


class Settable(Protocol):
    """What can ask a function in another thread to stop, as `runner_env.execution.Cancel` does."""

    def set(self, reason: str, /) -> None:
        """Ask it to stop."""


def blocking(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run `coroutine` to its end and return its result, also where an event loop already runs (a notebook).

    In that case it runs in a loop of its own in another thread, while the caller's loop stands still.
    """
    import asyncio
    from contextvars import copy_context

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    outcome: list[_T] = []
    problem: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(coroutine))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            problem.append(error)

    thread = threading.Thread(target=copy_context().run, args=(run,), name="runner-env-blocking")
    thread.start()
    thread.join()
    if problem:
        raise problem[0]
    return outcome[0]


class Loop:
    """An event loop in a thread of its own, for what outlives single calls: connections, processes, sessions.

    It works from any thread, from inside a running loop (a notebook) and under signal handlers; one call at a time.
    """

    def __init__(self) -> None:
        import asyncio

        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._thread = threading.Thread(target=self._live, name="runner-env-loop", daemon=True)
        self._thread.start()
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run `coroutine` to its end and return its result.

        Raises:
            asyncio.CancelledError: `cancel` was called; the coroutine has ended.
        """
        from concurrent.futures import Future

        done: Future[_T] = Future()

        async def settle() -> None:
            try:
                done.set_result(await coroutine)
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                done.set_exception(error)

        def begin() -> None:
            self._task = self._loop.create_task(settle())
            if self._cancelled:
                self._task.cancel()

        self._cancelled = False
        self._loop.call_soon_threadsafe(begin)
        try:
            return done.result()
        except BaseException:
            if not done.done():  # Ctrl-C in the caller's thread
                self.cancel()
                done.exception()
            raise
        finally:
            self._task = None

    def cancel(self) -> None:
        """Cancel what runs, or is about to, if anything; whoever waits for it learns of it once it has ended.

        Safe in a signal handler.
        """
        self._cancelled, task = True, self._task
        if task is not None:
            self._loop.call_soon_threadsafe(task.cancel)

    def close(self) -> None:
        """End the loop, after what runs in it has been cancelled. Idempotent."""
        if not self._thread.is_alive():
            return
        self.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _live(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._runner.close()  # cancels what is left and waits for it


async def in_thread(function: Callable[[], _T], cancel: Settable) -> _T:
    """Run `function` in a thread of its own and wait for it, without blocking the event loop.

    If the waiting task is cancelled, `cancel` is set and `function` is waited for all the same, so that nothing it
    started is left behind; then the task ends as cancelled.

    Args:
        function: listens to `cancel`, and returns soon after it was set.
        cancel: belongs to this one call.
    """
    import anyio.lowlevel
    from anyio import to_thread

    ended = False

    async def watch() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            if not ended:
                cancel.set("cancelled")

    problem: BaseException | None = None
    result: list[_T] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        try:
            result.append(await to_thread.run_sync(function, limiter=anyio.CapacityLimiter(math.inf)))
        except Exception as error:  # noqa: BLE001 - raised again below, outside the group that would wrap it
            problem = error
        ended = True
        tasks.cancel_scope.cancel()
    await anyio.lowlevel.checkpoint_if_cancelled()
    if problem is not None:
        raise problem
    return result[0]
