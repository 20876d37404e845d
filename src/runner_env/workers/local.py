"""The executor of this process: jobs are tasks of one event loop."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import anyio.lowlevel

from runner_env.workers.executor import Job, Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from anyio.abc import TaskGroup

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class LocalHandle(Generic[T]):
    """A job of a `LocalExecutor`."""

    job: Job[T] | None
    number: int
    _outcome: Result[T] | None = None
    _event: anyio.Event | None = None
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    @property
    def ended(self) -> bool:
        """Whether `result` would return at once."""
        return self._outcome is not None

    async def result(self) -> Result[T]:
        """Wait until the job ended."""
        if self._outcome is None:
            self._event = self._event or anyio.Event()
            await self._event.wait()
        assert self._outcome is not None
        return self._outcome

    def cancel(self) -> None:
        """End the job as soon as possible; one that has not begun never begins."""
        self._scope.cancel()

    def settle(self, outcome: Result[T]) -> None:
        """Say how the job ended; for the executor."""
        self._outcome, self.job = outcome, None  # the job may hold on to much
        if self._event is not None:
            self._event.set()

    async def run(self) -> None:
        """Do the job; for the executor."""
        outcome: Result[T] = Result(cancelled=True)
        try:
            with self._scope:
                job = self.job
                assert job is not None
                await anyio.lowlevel.checkpoint_if_cancelled()
                try:
                    outcome = Result(await job.run())
                except Exception as error:  # noqa: BLE001 - whatever a job raises is its result and nobody else's
                    outcome = Result(error=error)
        finally:
            self.settle(outcome)


class LocalExecutor:
    """Runs at most `jobs` jobs at the same time, of each key at most as many as `by_key` says.

    A job whose key is exhausted takes no place away from others.

    Args:
        jobs: at least 1.
        by_key: limits of single keys, each at least 1; other keys have none of their own.
        backlog: jobs that may wait before `submit` waits itself.

    Raises:
        ValueError: a limit is less than 1.
    """

    def __init__(self, jobs: int, *, by_key: Mapping[str, int] | None = None, backlog: int = 256) -> None:
        self._by_key = dict(by_key or {})
        if min((jobs, backlog, *self._by_key.values())) < 1:
            raise ValueError("every limit must be at least 1")
        self._jobs, self._backlog = jobs, backlog
        self._waiting: dict[str, deque[LocalHandle[Any]]] = {}
        self._active: dict[str, int] = {}
        self._running: set[LocalHandle[Any]] = set()
        self._queued = self._submitted = 0
        self._closed = False
        self._room: anyio.Event | None = None
        self._group: TaskGroup | None = None

    async def __aenter__(self) -> LocalExecutor:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._group is not None
        if error is not None:
            self.cancel()
        self._closed = True
        return await self._group.__aexit__(kind, error, trace)

    async def submit(self, job: Job[T]) -> LocalHandle[T]:
        """Take a job on; see `Executor.submit`."""
        while self._queued >= self._backlog and not self._closed:
            self._room = self._room or anyio.Event()
            await self._room.wait()
        if self._closed or self._group is None:
            raise RuntimeError("the executor takes no more jobs")
        handle: LocalHandle[T] = LocalHandle(job, self._submitted)
        self._submitted += 1
        self._queued += 1
        self._waiting.setdefault(job.key, deque()).append(handle)
        self._start_ready()
        return handle

    def cancel(self) -> None:
        """Cancel every job that has not ended, and take on no more."""
        self._closed = True
        for queue in self._waiting.values():
            for handle in queue:
                handle.cancel()
                handle.settle(Result(cancelled=True))
        self._waiting.clear()
        self._queued = 0
        for handle in self._running:
            handle.cancel()
        self._announce_room()

    async def close(self) -> None:
        """Take on no more jobs and wait for those that are left."""
        self._closed = True
        self._announce_room()
        for handle in [*self._running, *(handle for queue in self._waiting.values() for handle in queue)]:
            await handle.result()

    def _start_ready(self) -> None:
        while len(self._running) < self._jobs and (key := self._next_key()) is not None:
            assert self._group is not None
            queue = self._waiting[key]
            handle = queue.popleft()
            if not queue:
                del self._waiting[key]
            self._queued -= 1
            self._active[key] = self._active.get(key, 0) + 1
            self._running.add(handle)
            self._group.start_soon(self._attend, handle, key)
        if self._queued < self._backlog:
            self._announce_room()

    def _next_key(self) -> str | None:
        """The key with room whose first job was submitted first."""
        ready = [
            (queue[0].number, key)
            for key, queue in self._waiting.items()
            if key not in self._by_key or self._active.get(key, 0) < self._by_key[key]
        ]
        return min(ready)[1] if ready else None

    async def _attend(self, handle: LocalHandle[Any], key: str) -> None:
        try:
            await handle.run()
        finally:
            self._running.discard(handle)
            self._active[key] -= 1
            self._start_ready()

    def _announce_room(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None
