"""Stopping from elsewhere: another thread, a signal handler, a closed box."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from runner_env.core import Ending
from runner_env.execution import Cancel

if TYPE_CHECKING:
    from conftest import Bench, Eventually


def test_first_reason_wins(cancel: Cancel) -> None:
    """A cancel is set once; it stays readable."""
    assert (cancel.is_set, cancel.reason) == (False, "")
    cancel.set("deadline")
    cancel.set("interrupt")
    assert (cancel.is_set, cancel.reason) == (True, "deadline")
    cancel.close()
    cancel.close()
    cancel.set("too late")
    assert (cancel.fileno(), cancel.reason) == (-1, "deadline")


def test_cancel_from_a_thread(cancellable: Bench, cancel: Cancel) -> None:
    """The command gets its grace, then all of it is ended, and the reason is told."""
    timer = threading.Timer(0.1, cancel.set, ["deadline"])
    timer.start()
    outcome = cancellable.run("sleep 100 & trap '' TERM; while :; do sleep 0.01; done", grace_s=0.2)
    timer.join()
    assert (outcome.ending, outcome.exit_code, outcome.reason) == (Ending.CANCELLED, 137, "deadline")
    assert 0.2 <= outcome.duration_s < 5
    assert cancellable.alive() == []


def test_cancel_from_a_signal_handler(cancellable: Bench, cancel: Cancel) -> None:
    """A handler of this very thread, which waits, may set it."""
    before = signal.signal(signal.SIGUSR1, lambda *_: cancel.set("SIGUSR1"))
    timer = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGUSR1])
    timer.start()
    try:
        outcome = cancellable.run("sleep 100")
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert (outcome.ending, outcome.exit_code, outcome.reason) == (Ending.CANCELLED, 143, "SIGUSR1")


def test_cancelled_before_the_start(cancellable: Bench, cancel: Cancel) -> None:
    """Nothing starts any more, but for a stage with another cancel: a teardown that is due."""
    cancel.set("deadline")
    outcome = cancellable.run("touch started")
    assert (outcome.ending, outcome.exit_code, outcome.reason) == (Ending.CANCELLED, None, "deadline")
    assert not (cancellable.cwd / "started").exists()
    with cancellable.box.stage("teardown") as stage:
        assert cancellable.sh(stage, "echo torn down").ok


def test_interrupt_ends_what_runs(bench: Bench, eventually: Eventually) -> None:
    """A KeyboardInterrupt out of the wait leaves no process behind."""
    timer = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with bench.box.stage("test") as stage, pytest.raises(KeyboardInterrupt):
        bench.sh(stage, "setsid sleep 100 & sleep 100")
    timer.join()
    assert eventually(lambda: not bench.alive())


def test_close_from_another_thread(bench: Bench) -> None:
    """Closing the box ends the command that runs in it, which is told as lost."""
    timer = threading.Timer(0.1, bench.box.close)
    timer.start()
    started = time.monotonic()
    assert bench.run("sleep 100").ending is Ending.LOST
    timer.join()
    assert time.monotonic() - started < 2
    assert bench.alive() == []
