"""A stage in a box: the commands that share one end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from runner_env.execution.request import StageEnd

if TYPE_CHECKING:
    from runner_env.core import Outcome
    from runner_env.execution.cancel import Cancel
    from runner_env.execution.command import Command
    from runner_env.execution.inside import Inside
    from runner_env.execution.request import Request, Sink


class StageScope:
    """Runs the commands of one stage; opened by `Box.stage`. A context manager, which ends the stage.

    Attributes:
        name: the stage.
        ended: what was found at its end; None until then.
    """

    def __init__(self, inside: Inside, name: str, keep: bool, cancel: Cancel | None) -> None:
        self.name = name
        self.ended: StageEnd | None = None
        self._inside = inside
        self._keep = keep
        self._cancel = cancel
        self._commands: list[Command] = []

    @property
    def stopped(self) -> tuple[str, ...]:
        """Which limits were exceeded by what commands had left running; complete once the box is closed."""
        return tuple(command.stopped for command in self._commands if command.stopped)

    def run(self, request: Request, stdout: Sink, stderr: Sink) -> Outcome:
        """Run one command to its end.

        Returns when the command itself has ended and all it wrote has reached the sinks. If it succeeded, what it left
        in the background lives on until the stage ends and may go on writing to the sinks: close them after `end`. If
        it failed, timed out or was cancelled, all it started is ended before this returns; what earlier commands of
        the stage started is spared.

        Args:
            request: the command.
            stdout: takes its standard output.
            stderr: takes its standard error.

        Returns:
            What became of it. `LOST` means that the box is gone: everything in it was ended and nothing more runs.

        Raises:
            ExecutionError: the box was opened without waiting for it, and has not started.
        """
        outcome, command = self._inside.run(request, stdout, stderr, self._cancel)
        if command is not None:
            self._commands.append(command)
        return outcome

    def end(self, keep: bool | None = None) -> StageEnd:
        """End the stage. A repetition returns the first answer.

        Args:
            keep: leave what is alive until the box closes; None: as the stage was opened.

        Raises:
            ExecutionError: the box turns out to be lost.
        """
        if self.ended is None:
            self.ended = self._end(self._keep if keep is None else keep)
        return self.ended

    def _end(self, keep: bool) -> StageEnd:
        kept = self._inside.count(self._commands) if keep else 0
        killed = 0 if keep else self._inside.end(self._commands)
        return StageEnd(killed, kept, self.stopped)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # an exception is in flight: nothing is worth keeping
        self.end(keep=None if kind is None else False)
