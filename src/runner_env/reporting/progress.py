"""What is going on, on standard error: plain lines, or on a terminal the stages that ended and one live line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from runner_env.reporting.live import LiveLine
from runner_env.reporting.words import one_line, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO


class Progress:
    """An observer of a run: called with the events of its journal after they are recorded. A context manager.

    It never stands in the way of the run: if its stream breaks, it falls silent. Events that it does not know are left
    out. It is called from one thread.

    Args:
        stream: where to write, usually standard error.
        live: whether `stream` is a terminal that can redraw a line.
        clock: seconds on a monotonic clock.

    Attributes:
        run_id: the run that began last; empty until one has.
    """

    def __init__(self, stream: TextIO, *, live: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.run_id = ""
        self._stream = stream
        self._line = LiveLine(stream) if live else None
        self._clock = clock
        self._started = clock()
        self._broken = False

    def __call__(self, event: str, data: Mapping[str, object]) -> None:
        """Take one event.

        Args:
            event: `run_started`, `run_resumed`, `stage_started`, `command_started`, `command_ended`, `stage_ended`,
                `run_ended`, `authoring_started` or `authoring_ended`.
            data: what the journal says of it.
        """
        handle = {
            "run_started": self._run_started,
            "run_resumed": self._run_started,
            "stage_started": self._stage_started,
            "command_started": self._command_started,
            "command_ended": self._command_ended,
            "stage_ended": self._stage_ended,
            "run_ended": self._run_ended,
            "authoring_started": self._authoring_started,
            "authoring_ended": self._authoring_ended,
        }.get(event)
        if handle and not self._broken:
            self._guarded(lambda: handle(data))

    def fetching(self, target: str) -> None:
        """Say that a target is being brought here, which may take minutes before the run begins."""
        if not self._broken:
            self._guarded(lambda: self._say(f"fetching {one_line(target)}"))

    def close(self) -> None:
        """Remove the live line."""
        line, self._line = self._line, None
        if line is not None:
            self._guarded(line.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (OSError, ValueError):
            # A closed pipe or file: whoever watched has left, and the run goes on.
            self._broken = True

    def _run_started(self, data: Mapping[str, object]) -> None:
        self.run_id = str(data["run_id"])
        self._say(f"run {one_line(self.run_id)}")

    def _stage_started(self, data: Mapping[str, object]) -> None:
        if self._line is None:
            self._say(_stage(data))

    def _command_started(self, data: Mapping[str, object]) -> None:
        text = f"{_command(data)} $ {one_line(str(data.get('command', '')))}"
        if self._line is None:
            self._say(text)
            return
        since = self._clock()
        self._line.show(lambda: f"  {seconds(self._clock() - since):>8}  {text}")

    def _command_ended(self, data: Mapping[str, object]) -> None:
        if self._line is None:
            self._say(f"{_command(data)} {_ending(data)}{_duration(data)}")
        else:
            self._line.show(None)

    def _stage_ended(self, data: Mapping[str, object]) -> None:
        self._say(f"{_stage(data)} {'ok' if data.get('ok') else 'not ok'}{_duration(data)}")

    def _run_ended(self, data: Mapping[str, object]) -> None:
        self._say(one_line(str(data.get("verdict", ""))))

    def _authoring_started(self, data: Mapping[str, object]) -> None:
        what = "repair" if data.get("purpose") == "repair" else "write"
        text = f"{one_line(str(data.get('harness', 'agent')))} is asked to {what} the contract"
        self._say(text)
        if self._line is not None:
            since = self._clock()
            self._line.show(lambda: f"  {seconds(self._clock() - since):>8}  {text}")

    def _authoring_ended(self, data: Mapping[str, object]) -> None:
        if self._line is not None:
            self._line.show(None)
        reason = one_line(str(data.get("reason", "")))
        self._say(f"no contract came of it: {reason}" if reason else "a contract is proposed; it is tried now")

    def _say(self, text: str) -> None:
        line = f"[{self._clock() - self._started:7.1f}] {text}"
        if self._line is not None:
            self._line.above(line)
        else:
            self._stream.write(f"{line}\n")
            self._stream.flush()


def _stage(data: Mapping[str, object]) -> str:
    return one_line(str(data.get("stage", "")))


def _command(data: Mapping[str, object]) -> str:
    attempt = data.get("attempt", 1)
    return f"{_stage(data)} {data.get('number', '')}{'' if attempt == 1 else f' (attempt {attempt})'}"


def _ending(data: Mapping[str, object]) -> str:
    ending = one_line(str(data.get("ending", "")))
    return f"{ending} {data['exit_code']}" if data.get("exit_code") is not None else ending


def _duration(data: Mapping[str, object]) -> str:
    value = data.get("duration_s")
    return f" after {seconds(value)}" if isinstance(value, (int, float)) else ""
