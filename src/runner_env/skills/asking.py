"""Asking a provider: within the budget, no faster than it bears, every call recorded."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

import anyio

from runner_env.core import FailureKind, Usage
from runner_env.errors import ProviderError, RunnerEnvError
from runner_env.skills.budget import Cost
from runner_env.workers import RateLimited, Throttle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runner_env.skills.budget import Budget

Op = Literal["respond", "user", "judge"]
_SLOW_DOWN = (FailureKind.RATE_LIMIT, FailureKind.OVERLOADED)
_ATTEMPTS = 4
JUDGE_LANE = "\0judge"
"""The lane of calls that judge or play the user; no platform has this name."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        op: what was asked for.
        model: who was asked.
        begun_at: seconds since the trial began.
        seconds: how long it took.
        usage: what it consumed; None: not reported.
        cost: of it.
        raw: the reply before it was parsed, as far as it is kept.
        error: why there is no usable reply.
    """

    op: Op
    model: str
    begun_at: float
    seconds: float
    usage: Usage | None
    cost: Cost
    raw: str
    error: RunnerEnvError | None = None


@dataclass(slots=True)
class Log:
    """The calls of one trial, those that failed and were repeated included."""

    calls: list[Call] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    @property
    def usage(self) -> Usage:
        """The sum over all calls."""
        return Usage.total(call.usage for call in self.calls)

    @property
    def cost(self) -> Cost:
        """The sum over all calls."""
        return sum((call.cost for call in self.calls), Cost())


class Answer(Protocol):
    """What every reply of a provider has."""

    @property
    def usage(self) -> Usage | None:
        """What the call consumed."""

    @property
    def raw(self) -> str:
        """The reply before it was parsed."""


T = TypeVar("T", bound=Answer)


class Asking:
    """Makes the calls of a whole run.

    Args:
        budget: what the run may use.
        most: limits of lanes.
        patient: whether a call that was refused because there were too many is repeated after a pause.
    """

    def __init__(self, budget: Budget, most: Mapping[str, int], *, patient: bool) -> None:
        self.budget = budget
        self._throttle = Throttle(most, attempts=_ATTEMPTS if patient else 1)

    async def ask(self, log: Log, op: Op, model: str, lane: str, function: Callable[[], Awaitable[T]]) -> T:
        """Make one call.

        Args:
            log: of the trial.
            op: what is asked for.
            model: who is asked.
            lane: calls of one lane share what their service bears.
            function: makes it.

        Raises:
            ProviderError: no usable answer was had.
            BudgetExhausted: the call was not made, or time ran out while it was made.
        """

        async def attempt() -> T:
            self.budget.check()
            return await self._attempt(log, op, model, function)

        if math.isinf(self.budget.deadline):
            return await self._throttle.call(lane, attempt)
        with anyio.CancelScope(deadline=anyio.current_time() + self.budget.deadline - time.monotonic()):
            return await self._throttle.call(lane, attempt)
        raise self.budget.out_of_time()

    async def _attempt(self, log: Log, op: Op, model: str, function: Callable[[], Awaitable[T]]) -> T:
        begun = time.monotonic()

        def record(usage: Usage | None, raw: str, error: RunnerEnvError | None = None) -> None:
            cost = self.budget.priced(usage, model)
            self.budget.spend(usage, cost)
            seconds = time.monotonic() - begun
            log.calls.append(Call(op, model, begun - log.begun, seconds, usage, cost, raw, error))

        try:
            answer = await function()
        except ProviderError as error:
            record(error.usage, error.raw, error)
            if error.kind in _SLOW_DOWN:
                raise RateLimited(error) from error
            raise
        except RunnerEnvError:
            raise
        except Exception as error:  # a provider may be anybody's code; what it raises is no verdict on the skill
            broken = ProviderError("provider_broken", f"{type(error).__name__}: {error}", context=op)
            record(None, "", broken)
            raise broken from error
        record(answer.usage, answer.raw)
        return answer
