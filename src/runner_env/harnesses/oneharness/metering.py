"""What a turn alone consumed, also where a harness reports its whole session each time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.core import Usage

_CUMULATIVE = frozenset(("codex",))
_CACHE_APART = frozenset(("claude-code", "opencode"))
"""Harnesses that count what came from the cache beside the input, as Anthropic does, and not as a part of it."""


class Meter:
    """Remembers what each session has consumed so far."""

    def __init__(self) -> None:
        self._consumed: dict[str, Usage] = {}

    def of_turn(self, harness: str, session: str | None, usage: Usage | None, *, resumed: bool) -> Usage | None:
        """The usage of the latest turn.

        Args:
            harness: who reported it.
            session: its handle; None: there is none.
            usage: as reported.
            resumed: whether the turn continued the session.
        """
        if harness not in _CUMULATIVE or session is None or usage is None:
            return usage
        before = self._consumed.get(session) if resumed else None
        self._consumed[session] = usage
        return usage if before is None else _difference(usage, before)


def with_cache(harness: str, usage: Usage | None, cached_tokens: int) -> Usage | None:
    """The usage, whose input counts what came from the cache too, whoever reports it."""
    if usage is None or usage.input_tokens is None or harness not in _CACHE_APART:
        return usage
    return replace(usage, input_tokens=usage.input_tokens + cached_tokens)


def _difference(now: Usage, before: Usage) -> Usage:
    grown = (now.input_tokens or 0) > (before.input_tokens or 0)
    grown = grown and (now.output_tokens or 0) >= (before.output_tokens or 0)
    if not grown:
        return now
    return replace(
        now,
        input_tokens=(now.input_tokens or 0) - (before.input_tokens or 0),
        output_tokens=None if now.output_tokens is None else now.output_tokens - (before.output_tokens or 0),
    )
