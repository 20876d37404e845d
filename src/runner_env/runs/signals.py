"""Ctrl-C, SIGTERM and SIGHUP while a run is open: stop what runs, tear down, keep the evidence, then end.

Handlers are installed only from the main thread, only while a run is open, and only where the program has none of its
own (a signal that is ignored stays ignored). There is one set for the whole process, whatever sessions it has.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Self

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ONE_PRESS_S = 0.5
"""Within so many seconds a repetition is the same request: make and other launchers pass on what the terminal has
already sent to everybody, and that must not cut short a teardown that has only begun."""

Stop = Callable[[str], None]


class Interruption:
    """Turns signals into requests to stop. A context manager, held by the main thread during every call of a session.

    While it is held, a signal only asks all open runs to stop; it takes effect when they are wound up, at the end of
    the `with` block. Otherwise it takes effect at once, and the open runs are wound up by whoever closes them.
    """

    def __init__(self) -> None:
        self._stops: list[Stop] = []
        self._held = 0
        self._received: signal.Signals | None = None
        self._last = float("-inf")
        self._replaced: dict[signal.Signals, object] = {}

    @property
    def received(self) -> str:
        """The name of the signal that waits to take effect; empty if there is none."""
        return self._received.name if self._received is not None else ""

    def watch(self, stop: Stop) -> None:
        """From now on, call `stop` with the signal's name, from a signal handler."""
        self._stops.append(stop)
        if not _in_main_thread():
            return
        for number in _HANDLED:
            current = signal.getsignal(number)
            if current in (signal.SIG_DFL, signal.default_int_handler):
                self._replaced[number] = current
                signal.signal(number, self._handle)

    def unwatch(self, stop: Stop) -> None:
        """Forget `stop`; with the last one, former handlers return, unless the program has since set its own."""
        if stop in self._stops:
            self._stops.remove(stop)
        if not self._stops and _in_main_thread():
            self._restore()

    def forget(self) -> None:
        """In a forked child: the runs are the parent's."""
        self._stops.clear()
        self._held, self._received = 0, None
        self._restore()

    def die(self, error: KeyboardInterrupt | SystemExit) -> None:
        """End the program by the signal that `error` stands for, at a time when raising would end nothing."""
        number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else int(error.code or 128) - 128
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def __enter__(self) -> Self:
        if _in_main_thread():
            self._held += 1
        return self

    def __exit__(self, *_: object) -> None:
        if _in_main_thread():
            self._held -= 1
            if not self._held:
                self._take_effect()

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        now = time.monotonic()
        repeated, self._last = now - self._last < _ONE_PRESS_S, now
        if repeated:
            return
        self._received = self._received or signal.Signals(number)
        for stop in list(self._stops):
            stop(self._received.name)
        if not self._held:
            self._take_effect()

    def _take_effect(self) -> None:
        received, self._received = self._received, None
        if received is signal.SIGINT:
            raise KeyboardInterrupt
        if received is not None:
            raise SystemExit(128 + received)

    def _restore(self) -> None:
        for number, former in self._replaced.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, former)  # type: ignore[arg-type]
        self._replaced.clear()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


INTERRUPTION = Interruption()
"""The one of this process."""

os.register_at_fork(after_in_child=INTERRUPTION.forget)
