"""What the sessions of an output amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.summaries.model import Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.summaries.model import Counts, Tally

_SIGNALS = frozenset(128 + number for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 24, 25, 31))
_TIMED_OUT = 124


def judge(tallies: Sequence[Tally], exit_code: int | None) -> Summary:
    """Sum the sessions and say whether the run was good.

    A run that ended by a signal or a timeout has no counts: what it printed before is not its result.
    """
    cut_off = any(tally.void for tally in tallies)
    tallies = [tally for tally in tallies if not tally.void]
    if not tallies:
        return Summary()
    counts = tallies[0].counts
    for tally in tallies[1:]:
        counts = counts + tally.counts
    if _crashed(exit_code, counts):
        return Summary()
    whole = not cut_off and all(tally.whole for tally in tallies)
    good = all(_good(tally) for tally in tallies) and any(tally.passed for tally in tallies)
    runners = dict.fromkeys(tally.runner for tally in tallies)
    return Summary(
        runner="+".join(runners),
        passed=counts.passed,
        failed=counts.failed,
        errors=counts.errors,
        skipped=counts.skipped,
        xfailed=counts.xfailed,
        xpassed=counts.xpassed,
        deselected=counts.deselected,
        total=counts.total,
        ok=good and whole and exit_code in (None, 0),
        score=_score(tallies, counts) if whole else None,
    )


def _good(tally: Tally) -> bool:
    return tally.good and not tally.counts.failed and not tally.counts.errors


def _crashed(exit_code: int | None, counts: Counts) -> bool:
    """Whether the exit code is that of a signal or a timeout; some runners exit with the number of failures."""
    if exit_code is None or exit_code == (counts.failed or 0) + (counts.errors or 0):
        return False
    return exit_code < 0 or exit_code > 255 or exit_code == _TIMED_OUT or exit_code in _SIGNALS


def _score(tallies: Sequence[Tally], counts: Counts) -> float | None:
    if any(tally.score is not None for tally in tallies):
        return tallies[0].score if len(tallies) == 1 else None
    if counts.passed is None:
        return None
    tested = counts.passed + (counts.failed or 0) + (counts.errors or 0)
    return counts.passed / tested if tested else None
