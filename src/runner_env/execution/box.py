"""One box for each run: where all its commands run, and the sure end of everything they start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from runner_env.errors import PlatformUnsupported
from runner_env.execution.inside import Inside
from runner_env.execution.level import find_level
from runner_env.execution.stage import StageScope

if TYPE_CHECKING:
    from runner_env.execution.cancel import Cancel


class Box:
    """Runs commands through one keeper process (see `runner_env.guest.keeper`). A context manager.

    One command at a time runs in a box; several boxes run side by side. When this process ends, in whatever way, all
    of the box ends with it. To stop from a signal handler, use the `Cancel`; `close` must not be called from one.

    Attributes:
        level: how strongly the box is contained.
    """

    def __init__(self, level: str, inside: Inside) -> None:
        self.level = level
        self._inside = inside

    @classmethod
    def open(cls, *, level: str = "none", python: str = sys.executable, wait: bool = True) -> Self:
        """Start the keeper.

        Args:
            level: sandbox level; `none` is the only one so far.
            python: interpreter (>= 3.9) for the keeper.
            wait: until it has started; otherwise that goes on beside the caller, and the first command waits for it.

        Raises:
            ExecutionError: the keeper does not start; if that is not waited for, the first command raises it.
            OptionError: unknown level.
            PlatformUnsupported: not Linux.
        """
        if sys.platform != "linux":
            raise PlatformUnsupported("platform_unsupported", f"Commands cannot be run on {sys.platform}; use Linux.")
        from runner_env.execution.keeper_process import KeeperProcess

        found = find_level(level)
        keeper = KeeperProcess(found, python)
        if wait:
            keeper.await_ready()
        return cls(found.name, Inside(keeper))

    @property
    def lost(self) -> str:
        """Why nothing can run here any more; empty while all is well."""
        return self._inside.lost

    @property
    def launched(self) -> int:
        """How many commands were started so far."""
        return self._inside.launched

    def stage(self, name: str, *, keep: bool = False, cancel: Cancel | None = None) -> StageScope:
        """Begin a stage.

        Args:
            name: the stage.
            keep: what is alive at its end lives on until the box closes (the services of a deployment).
            cancel: stops the command that runs and refuses further ones; the caller closes it after the stage.
        """
        return StageScope(self._inside, name, keep, cancel)

    def close(self) -> int:
        """End everything. A repetition kills nothing more and returns the first answer.

        Returns:
            How many processes had to be killed.

        Raises:
            ExecutionError: some processes cannot be ended.
        """
        return self._inside.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
