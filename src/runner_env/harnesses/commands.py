"""Running outside programs to their end: one box for each that is under way, kept for the next."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_env.bridge import in_thread
from runner_env.core import Ending, FailureKind, Outcome
from runner_env.errors import ExecutionError
from runner_env.execution import NOT_STARTED, Box, Cancel, Limits, Request
from runner_env.harnesses.sinks import Collected, Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

LONGEST_OUTPUT = 64 << 20
"""Bytes of standard output; what a program says for one turn is far less."""

_NOT_RUN = "runner-env: cannot run "
_NOT_RUN_CODES = (126, 127)


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        argv: program and arguments.
        cwd: the directory it starts in.
        env: its whole environment.
        stdin: all that it can read.
        timeout_s: seconds after which it and all it started is ended.
        on_line: called in another thread with each line of standard output as it comes.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    stdin: bytes = field(repr=False)
    timeout_s: float
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


class CommandFailed(Exception):
    """A command did not end by itself, or never ran; whoever asked makes an error of its own of it.

    Args:
        kind: the class of the failure.
        message: what happened.
        hint: what to do about it.
        code: as `kind`, or finer.
    """

    def __init__(self, kind: FailureKind, message: str, hint: str | None = None, code: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.code = code or kind.value


class Commands:
    """Runs commands side by side. What a command reads lies in memory, so that no order of reading can block it.

    Args:
        open_box: starts a box; called in another thread.
    """

    def __init__(self, open_box: Callable[[], Box]) -> None:
        self._open_box = open_box
        self._idle: list[Box] = []
        self._closed = False

    async def run(self, command: Command) -> Finished:
        """Run one command to its end, and end all that it started.

        Raises:
            CommandFailed: it could not be started, took too long, wrote too much, or the box was lost.
        """
        with Cancel() as cancel:
            return await in_thread(lambda: self._run(command, cancel), cancel)

    async def aclose(self) -> None:
        """End every box; one whose command still runs, when that has ended. Idempotent; no command may follow."""
        self._closed = True
        boxes, self._idle = self._idle, []
        with Cancel() as cancel:
            await in_thread(lambda: close_all(boxes), cancel)

    def _run(self, command: Command, cancel: Cancel) -> Finished:
        with self._box() as box, descriptor_of(command.stdin) as stdin:
            stdout = Collected(LONGEST_OUTPUT, lambda: cancel.set("too much output"), command.on_line)
            stderr = Tail()
            request = Request(command.argv, command.cwd, command.env, Limits(command.timeout_s), stdin)
            with box.stage("outside", cancel=cancel) as stage:
                outcome = stage.run(request, stdout, stderr)
        check_ending(command.argv[0], command.timeout_s, outcome, stdout, stderr)
        assert outcome.exit_code is not None
        return Finished(outcome.exit_code, stdout.text(), stderr.text())

    @contextmanager
    def _box(self) -> Iterator[Box]:
        """A box of one's own for a while; afterwards it is there for another command, unless it was lost."""
        try:
            box = self._idle.pop() if self._idle else self._open_box()
            try:
                yield box
            finally:
                if box.lost or self._closed:
                    box.close()
                else:
                    self._idle.append(box)
        except ExecutionError as error:
            raise CommandFailed(FailureKind.SPAWN, error.message) from error


def check_ending(name: str, timeout_s: float, outcome: Outcome, stdout: Collected, stderr: Tail) -> None:
    """Hold how a command ended against what is needed.

    Raises:
        CommandFailed: it did not end by itself, or never ran.
    """
    if stdout.overflowed:
        message = f"`{name}` wrote more than {LONGEST_OUTPUT >> 20} MiB to its standard output"
        raise CommandFailed(FailureKind.PROTOCOL, message, code="reply_too_large")
    if outcome.ending is Ending.TIMED_OUT:
        raise CommandFailed(FailureKind.TIMEOUT, f"`{name}` did not end within {timeout_s:g} s", "Raise the timeout.")
    started = not outcome.reason.startswith(NOT_STARTED)
    refused = outcome.exit_code in _NOT_RUN_CODES and stderr.text().startswith(_NOT_RUN)
    if outcome.exit_code is not None and started and not refused:
        return
    why = stderr.text().rpartition(": ")[2] if refused else outcome.reason or outcome.ending.value
    message = f"could not run `{name}`: {why}. Is it installed and on PATH?"
    raise CommandFailed(FailureKind.SPAWN, message, "Check the command, and that it is executable.")


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
    descriptor = os.memfd_create("runner-env-request", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
