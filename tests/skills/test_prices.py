"""Prices: what is known, what is not, and what goes first."""

from __future__ import annotations

import pytest

from runner_env.core import Usage
from runner_env.skills.config import ModelPrice
from runner_env.skills.prices import cost_of, price_of


@pytest.mark.parametrize(
    "name", ["claude-haiku-4-5", "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5", "claude-haiku-4-5-latest"]
)
def test_names_of_one_model(name: str) -> None:
    """A vendor before and a date behind the name change nothing."""
    assert price_of(name, {}) == ModelPrice(1.0, 5.0)


@pytest.mark.parametrize("name", ["", "claude-haiku-4-5-turbo", "claude", "gpt-5.4-2", "/"])
def test_names_that_only_begin_alike(name: str) -> None:
    """A model that is not in the table has no price; a guess would make a cap worthless."""
    assert price_of(name, {}) is None


def test_overrides_go_first() -> None:
    """A config's price wins, for exactly the name it gives or for the plain name."""
    mine = {"claude-haiku-4-5": ModelPrice(9.0, 9.0), "x/y": ModelPrice(1.0, 1.0)}
    assert price_of("claude-haiku-4-5-20251001", mine) == ModelPrice(9.0, 9.0)
    assert price_of("x/y", mine) == ModelPrice(1.0, 1.0)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(cost_usd=0.0, input_tokens=5), 0.0),
        (Usage(input_tokens=1_000_000, output_tokens=100_000), 1.5),
        (Usage(output_tokens=1_000_000), 5.0),
        (Usage(), None),
    ],
)
def test_cost(usage: Usage, cost: float | None) -> None:
    """A reported cost is taken, also zero; else tokens times price; without either nothing is known."""
    assert cost_of(usage, "claude-haiku-4-5", {}) == (None if cost is None else pytest.approx(cost))


def test_the_cost_of_an_unknown_model() -> None:
    """Without a price the cost is unknown, not zero."""
    assert cost_of(Usage(input_tokens=1), "no-such-model", {}) is None
