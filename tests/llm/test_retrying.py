"""When to ask again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner_env.bridge import blocking
from runner_env.llm.retrying import Passing, retried, wanted_wait

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        (" 7 ", 7.0),
        ("99999", 30.0),
        ("Sun, 22 Nov 2026 12:00:05 GMT", 5.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("1e9999", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_capped(header: str, seconds: float | None) -> None:
    """Seconds or a date; never more than 30 s; nonsense counts as silence."""
    assert wanted_wait(header, NOW) == seconds


def test_three_attempts_then_the_cause() -> None:
    """A failure that does not pass is raised itself, after three attempts."""
    made: list[int] = []

    async def call() -> None:
        made.append(1)
        raise Passing(KeyError("busy"), 0.0)

    with pytest.raises(KeyError):
        blocking(retried(call))
    assert len(made) == 3


def test_what_does_not_pass_is_not_repeated() -> None:
    """Any other error is raised at once."""
    made: list[int] = []

    async def call() -> None:
        made.append(1)
        raise KeyError("wrong key")

    with pytest.raises(KeyError):
        blocking(retried(call))
    assert len(made) == 1
