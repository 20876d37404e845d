"""Asking again after a failure that passes, no sooner than the server wants and never for long."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

import stamina

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ATTEMPTS = 3
LONGEST_WAIT_S = 30.0

_T = TypeVar("_T")

# stamina tells of each retry by a warning, which Python prints to the terminal of a program that handles none
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Passing(Exception):
    """A failure that may be gone the next time.

    Args:
        cause: what is raised if it is not.
        wait_s: seconds that the server wants to be left alone; None: it does not say.
    """

    def __init__(self, cause: Exception, wait_s: float | None = None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.wait_s = wait_s


async def retried(call: Callable[[], Awaitable[_T]]) -> _T:
    """What `call` returns; it is made up to 3 times, 1 s and then 2 s apart, or as the server wants up to 30 s.

    Raises:
        Exception: the cause of the last `Passing`, or at once whatever else `call` raises.
    """
    try:
        async for attempt in stamina.retry_context(
            _backoff, attempts=ATTEMPTS, timeout=None, wait_initial=1.0, wait_max=LONGEST_WAIT_S, wait_jitter=0.0
        ):
            with attempt:
                return await call()
    except Passing as failure:
        raise failure.cause from None
    raise AssertionError("unreachable: stamina ends with a result or an exception")


def wanted_wait(header: str, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks for (RFC 9110, section 10.2.3); None if it is none.

    Args:
        header: a number of seconds, or a date.
        now: the wall clock, timezone-aware.
    """
    text = header.strip()
    try:
        wait = float(text) if text.replace(".", "", 1).isdigit() else _until(text, now)
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), LONGEST_WAIT_S)


def _until(date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, Passing):
        return False
    return True if error.wait_s is None else error.wait_s
