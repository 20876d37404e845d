"""What the other side of a call claims, in JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runner_env.core import Usage, UsageSource

if TYPE_CHECKING:
    from collections.abc import Mapping


class Invalid(ValueError):
    """What was claimed lacks something, or has a wrong type somewhere."""


def read_usage(value: object) -> Usage | None:
    """What a call consumed, as its other side claims. None and an object without known fields are no report.

    Raises:
        Invalid: no object, or a field that is no count or amount.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Invalid("`usage` must be an object")
    tokens = [_amount(value, name, whole=True) for name in ("input_tokens", "output_tokens")]
    cost = _amount(value, "cost_usd", whole=False)
    counted = [None if number is None else int(number) for number in tokens]
    usage = Usage(counted[0], counted[1], None, cost, UsageSource.CLAIMED)
    return None if usage.is_empty else usage


def _amount(usage: Mapping[str, Any], name: str, *, whole: bool) -> float | None:
    value = usage.get(name)
    if value is None:
        return None
    right = isinstance(value, int) if whole else isinstance(value, int | float)
    if isinstance(value, bool) or not right or value < 0:
        raise Invalid(f"`usage.{name}` must be a {'count' if whole else 'number'} of at least 0")
    return value if whole else finite(f"usage.{name}", value)


def finite(name: str, value: float) -> float:
    """The number.

    Raises:
        Invalid: it is infinite, not a number, or too large for one.
    """
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Invalid(f"`{name}` is too large a number")
    return number
