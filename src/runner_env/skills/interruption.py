"""SIGTERM and SIGHUP while a run goes on: what it started is ended, what it recorded stays, then the program ends."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

_T = TypeVar("_T")
_HANDLED = (signal.SIGTERM, signal.SIGHUP)


async def interruptible(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Await `coroutine`; a signal cancels it, and once it is wound up the program ends as by that signal.

    Ctrl-C is asyncio's own business (`asyncio.run` cancels its task likewise). Handlers are installed only in the main
    thread, and only where the program has none of its own.

    Raises:
        SystemExit: 128 plus the number of the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        return await coroutine
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        if not received:
            received.append(number)
            task.cancel()

    installed = [number for number in _HANDLED if signal.getsignal(number) is signal.SIG_DFL]
    for number in installed:
        loop.add_signal_handler(number, stop, number)
    try:
        return await coroutine
    except asyncio.CancelledError:
        if not received:
            raise
        raise SystemExit(128 + received[0]) from None
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
