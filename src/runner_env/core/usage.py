"""What a run consumed, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

_Number = TypeVar("_Number", int, float)


class UsageSource(StrEnum):
    """Who vouches for the figures."""

    OBSERVED = "observed"
    CLAIMED = "claimed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Usage:
    """Model usage. Each field is independently unknown (None); unknown is not zero.

    Attributes:
        input_tokens: prompt tokens.
        output_tokens: completion tokens.
        requests: calls made.
        cost_usd: US dollars.
        source: `claimed` means that the other side reported it: the target's own scripts, a provider, a harness.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    requests: int | None = None
    cost_usd: float | None = None
    source: UsageSource = UsageSource.UNKNOWN

    @property
    def is_empty(self) -> bool:
        """Whether no field is known."""
        fields = (self.input_tokens, self.output_tokens, self.requests, self.cost_usd)
        return all(field is None for field in fields)

    def __add__(self, other: Usage) -> Usage:
        """The sum, field by field: unknown stays unknown until one side knows. An empty side changes nothing.

        The source is the weaker one: what anybody merely claimed makes the sum a claim.
        """
        if other.is_empty:
            return self
        if self.is_empty:
            return other
        return Usage(
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
            _sum(self.requests, other.requests),
            _sum(self.cost_usd, other.cost_usd),
            max(self.source, other.source, key=list(UsageSource).index),
        )

    @classmethod
    def total(cls, usages: Iterable[Usage | None]) -> Usage:
        """The sum of many; None counts as empty."""
        return reduce(cls.__add__, (usage for usage in usages if usage is not None), cls())


def _sum(left: _Number | None, right: _Number | None) -> _Number | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right
