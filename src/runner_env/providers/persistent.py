"""A provider process that stays: one line in, one line out, until its standard input ends."""

from __future__ import annotations

import os
import select
import threading
import time
from typing import TYPE_CHECKING

from runner_env.core import FailureKind
from runner_env.errors import ExecutionError, ProviderError
from runner_env.execution import Box, Cancel, Limits, Request
from runner_env.harnesses.commands import LONGEST_OUTPUT, CommandFailed, check_ending
from runner_env.harnesses.sinks import Collected, Tail
from runner_env.providers.commands import provider_error

if TYPE_CHECKING:
    from runner_env.core import Outcome
    from runner_env.providers.host import Host

_LOOK_S = 0.1
_FAREWELL_S = 2.0


class _Locked:
    """A sink that is read from while it is written to."""

    def __init__(self, sink: Collected, lock: threading.Condition) -> None:
        self._sink = sink
        self._lock = lock

    def write(self, data: memoryview | bytes) -> None:
        """Take the next bytes."""
        with self._lock:
            self._sink.write(data)


class PersistentProcess:
    """One process and the box it runs in. Its methods may be called from any thread, `exchange` by one at a time.

    Args:
        argv: program and arguments.
        host: where it runs.

    Raises:
        ExecutionError: the box does not start.
    """

    def __init__(self, argv: tuple[str, ...], host: Host) -> None:
        self._argv = argv
        self._box = Box.open(wait=False)
        self._cancel = Cancel()
        self._changed = threading.Condition()
        self._outcome: Outcome | None = None
        self._trouble: ExecutionError | None = None
        self._over = False
        self._lines: list[bytes] = []
        self._stderr = Tail()
        self._stdout = Collected(LONGEST_OUTPUT, lambda: self._cancel.set("too much output"), self._take)
        read_end, self._write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._write_end, False)
        request = Request(argv, host.cwd, host.env, Limits(), read_end)
        self._thread = threading.Thread(target=self._live, args=(request,), name="runner-env-provider", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether the process has ended, or is being ended."""
        return self._over or self._cancel.is_set

    def set(self, reason: str) -> None:
        """End the process, whatever it does; whoever waits for its answer learns of it."""
        self._cancel.set(reason)

    def exchange(self, line: bytes, timeout_s: float, context: str) -> str:
        """Send one line and wait for one line.

        Args:
            line: the request, without its line end.
            timeout_s: seconds after which the process is ended.
            context: who is asked, for errors.

        Raises:
            ProviderError: the process did not start, ended, took too long or wrote too much. It is over then.
        """
        deadline = time.monotonic() + timeout_s
        if not self._send(line + b"\n", deadline) or not self._await_line(deadline):
            self._fail(timeout_s, context)
        with self._changed:
            answer = self._lines.pop(0)
            self._stdout.forget()
        return answer.decode("utf-8", "replace")

    def close(self) -> None:
        """Let the process end by itself, within 2 seconds, then end it. Idempotent."""
        write_end, self._write_end = self._write_end, -1
        if write_end >= 0:
            os.close(write_end)
            self._thread.join(_FAREWELL_S)
        self._cancel.set("closed")
        self._thread.join()
        self._box.close()
        self._cancel.close()

    def _live(self, request: Request) -> None:
        try:
            with self._box.stage("provider", cancel=self._cancel) as stage:
                self._outcome = stage.run(request, _Locked(self._stdout, self._changed), self._stderr)
        except ExecutionError as error:
            self._trouble = error
        finally:
            assert request.stdin is not None
            os.close(request.stdin)
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _take(self, line: bytes) -> None:
        if line.strip():
            self._lines.append(line)
            self._changed.notify_all()

    def _send(self, data: bytes, deadline: float) -> bool:
        poll = select.poll()
        poll.register(self._write_end, select.POLLOUT)
        rest = memoryview(data)
        while rest and not self._over and time.monotonic() < deadline:
            if poll.poll(_LOOK_S * 1000):
                rest = rest[self._write(rest) :]
        return not rest

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self._write_end, data)
        except BlockingIOError:
            return 0

    def _await_line(self, deadline: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._over, deadline - time.monotonic())
            return bool(self._lines)

    def _fail(self, timeout_s: float, context: str) -> None:
        timed_out = not self.over
        self._cancel.set("no answer in time")
        self._thread.join()
        if self._trouble is not None:
            raise ProviderError("spawn", self._trouble.message, context=context, kind=FailureKind.SPAWN)
        assert self._outcome is not None
        if timed_out:
            message = f"`{self._argv[0]}` did not answer within {timeout_s:g} s"
            hint = "Raise the timeout."
            raise ProviderError("timeout", message, context=context, kind=FailureKind.TIMEOUT, hint=hint)
        try:
            check_ending(self._argv[0], timeout_s, self._outcome, self._stdout, self._stderr)
        except CommandFailed as failure:
            raise provider_error(failure, context) from None
        message = f"provider exited with exit status: {self._outcome.exit_code} before it answered"
        said = self._stderr.text()
        raise ProviderError("provider_exit", f"{message}: {said}" if said else message, context=context)
