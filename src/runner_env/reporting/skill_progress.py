"""What a skill run is doing, on standard error: a plain line for each trial, or on a terminal a live line as well."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from runner_env.core import Verdict
from runner_env.reporting.live import LiveLine
from runner_env.reporting.words import one_line, seconds
from runner_env.skills.watching import RunBegun, TrialBegun, TrialEnded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_WORDS = {Verdict.PASSED: "passed", Verdict.FAILED: "FAILED", Verdict.UNSCORED: "UNSCORED"}
_WIDEST = 80


class SkillProgress:
    """An observer of a skill run; a context manager. If its stream breaks, it falls silent.

    Args:
        stream: where to write, usually standard error.
        live: whether `stream` is a terminal that can redraw a line.
        clock: seconds on a monotonic clock.

    Attributes:
        begun: what was said when the run began; None until it has.
    """

    def __init__(self, stream: TextIO, *, live: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.begun: RunBegun | None = None
        self._stream = stream
        self._line = LiveLine(stream) if live else None
        self._clock = clock
        self._started = clock()
        self._under_way: dict[str, float] = {}
        self._ended = 0
        self._cost = ""
        self._broken = False

    def __call__(self, event: RunBegun | TrialBegun | TrialEnded) -> None:
        """Take one event."""
        match event:
            case RunBegun():
                self.begun, self._ended = event, event.carried
                carried = f", {event.carried} carried over" if event.carried else ""
                trials = "1 trial" if event.trials == 1 else f"{event.trials} trials"
                self._say(f"run {event.run_dir.name}: {trials}{carried}")
            case TrialBegun(trial):
                self._under_way[trial.id] = self._clock()
            case TrialEnded():
                self._trial_ended(event)
        self._show()

    def close(self) -> None:
        """Remove the live line."""
        line, self._line = self._line, None
        if line is not None:
            self._guarded(line.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _trial_ended(self, event: TrialEnded) -> None:
        begun = self._under_way.pop(event.trial.id, self._clock())
        self._ended = event.ended
        known = event.cost.known
        self._cost = "" if known is None else f", ${known:.4f}"
        total = self.begun.trials if self.begun else event.ended
        took = seconds(self._clock() - begun)
        trouble = f" [{event.result.trouble.code}]" if event.result.trouble else ""
        label = one_line(event.trial.id, _WIDEST)
        self._say(f"[{event.ended}/{total}] {label} {_WORDS[event.result.verdict]}{trouble} ({took}{self._cost})")

    def _status(self) -> str:
        now = self._clock()
        total = self.begun.trials if self.begun else 0
        oldest = next(iter(self._under_way), None)
        more = f" and {len(self._under_way) - 1} more" if len(self._under_way) > 1 else ""
        what = "" if oldest is None else f"  {one_line(oldest, _WIDEST)} {seconds(now - self._under_way[oldest])}{more}"
        return f"{self._ended}/{total} trials, {seconds(now - self._started)}{self._cost}{what}"

    def _show(self) -> None:
        if self._line is not None:
            line = self._line
            self._guarded(lambda: line.show(self._status))

    def _say(self, text: str) -> None:
        line = self._line
        if line is not None:
            self._guarded(lambda: line.above(text))
        else:
            self._guarded(lambda: self._plain(text))

    def _plain(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def _guarded(self, act: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            act()
        except (OSError, ValueError):
            self._broken, self._line = True, None
