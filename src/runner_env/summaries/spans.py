"""Which sessions lie within others, in the time of a sort however many there are."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.summaries.model import Tally


class Spans:
    """The stretches of lines that sessions take.

    Args:
        tallies: the sessions.
    """

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._firsts: list[int] = []
        self._widest: list[tuple[int, int]] = []  # of all that begin no later: the last line, and where that one begins
        begun, last = 0, -1
        for tally in sorted(tallies, key=lambda one: (one.first, -one.last)):
            if tally.last > last:
                begun, last = tally.first, tally.last
            self._firsts.append(tally.first)
            self._widest.append((last, begun))

    def hold(self, number: int) -> bool:
        """Whether a line lies within a session."""
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and self._widest[at][0] >= number

    def exceed(self, one: Tally) -> bool:
        """Whether a session lies within a wider one."""
        at = bisect_right(self._firsts, one.first) - 1
        if at < 0:
            return False
        last, begun = self._widest[at]
        return last > one.last or (last == one.last and begun < one.first)
