"""Signals as requests to stop, with handlers called as Python would; the acceptance tests send real ones."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from runner_env.runs.signals import Interruption

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put the handlers of the test runner back."""
    before = {number: signal.getsignal(number) for number in HANDLED}
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def interruption(monkeypatch: pytest.MonkeyPatch) -> Interruption:
    """One whose clock makes every signal a request of its own."""
    clock = iter(range(100))
    monkeypatch.setattr("runner_env.runs.signals.time.monotonic", lambda: float(next(clock)))
    return Interruption()


def test_handlers_are_there_while_somebody_watches(interruption: Interruption) -> None:
    """The first watcher installs the handlers, the last one to leave puts the former ones back."""
    former = [signal.getsignal(number) for number in HANDLED]
    first: list[str] = []
    second: list[str] = []
    interruption.watch(first.append)
    interruption.watch(second.append)
    interruption.unwatch(first.append)
    assert all(signal.getsignal(number) not in former for number in HANDLED)
    interruption.unwatch(second.append)
    assert [signal.getsignal(number) for number in HANDLED] == former
    interruption.unwatch(second.append)


def test_ignored_signals_and_own_handlers_stay(interruption: Interruption) -> None:
    """Only default handlers are taken over."""

    def own(*_: object) -> None:
        return

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, own)
    interruption.watch(print)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is own
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    interruption.unwatch(print)


def test_a_handler_set_meanwhile_stays(interruption: Interruption) -> None:
    """A handler that the program sets while a run is open is its own affair."""

    def own(*_: object) -> None:
        return

    interruption.watch(print)
    signal.signal(signal.SIGTERM, own)
    interruption.unwatch(print)
    assert signal.getsignal(signal.SIGTERM) is own
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit), (signal.SIGHUP, SystemExit)]
)
def test_while_nothing_is_busy_a_signal_takes_effect_at_once(
    interruption: Interruption, number: signal.Signals, error: type[BaseException]
) -> None:
    """It asks every run to stop, then raises what ends the program with 128 + n."""
    reasons: list[str] = []
    interruption.watch(reasons.append)
    with pytest.raises(error) as caught:
        signal.raise_signal(number)
    assert reasons == [number.name]
    assert isinstance(caught.value, KeyboardInterrupt) or caught.value.args == (128 + number,)
    interruption.unwatch(reasons.append)


def test_while_a_call_is_busy_it_waits_for_its_end(interruption: Interruption) -> None:
    """Inside, also of nested blocks, signals only ask; the first one takes effect when the outermost block ends."""
    reasons: list[str] = []
    interruption.watch(reasons.append)
    done: list[str] = []

    def call() -> None:
        with interruption:
            with interruption:
                signal.raise_signal(signal.SIGTERM)
                signal.raise_signal(signal.SIGINT)
            done.append(interruption.received)

    with pytest.raises(SystemExit) as caught:
        call()
    assert caught.value.code == 143
    assert done == ["SIGTERM"]
    assert reasons == ["SIGTERM", "SIGTERM"]
    assert interruption.received == ""
    with interruption:
        pass
    interruption.unwatch(reasons.append)


def test_repetitions_within_half_a_second_are_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a launcher passes on comes together with the first and counts with it; later it counts anew."""
    times = iter([10.0, 10.1, 10.4, 11.0])
    monkeypatch.setattr("runner_env.runs.signals.time.monotonic", lambda: next(times))
    interruption = Interruption()
    reasons: list[str] = []
    interruption.watch(reasons.append)

    def call() -> None:
        with interruption:
            for expected in (1, 1, 1, 2):
                signal.raise_signal(signal.SIGINT)
                assert len(reasons) == expected

    with pytest.raises(KeyboardInterrupt):
        call()
    interruption.unwatch(reasons.append)


def test_other_threads_install_nothing(interruption: Interruption) -> None:
    """A thread can neither install nor restore handlers, and does not try; nothing is raised there."""
    former = signal.getsignal(signal.SIGINT)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            interruption.watch(print)
            with interruption:
                assert signal.getsignal(signal.SIGINT) is former
            interruption.unwatch(print)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == []


def test_a_forked_child_has_the_default_handlers(interruption: Interruption) -> None:
    """In a child, the parent's runs are not asked to stop."""
    reasons: list[str] = []
    interruption.watch(reasons.append)
    interruption.forget()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert reasons == []


@pytest.mark.parametrize(("error", "number"), [(KeyboardInterrupt(), 2), (SystemExit(143), 15), (SystemExit(129), 1)])
def test_dying(interruption: Interruption, error: KeyboardInterrupt | SystemExit, number: int) -> None:
    """Where raising would end nothing, the signal's own default does."""
    child = os.fork()
    if child == 0:
        interruption.die(error)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -number
