"""Waiting for a command: its output, its end, the clock, the cancel and the lifeline in one poll."""

from __future__ import annotations

import select
import time
from functools import partial
from typing import TYPE_CHECKING

from runner_env.core import Ending, Outcome
from runner_env.execution.command import PATIENCE_S, BoxLost
from runner_env.execution.streams import drain

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_env.execution.cancel import Cancel
    from runner_env.execution.command import Command
    from runner_env.execution.keeper_process import KeeperProcess
    from runner_env.execution.request import Limits
    from runner_env.execution.streams import Stream

DRAIN_S = 2.0
"""How long to read on when the last writer is gone; only a process outside the box can make it matter."""

TIMED_OUT_CODE = 124

_WATCH_S = 0.5


class Attendance:
    """Attends one command until it has ended, and, if it failed or was stopped, until all it started has.

    Args:
        command: the command.
        keeper: its keeper, whose loss ends the wait.
        limits: its limits.
        cancel: what else may stop it.
        buffer: where output passes through.
    """

    def __init__(
        self, command: Command, keeper: KeeperProcess, limits: Limits, cancel: Cancel | None, buffer: memoryview
    ) -> None:
        self._command = command
        self._limits = limits
        self._cancel = cancel
        self._buffer = buffer
        self._started = time.monotonic()
        self._duration_s = 0.0
        self._deadline = None if limits.timeout_s is None else self._started + limits.timeout_s
        self._watch_at = None if limits.watch is None else self._started + _WATCH_S
        self._cause: Ending | None = None
        self._excess = ""
        self._stopping = False
        self._poll = select.poll()
        self._on: dict[int, Callable[[], None]] = {}
        self._listen(keeper.fileno(), _keeper_gone)
        self._listen(command.fileno(), self._hear)
        if cancel is not None and cancel.fileno() >= 0:
            self._listen(cancel.fileno(), self._cancelled)
        for stream in command.streams:
            self._listen(stream.fileno(), partial(self._pump, stream))

    def run(self) -> Outcome:
        """Wait for the end.

        Returns:
            What became of the command. All it wrote until then is in its sinks.

        Raises:
            BoxLost: keeper or minder is gone or does not answer.
        """
        while not self._settled():
            for descriptor, _ in self._poll.poll(self._milliseconds()):
                self._on[descriptor]()
            self._watch_clock()
            self._watch_use()
        self._take_in_rest()
        if self._cause is None:
            self._excess = self._limits.watch() if self._limits.watch is not None else ""
        return self._outcome()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start, or those that the command took."""
        return self._duration_s or time.monotonic() - self._started

    def _listen(self, descriptor: int, handler: Callable[[], None]) -> None:
        self._poll.register(descriptor, select.POLLIN)
        self._on[descriptor] = handler

    def _ignore(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._on[descriptor]

    def _settled(self) -> bool:
        command = self._command
        return command.exit is not None and (command.over or not self._stopping)

    def _milliseconds(self) -> float | None:
        # one more, because poll cuts off fractions and would wake before the deadline
        due = min((at for at in (self._deadline, self._watch_at) if at is not None), default=None)
        return None if due is None else max(0.0, due - time.monotonic()) * 1000 + 1

    def _pump(self, stream: Stream) -> None:
        descriptor = stream.fileno()
        stream.pump(self._buffer)
        if not stream.open:
            self._ignore(descriptor)

    def _hear(self) -> None:
        had_exit = self._command.exit is not None
        self._command.hear()
        if self._command.stopped and not self._stopping:  # its minder kills it already
            self._exceed(self._command.stopped)
        if self._command.stopped and self._command.exit is None and not self._command.over:
            return
        if self._command.trouble or self._command.exit is None:
            raise BoxLost(self._command.trouble or "the end of a command went unseen")
        if had_exit:
            return
        self._duration_s = time.monotonic() - self._started
        if self._command.exit.code != 0 and not self._stopping:
            self._stop(0)

    def _cancelled(self) -> None:
        if self._cause is None:
            self._cause = Ending.CANCELLED
            self._stop(self._limits.grace_s)

    def _watch_clock(self) -> None:
        if self._settled() or self._deadline is None or time.monotonic() < self._deadline:
            return
        if self._stopping:
            raise BoxLost("a minder does not end its command")
        self._cause = Ending.TIMED_OUT
        self._stop(self._limits.grace_s)

    def _watch_use(self) -> None:
        if self._watch_at is None or self._limits.watch is None or time.monotonic() < self._watch_at:
            return
        excess = "" if self._settled() or self._stopping else self._limits.watch()
        self._watch_at = time.monotonic() + _WATCH_S
        if excess:
            self._exceed(excess)

    def _exceed(self, reason: str) -> None:
        self._cause, self._excess = Ending.LIMITED, reason
        self._stop(0)

    def _stop(self, grace_s: float) -> None:
        self._stopping = True
        if self._cancel is not None and self._cancel.fileno() in self._on:
            self._ignore(self._cancel.fileno())
        self._deadline = time.monotonic() + grace_s + PATIENCE_S
        self._command.ask_end(grace_s)

    def _take_in_rest(self) -> None:
        """What was written before the end is in the pipes; each holds no more than one buffer."""
        streams = [stream for stream in self._command.streams if stream.open]
        if self._command.over:
            drain(streams, self._buffer, DRAIN_S)
        for stream in streams:
            if stream.open:
                stream.pump(self._buffer)

    def _outcome(self) -> Outcome:
        end = self._command.exit
        assert end is not None
        code = end.code if end.code >= 0 else 128 - end.code
        ending = self._cause or (Ending.EXITED if end.code >= 0 else Ending.SIGNALLED)
        if self._excess:
            return Outcome(Ending.LIMITED, code, self._duration_s, end.cpu_s, end.max_rss_kib, self._excess)
        reason = self._cancel.reason if self._cancel is not None and ending is Ending.CANCELLED else end.reason
        if ending is Ending.TIMED_OUT:
            code = TIMED_OUT_CODE
        return Outcome(ending, code, self._duration_s, end.cpu_s, end.max_rss_kib, reason)


def _keeper_gone() -> None:
    raise BoxLost("its keeper is gone")
