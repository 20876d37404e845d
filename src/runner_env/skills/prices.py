"""What calls cost where a provider reports tokens and no cost.

List prices of the vendors, without discounts for caches, batches or volume, so an estimate is rather too high than
too low. Prices change: a config's `prices` go before this table, and a model that is in neither has no known price.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.skills.config import ModelPrice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.core import Usage

AS_OF = "2026-10-10"
"""When the table was last compared with https://platform.claude.com/docs/en/about-claude/pricing and
https://developers.openai.com/api/docs/pricing."""

_TABLE: Mapping[str, ModelPrice] = {
    "claude-opus-5-5": ModelPrice(4.0, 20.0),
    "claude-opus-5": ModelPrice(5.0, 25.0),
    "claude-opus-4-8": ModelPrice(5.0, 25.0),
    "claude-opus-4-7": ModelPrice(5.0, 25.0),
    "claude-opus-4-6": ModelPrice(5.0, 25.0),
    "claude-opus-4-5": ModelPrice(5.0, 25.0),
    "claude-opus-4-1": ModelPrice(15.0, 75.0),
    "claude-sonnet-5-5": ModelPrice(2.0, 10.0),
    "claude-sonnet-5": ModelPrice(2.0, 10.0),
    "claude-sonnet-4-6": ModelPrice(3.0, 15.0),
    "claude-sonnet-4-5": ModelPrice(3.0, 15.0),
    "claude-haiku-4-5": ModelPrice(1.0, 5.0),
    "gpt-5.4": ModelPrice(2.5, 15.0),
    "gpt-5.4-mini": ModelPrice(0.75, 4.5),
    "gpt-5": ModelPrice(1.25, 10.0),
    "gpt-4.1": ModelPrice(2.0, 8.0),
    "gpt-4o-mini": ModelPrice(0.15, 0.6),
}
_DATE = re.compile(r"-(20\d{6}|20\d{2}-\d{2}-\d{2}|latest)$")


def price_of(model: str, overrides: Mapping[str, ModelPrice]) -> ModelPrice | None:
    """The price of `model`: of exactly this name, else without a vendor before and a date behind it; None if unknown.

    `anthropic/claude-haiku-4-5-20251001` has the price of `claude-haiku-4-5`. A name that only begins alike has none.
    """
    plain = _DATE.sub("", model.rpartition("/")[2])
    for table in (overrides, _TABLE):
        if (price := table.get(model) or table.get(plain)) is not None:
            return price
    return None


def cost_of(usage: Usage, model: str, overrides: Mapping[str, ModelPrice]) -> float | None:
    """US dollars: what the provider reported, else tokens times price; None if neither is known.

    Tokens of the one sort that nobody reported count as none, so with only one sort known this is a lower bound.
    """
    if usage.cost_usd is not None:
        return usage.cost_usd
    price = price_of(model, overrides)
    if price is None or (usage.input_tokens is None and usage.output_tokens is None):
        return None
    return ((usage.input_tokens or 0) * price.input + (usage.output_tokens or 0) * price.output) / 1e6
