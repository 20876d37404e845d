"""What a run consumed, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
        source: `claimed` means that the target's own scripts reported it.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    requests: int | None = None
    cost_usd: float | None = None
    source: UsageSource = UsageSource.UNKNOWN
