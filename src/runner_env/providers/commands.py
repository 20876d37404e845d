"""Running a provider's commands: one box for each call that is under way, kept for the next."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.bridge import in_thread
from runner_env.core import Ending, FailureKind, Outcome
from runner_env.errors import ExecutionError, ProviderError
from runner_env.execution import NOT_STARTED, Box, Cancel, Limits, Request
from runner_env.harnesses.sinks import Collected, Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner_env.providers.host import Host

LONGEST_OUTPUT = 64 << 20
"""Bytes of standard output; what a provider says for one turn is far less."""

_NOT_RUN = "runner-env: cannot run "
_NOT_RUN_CODES = (126, 127)


@dataclass(frozen=True, slots=True)
class Call:
    """One command.

    Attributes:
        argv: program and arguments.
        stdin: all that it can read.
        timeout_s: seconds after which it and all it started is ended.
        context: who is asked, for errors.
        on_line: called in another thread with each line of standard output as it comes.
    """

    argv: tuple[str, ...]
    stdin: bytes
    timeout_s: float
    context: str
    on_line: Callable[[bytes], object] | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended by itself.

    Attributes:
        exit_code: 0 to 255, or 128 + n for signal n.
        stdout: all of it.
        stderr: the last 64 KiB of it.
    """

    exit_code: int
    stdout: str
    stderr: str


class Commands:
    """Runs commands side by side. What a command reads lies in memory, so that no order of reading can block it.

    Args:
        host: where they run.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._idle: list[Box] = []

    async def run(self, call: Call) -> Finished:
        """Run one command to its end, and end all that it started.

        Raises:
            ProviderError: it could not be started, took too long, wrote too much, or the box was lost.
        """
        with Cancel() as cancel:
            return await in_thread(lambda: self._run(call, cancel), cancel)

    async def aclose(self) -> None:
        """End every box. Idempotent."""
        boxes, self._idle = self._idle, []
        with Cancel() as cancel:
            await in_thread(lambda: close_all(boxes), cancel)

    def _run(self, call: Call, cancel: Cancel) -> Finished:
        with self._box(call.context) as box, descriptor_of(call.stdin) as stdin:
            stdout = Collected(LONGEST_OUTPUT, lambda: cancel.set("too much output"), call.on_line)
            stderr = Tail()
            request = Request(call.argv, self._host.cwd, self._host.env, Limits(call.timeout_s), stdin)
            with box.stage("provider", cancel=cancel) as stage:
                outcome = stage.run(request, stdout, stderr)
        check_ending(call, outcome, stdout, stderr)
        assert outcome.exit_code is not None
        return Finished(outcome.exit_code, stdout.text(), stderr.text())

    @contextmanager
    def _box(self, context: str) -> Iterator[Box]:
        """A box of one's own for a while; afterwards it is there for another call, or closed if it was lost."""
        try:
            box = self._idle.pop() if self._idle else Box.open(wait=False)
            try:
                yield box
            finally:
                if box.lost:
                    box.close()
                else:
                    self._idle.append(box)
        except ExecutionError as error:
            raise ProviderError("spawn", error.message, context=context, kind=FailureKind.SPAWN) from error


def check_ending(call: Call, outcome: Outcome, stdout: Collected, stderr: Tail) -> None:
    """Hold how a command ended against what a call needs.

    Raises:
        ProviderError: it did not end by itself, or never ran.
    """
    name = call.argv[0]
    if stdout.overflowed:
        message = f"`{name}` wrote more than {LONGEST_OUTPUT >> 20} MiB to its standard output"
        raise ProviderError("reply_too_large", message, context=call.context, kind=FailureKind.PROTOCOL)
    if outcome.ending is Ending.TIMED_OUT:
        message = f"`{name}` did not end within {call.timeout_s:g} s"
        raise ProviderError(
            "timeout", message, context=call.context, kind=FailureKind.TIMEOUT, hint="Raise the timeout."
        )
    started = not outcome.reason.startswith(NOT_STARTED)
    refused = outcome.exit_code in _NOT_RUN_CODES and stderr.text().startswith(_NOT_RUN)
    if outcome.exit_code is not None and started and not refused:
        return
    why = stderr.text().rpartition(": ")[2] if refused else outcome.reason or outcome.ending.value
    # the harness behind the program, which some contexts name, is not to blame
    raise ProviderError(
        "spawn",
        f"could not run `{name}`: {why}. Is it installed and on PATH?",
        context=call.context.partition(":")[0],
        kind=FailureKind.SPAWN,
        hint="Check the command, and that it is executable.",
    )


def close_all(boxes: list[Box]) -> None:
    """End these boxes; a box that cannot be ended is reported when all were tried."""
    problem: ExecutionError | None = None
    for box in boxes:
        try:
            box.close()
        except ExecutionError as error:
            problem = error
    if problem is not None:
        raise problem


@contextmanager
def descriptor_of(data: bytes) -> Iterator[int]:
    """A descriptor that reads `data` from memory."""
    descriptor = os.memfd_create("provider-request", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
