"""What every executor can do: submit a job and get a handle, cancel, close."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

DEFAULT_WINDOW = 1024
"""Jobs that `in_order` keeps: those that run, wait, or ended before an earlier one did."""


@dataclass(frozen=True, slots=True)
class Job(Generic[T_co]):
    """One thing to be done.

    Attributes:
        run: does it; called at most once.
        key: what it is limited by besides the number of all jobs, such as its platform.
    """

    run: Callable[[], Awaitable[T_co]]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Result(Generic[T_co]):
    """How a job ended: with a value, with an error, or, where both are None and `cancelled` is set, not at all."""

    value: T_co | None = None
    error: Exception | None = None
    cancelled: bool = False

    @property
    def ok(self) -> bool:
        """Whether the job came to its end without an error."""
        return self.error is None and not self.cancelled


class Handle(Protocol[T_co]):
    """A submitted job."""

    @property
    def ended(self) -> bool:
        """Whether `result` would return at once."""

    async def result(self) -> Result[T_co]:
        """Wait until the job ended."""

    def cancel(self) -> None:
        """End the job as soon as possible; one that has not begun never begins."""


class Executor(Protocol):
    """Runs jobs. An executor is an asynchronous context manager; leaving it waits for every job."""

    async def submit(self, job: Job[T]) -> Handle[T]:
        """Take a job on; waits while too many wait already. Jobs with room begin in the order of submission.

        Raises:
            RuntimeError: the executor was cancelled or closed.
        """

    def cancel(self) -> None:
        """Cancel every job that has not ended, and take on no more."""

    async def close(self) -> None:
        """Take on no more jobs and wait for those that are left."""


async def in_order(
    executor: Executor, jobs: Iterable[Job[T]], *, window: int = DEFAULT_WINDOW
) -> AsyncIterator[Result[T]]:
    """Run `jobs` and yield their results in the order of `jobs`, whichever ends first.

    `jobs` is drawn from lazily and at most `window` jobs are kept, so memory is bounded however many there are. After
    `executor.cancel()` the jobs that were not drawn yet are left out.
    """
    kept: deque[Handle[T]] = deque()
    for job in jobs:
        try:
            kept.append(await executor.submit(job))
        except RuntimeError:
            break
        while kept and (kept[0].ended or len(kept) >= window):
            yield await kept.popleft().result()
    while kept:
        yield await kept.popleft().result()
