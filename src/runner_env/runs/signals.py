"""Ctrl-C, SIGTERM and SIGHUP while a run is open: stop what runs, tear down, keep the evidence, then end.

Handlers are installed only in the main thread, only while a run is open, and only where the program has none of its
own (a signal that is ignored stays ignored).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Turns signals into a request to stop.

    While a call is busy, a signal only calls `stop`; the call raises when everything is wound up. While nothing is
    busy, the signal raises at once, and the open run is wound up by whoever closes it.
    """

    def __init__(self, stop: Callable[[str], None]) -> None:
        """Prepare; nothing is installed yet.

        Args:
            stop: called with the signal's name, from a signal handler.
        """
        self._stop = stop
        self._busy = False
        self._received: signal.Signals | None = None
        self._replaced: dict[signal.Signals, object] = {}

    def install(self) -> None:
        """Take over the signals that have their default handlers."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _HANDLED:
            current = signal.getsignal(number)
            if current in (signal.SIG_DFL, signal.default_int_handler):
                self._replaced[number] = current
                signal.signal(number, self._handle)

    def restore(self) -> None:
        """Put the former handlers back, unless the program has since set its own."""
        for number, former in self._replaced.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, former)  # type: ignore[arg-type]
        self._replaced.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._received = signal.Signals(number)
        if self._busy:
            self._stop(self._received.name)
        else:
            self.raise_received()

    def raise_received(self) -> None:
        """End as the signal asked for: KeyboardInterrupt, or SystemExit with 128 + n; nothing if none came."""
        received, self._received = self._received, None
        if received is signal.SIGINT:
            raise KeyboardInterrupt
        if received is not None:
            raise SystemExit(128 + received)

    def __enter__(self) -> Self:
        self._busy = True
        return self

    def __exit__(self, *_: object) -> None:
        self._busy = False
