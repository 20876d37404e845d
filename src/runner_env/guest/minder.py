"""The minder of one command: its parent, the adopter of its orphans, and their end.

Each command has its own minder, a subreaper. So whatever the command starts, however it detaches, stays below it: what
belongs to this command and not to an earlier one needs no guess, and a `wait` without children proves that all is gone.

The runner talks to it over the command's own channel; the channel's end (the runner died) is the command's end.

A minder that is left alone by a command waits for the next one: a fork takes as long as a short command does.

    runner -> minder   {"op": "run", "mark", "observe", "root", "memory", "processes", "files", "input"} with the
                       descriptors [stdout, stderr, packed command, trace if `observe`, stdin if `input`]
                                                                   (observe: "programs", "writes" below `root`, or "")
                       {"op": "end", "grace_s": 2.0}   ask all to end, kill after the grace (0: at once)
                       {"op": "count"}
    minder -> runner   {"event": "exit", "code", "cpu_s", "max_rss_kib", "alone", "reason"}   the command has ended
                                                                   (alone: and nothing is left; more may be run)
                                                                   (reason: why it was not started, or a limit it met)
                       {"event": "stopped", "reason": "memory_limit: ..."}   it is ended, because a limit was exceeded
                       {"event": "ended", "killed": 3}                              nothing is left
                       {"event": "alive", "count": 2}                               answers `count`
                       {"event": "error", "reason": "..."}                          it could not be started
"""

from __future__ import annotations

import os
import select
import sys
import time

from runner_env.guest import kernel, launch, messages, tree
from runner_env.guest.events import EventLog
from runner_env.guest.waker import Waker
from runner_env.guest.watch import Watch, bound_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket
    from typing import Any, NoReturn

    from runner_env.guest.tracer import Tracer
else:
    import _signal as signal
    import _socket as socket

_NEVER = float("inf")
FAILED = 1
"""Exit status of a minder that could not end all it was answerable for."""


def mind(orders: socket.socket) -> NoReturn:
    """Wait for a command, start it, stay with it and all it starts until none is left; then wait for the next.

    To be called in a forked child of the keeper; never returns.

    Args:
        orders: where the keeper hands on what the runner sent it: the mark of the command's processes, and the
            descriptors of the channel to the runner, standard output, standard error, the packed command
            (`messages.pack`) and, if one is given, standard input. Its end means that no command comes.
    """
    status = FAILED
    try:
        kernel.adopt_orphans()
        launch.close_all_above(2, orders.fileno())
        waker = Waker()
        message, descriptors = messages.receive_with_descriptors(orders, messages.MOST_DESCRIPTORS)
        orders.close()
        status = 0 if message is None or _obey_orders(message, descriptors, waker) else FAILED
    except BaseException:  # noqa: BLE001 - a forked minder must never return into the keeper's code
        sys.excepthook(*sys.exc_info())  # the runner reads it when it finds the box lost
    finally:
        os._exit(status)


def _obey_orders(message: dict[str, Any], descriptors: list[int], waker: Waker) -> bool:
    """Mind one command after the other; False if what one of them started could not be ended."""
    channel = socket.socket(fileno=descriptors.pop(0))
    order: _Order | None = _Order(message, descriptors)
    while order:
        minder = _start(channel, waker, order)
        order.close()
        if minder is not None:
            all_gone = minder.stay()
            if not minder.left_alone:
                return all_gone
        order = _next_order(channel)
    return True


def _next_order(channel: socket.socket) -> _Order | None:
    """Wait for it; None if there will be no more."""
    while True:
        message, descriptors = messages.receive_with_descriptors(channel, messages.MOST_DESCRIPTORS)
        if message is None:
            return None
        if message["op"] == "run":
            return _Order(message, descriptors)
        # else it is about the last command, and was under way when that ended


class _Order:
    """What to run, from the message and the descriptors beside it."""

    def __init__(self, message: dict[str, Any], descriptors: list[int]) -> None:
        self.message = message
        self._descriptors = descriptors
        self.out, self.err, self.payload, *rest = descriptors
        trace = rest.pop(0) if message["observe"] else None
        self.log = None if trace is None else EventLog(os.dup(trace))
        self.given = rest.pop(0) if message["input"] else None

    def observer(self) -> tuple[EventLog, bytes | None] | None:
        if self.log is None:
            return None
        return self.log, bytes.fromhex(self.message["root"]) if self.message["observe"] == "writes" else None

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)


def _start(channel: socket.socket, waker: Waker, order: _Order) -> _Minder | None:
    """Start the command; None, and the runner is told why, if it cannot be started."""
    message = order.message
    argv, env, cwd = messages.unpack(order.payload)
    env[messages.MARK.encode()] = message["mark"].encode()
    try:
        if message["files"]:
            bound_files(message["files"])
        pid, tracer = launch.spawn(argv, env, cwd, (order.out, order.err, order.given), order.observer())
        return _Minder(
            channel, waker, pid, (order.log, tracer), Watch(message["memory"], message["processes"], message["files"])
        )
    except launch.NotStarted as problem:
        os.write(order.err, f"runner-env: {problem}\n".encode(errors="backslashreplace"))
        reason = f"{messages.NOT_STARTED}: {problem}" if problem.too_large else ""
        if order.log is not None:
            order.log.close()
        _report(channel, tree.Death(0, problem.code, 0.0, 0), alone=True, reason=reason)
    except OSError as error:
        messages.send(channel, {"event": "error", "reason": f"no process can be started: {error.strerror}"})
        if order.log is not None:
            order.log.close()
    return None


def _report(channel: socket.socket, death: tree.Death, *, alone: bool, reason: str = "") -> None:
    figures = {"code": death.code, "cpu_s": death.cpu_s, "max_rss_kib": death.max_rss_kib}
    messages.send(channel, {"event": "exit", **figures, "alone": alone, "reason": reason})


class _Minder:
    def __init__(
        self,
        channel: socket.socket,
        waker: Waker,
        pid: int,
        observer: tuple[EventLog | None, Tracer | None],
        watch: Watch,
    ) -> None:
        self._channel = channel
        self._waker = waker
        self._pid = pid
        self._log, self._tracer = observer
        self._watch = watch
        self._kill_at: float | None = None
        self.left_alone = False

    def stay(self) -> bool:
        """Serve until no process is left; whether that could be reached.

        If the command was the last to end, `left_alone` is true, and its report has said all there is to say.
        """
        while self._note_deaths():
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                return self._kill()
            ready = self._wait()
            self._waker.drain()
            excess = self._trace() or self._look()
            if excess:
                messages.send(self._channel, {"event": "stopped", "reason": excess})
                return self._kill()
            if self._channel.fileno() in ready and not self._obey():
                return self._kill()
        if not self.left_alone:
            self._end_trace()
            messages.send(self._channel, {"event": "ended", "killed": 0})
        return True

    def _wait(self) -> list[int]:
        """Sleep until something happens; the descriptors where it did."""
        poll = select.poll()
        poll.register(self._waker.fileno(), select.POLLIN)
        poll.register(self._channel.fileno(), select.POLLIN)
        if self._tracer is not None and self._tracer.open:
            poll.register(self._tracer.fileno(), select.POLLIN)
        if self._log is not None and not self._log.flush():
            poll.register(self._log.fileno(), select.POLLOUT)
        due = self._watch.due if self._kill_at is None else min(self._watch.due, self._kill_at)
        timeout = None if due == _NEVER else max(0.0, due - time.monotonic()) * 1000 + 1
        return [fd for fd, _ in poll.poll(timeout)]

    def _trace(self) -> str:
        """Answer those who ask whether they may go on; why nobody can be answered any more, if so."""
        if self._tracer is None or not self._tracer.open:
            return ""
        try:
            self._tracer.serve()
        except OSError as error:
            self._put("lost", 0, 0, str(error))
            return f"trace_lost: {error}"
        return ""

    def _look(self) -> str:
        return self._watch.excess() if time.monotonic() >= self._watch.due else ""

    def _put(self, kind: str, pid: int, parent: int, *words: str | int) -> None:
        if self._log is not None:
            self._log.put(kind, pid, parent, *words)

    def _end_trace(self) -> None:
        if self._tracer is not None:
            self._tracer.close()
        if self._log is not None:
            self._log.close()
            self._log = None

    def _note_deaths(self) -> bool:
        """Report the command's own death; whether any child is left."""
        deaths, some_left = tree.reap()
        for death in deaths:
            if death.code < 0:
                self._put("signal", death.pid, os.getpid(), -death.code)
        for death in deaths:
            if death.pid == self._pid:
                self.left_alone = not some_left
                if self.left_alone:
                    self._end_trace()
                reason = self._watch.at_file_limit if death.code else ""
                _report(self._channel, death, alone=self.left_alone, reason=reason)
        return some_left

    def _obey(self) -> bool:
        """Do what the runner asks; False if all must end now."""
        message = messages.receive(self._channel)
        if message is None:
            return False
        if message["op"] == "count":
            alive = tree.living(tree.descendants(os.getpid()))
            messages.send(self._channel, {"event": "alive", "count": len(alive)})
            return True
        return self._begin_end(message["grace_s"])

    def _begin_end(self, grace_s: float) -> bool:
        if grace_s <= 0:
            return False
        self._kill_at = time.monotonic() + grace_s
        below = tree.descendants(os.getpid())
        tree.signal_each(below, signal.SIGTERM)
        # a stopped process meets its SIGTERM only when it goes on
        tree.signal_each(below, signal.SIGCONT)
        return True

    def _kill(self) -> bool:
        killed, all_gone = tree.end_children(self._waker.pause, self._note_deaths)
        self._end_trace()
        if all_gone:
            messages.send(self._channel, {"event": "ended", "killed": killed})
        return all_gone
