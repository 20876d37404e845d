"""The inside of a box, shared by its stages: the keeper, the commands that still have processes, the late output."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from runner_env.core import Ending, Outcome
from runner_env.errors import ExecutionError
from runner_env.execution.attend import Attendance
from runner_env.execution.command import BoxLost, Command
from runner_env.execution.observing import probe
from runner_env.execution.streams import PIPE_BYTES, LatePump, Stream, drain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner_env.execution.cancel import Cancel
    from runner_env.execution.keeper_process import KeeperProcess
    from runner_env.execution.levels import Sandbox
    from runner_env.execution.request import Request, Sink
    from runner_env.execution.starting import Starting

_OBSERVABLE: set[tuple[str, str]] = set()
"""Level and network of boxes in which a probe was observed: for this program, the same kernel will do it again.

Where a single command cannot be observed all the same, its own trace says so.
"""

_LATE_S = 2.0
"""How long late output may take to reach its end when its writers are gone."""


class Inside:
    """Everything that must be done under one lock. Nothing here is for use outside this room.

    Attributes:
        lost: why nothing can run here any more; empty while all is well.
    """

    def __init__(self, starting: Starting) -> None:
        self.lost = ""
        self._starting = starting
        self._lock = threading.Lock()
        self._sink_lock = threading.Lock()
        self._late = LatePump()
        self._buffer = memoryview(bytearray(PIPE_BYTES))
        self._commands: list[Command] = []
        self._unobservable: str | None = None
        self._probes = 0
        self._killed = 0

    @property
    def _keeper(self) -> KeeperProcess:
        return self._starting.keeper

    @property
    def launched(self) -> int:
        """How many commands were started so far, probes left out."""
        return self._keeper.launched - self._probes

    def unobservable(self) -> str:
        """Why no command can be observed here; empty if they can. Found out by the first who asks; raises as `run`."""
        if self._unobservable is None:
            sandbox = self.await_ready()
            like_this = (sandbox.level, sandbox.network)
            if like_this in _OBSERVABLE:
                self._unobservable = ""
                return ""
            found = probe(lambda request, nowhere: self.run(request, nowhere, nowhere, None)[0])
            self._probes += not self.lost
            if self.lost:
                return found
            self._unobservable = found
            if not found:
                _OBSERVABLE.add(like_this)
        return self._unobservable

    def await_ready(self) -> Sandbox:
        """Wait until commands can be launched; raises as `Starting.await_ready`."""
        with self._lock:
            return self._await_keeper()

    def run(
        self, request: Request, stdout: Sink, stderr: Sink, cancel: Cancel | None
    ) -> tuple[Outcome, Command | None]:
        """Run one command.

        Returns:
            What became of it, and the command itself if something of it is still alive.

        Raises:
            ExecutionError: the keeper did not start; seen by the first command only.
        """
        with self._lock:
            if cancel is not None and cancel.is_set:
                return Outcome(Ending.CANCELLED, None, 0.0, reason=cancel.reason), None
            if self.lost:
                return Outcome(Ending.LOST, None, 0.0, reason=self.lost), None
            self._await_keeper()
            command = self._launch(request, stdout, stderr)
            outcome = self._attend(command, request, cancel)
            return outcome, command if command in self._commands else None

    def end(self, commands: Sequence[Command]) -> int:
        """End all that is left of these commands, and read their output to its end.

        Returns:
            How many processes were killed.

        Raises:
            ExecutionError: the box turns out to be lost (all of it is ended all the same).
        """
        with self._lock, self._loss_is_an_error():
            return sum(self._end(command) for command in commands if command in self._commands)

    def count(self, commands: Sequence[Command]) -> int:
        """How many processes of these commands are alive; raises as `end`."""
        with self._lock, self._loss_is_an_error():
            return sum(command.count() for command in commands if command in self._commands)

    def close(self) -> int:
        """End everything; a command that runs in another thread ends as lost.

        Returns:
            How many processes were killed.

        Raises:
            ExecutionError: some processes cannot be ended.
        """
        if not self._lock.acquire(blocking=False):
            self._keeper.hang_up()
            self._lock.acquire()
        try:
            return self._close()
        finally:
            self._lock.release()

    def _close(self) -> int:
        if self.lost:
            return self._killed
        try:
            self._killed = sum(self._end(command) for command in list(self._commands))
        except BoxLost as loss:
            self._lose(str(loss))
        except BaseException as error:
            self._lose(f"closing it failed: {error}")
            raise
        else:
            self.lost = "the box is closed"
            self._late.close()
            self._killed += self._keeper.stop()
        return self._killed

    @contextmanager
    def _loss_is_an_error(self) -> Iterator[None]:
        try:
            yield
        except BoxLost as loss:
            self._lose(str(loss))
            raise ExecutionError("box_lost", f"The box was lost while a stage ended: {self.lost}.") from loss

    def _await_keeper(self) -> Sandbox:
        try:
            return self._starting.await_ready()
        except ExecutionError as error:
            self.lost = error.message
            raise

    def _launch(self, request: Request, stdout: Sink, stderr: Sink) -> Command:
        with ExitStack() as on_error:
            sinks = (stdout, stderr, *((request.observation.sink,) if request.observation else ()))
            streams = tuple(Stream(sink, self._sink_lock) for sink in sinks)
            for stream in streams:
                on_error.callback(stream.close)
                on_error.callback(stream.close_writer)
            channel = self._keeper.launch(request, *(stream.writer for stream in streams))
            on_error.pop_all()
        for stream in streams:
            stream.close_writer()
        command = Command(channel, streams)
        self._commands.append(command)
        return command

    def _attend(self, command: Command, request: Request, cancel: Cancel | None) -> Outcome:
        attendance = Attendance(command, self._keeper, request.limits, cancel, self._buffer)
        try:
            outcome = attendance.run()
        except BoxLost as loss:
            elapsed_s = attendance.elapsed_s
            self._lose(str(loss), running=command)
            return Outcome(Ending.LOST, None, elapsed_s, reason=self.lost)
        except BaseException:
            # an interrupt, or a sink that raised: what runs must not run on unseen
            self._forget(command)
            for stream in command.streams:
                stream.close()
            raise
        if command.over:
            self._forget(command)
        else:
            self._late.take(stream for stream in command.streams if stream.open)
        return outcome

    def _end(self, command: Command) -> int:
        killed = command.end()
        self._late.finish(command.streams, _LATE_S)
        self._forget(command)
        for stream in command.streams:
            if stream.error is not None:
                raise stream.error
        return killed

    def _forget(self, command: Command) -> None:
        self._commands.remove(command)
        channel = command.free_channel()
        if channel is None:
            command.release()
        else:
            self._keeper.take_back(channel)

    def _lose(self, reason: str, running: Command | None = None) -> None:
        """Nothing can be trusted any more: end all processes from here, read what they wrote, remember why."""
        complaint = self._keeper.complaint().strip()
        self.lost = f"{reason}: {complaint}" if complaint else reason
        commands, self._commands = self._commands, []
        for command in commands:
            command.release()
        try:
            self._killed = self._keeper.kill()
        finally:
            for command in commands:
                if command is running:
                    drain(command.streams, self._buffer, _LATE_S)
                else:
                    self._late.finish(command.streams, _LATE_S)
            self._late.close()
