"""What a run may use, what it has used, and whether another call may be made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.core import Usage
from runner_env.errors import BudgetExhausted
from runner_env.skills.prices import cost_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner_env.skills.config import Caps, ModelPrice

_HINT = "Raise the limit and go on with --resume."


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars of some calls, and how many calls there were about whose cost nothing is known."""

    usd: float = 0.0
    priced: int = 0
    unpriced: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.usd + other.usd, self.priced + other.priced, self.unpriced + other.unpriced)

    @property
    def known(self) -> float | None:
        """The sum; None if nothing is known."""
        return self.usd if self.priced else None


class Budget:
    """Counts what calls consumed, and refuses a call once a limit is reached.

    Calls that are under way when a limit is reached come to their end and count, except for the limit of time, which
    ends them (`deadline`).

    Args:
        caps: the limits.
        prices: those that go before the built-in table.
        clock: seconds on a monotonic clock.

    Attributes:
        cost: of all calls.
        tokens: of all calls, prompts and replies together.
        deadline: when time is up, on `clock`; infinite without such a limit.
    """

    def __init__(self, caps: Caps, prices: Mapping[str, ModelPrice], clock: Callable[[], float]) -> None:
        self.cost = Cost()
        self.tokens = 0
        self.deadline = math.inf if caps.max_time is None else clock() + caps.max_time
        self._caps, self._prices, self._clock = caps, prices, clock

    def priced(self, usage: Usage | None, model: str) -> Cost:
        """What a call of `model` cost."""
        usd = cost_of(usage or Usage(), model, self._prices)
        return Cost(unpriced=1) if usd is None else Cost(usd, 1)

    def spend(self, usage: Usage | None, cost: Cost) -> None:
        """Count one or more calls."""
        self.cost += cost
        if usage is not None:
            self.tokens += (usage.input_tokens or 0) + (usage.output_tokens or 0)

    def check(self) -> None:
        """Whether another call may be made.

        Raises:
            BudgetExhausted: it may not.
        """
        caps = self._caps
        if caps.max_cost is not None and self.cost.usd >= caps.max_cost:
            raise _exhausted(f"${self.cost.usd:.4f} were spent, and max_cost is ${caps.max_cost:g}")
        if caps.max_tokens is not None and self.tokens >= caps.max_tokens:
            raise _exhausted(f"{self.tokens} tokens were used, and max_tokens is {caps.max_tokens}")
        if self._clock() >= self.deadline:
            raise self.out_of_time()

    def out_of_time(self) -> BudgetExhausted:
        """The error for a call that time ran out for."""
        return _exhausted(f"the run has lasted for max_time, {self._caps.max_time:g} s")

    @property
    def doubt(self) -> str:
        """Why the limit of cost may not have held; empty if there is no doubt about it."""
        if self._caps.max_cost is None or not self.cost.unpriced:
            return ""
        calls = self.cost.unpriced
        return f"max_cost leaves out {calls} calls of unknown cost; add their models to `prices`"


def _exhausted(why: str) -> BudgetExhausted:
    return BudgetExhausted("budget_exhausted", f"not run: {why}", hint=_HINT)
