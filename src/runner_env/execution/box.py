"""One box for each run: where all its commands run, and the sure end of everything they start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from runner_env.errors import PlatformUnsupported
from runner_env.execution.inside import Inside
from runner_env.execution.stage import StageScope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.execution.cancel import Cancel
    from runner_env.execution.levels import Places, Sandbox, Wanted
    from runner_env.execution.starting import Starting


class Box:
    """Runs commands through one keeper process (see `runner_env.guest.keeper`). A context manager.

    One command at a time runs in a box; several boxes run side by side. When this process ends, in whatever way, all
    of the box ends with it. To stop from a signal handler, use the `Cancel`; `close` must not be called from one.

    """

    def __init__(self, starting: Starting, inside: Inside) -> None:
        self._starting = starting
        self._inside = inside

    @classmethod
    def open(
        cls,
        wanted: Wanted | None = None,
        places: Places | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        python: str = sys.executable,
        wait: bool = True,
    ) -> Self:
        """Start the keeper.

        Args:
            wanted: which levels will do; default: `none`.
            places: the files and folders it is about; not needed for level `none`.
            environ: where the programs of levels are looked for.
            python: interpreter (>= 3.9) for the keeper.
            wait: until it has started; otherwise that goes on beside the caller, and the first command waits for it.

        Raises:
            NotContained: no level that is wanted holds; if that is not waited for, the first command may raise it.
            ExecutionError: the keeper does not start; likewise.
            OptionError: unknown level.
            PlatformUnsupported: not Linux.
        """
        if sys.platform != "linux":
            raise PlatformUnsupported("platform_unsupported", f"Commands cannot be run on {sys.platform}; use Linux.")
        from runner_env.execution.levels import Wanted
        from runner_env.execution.starting import Starting

        starting = Starting(wanted or Wanted.only("none"), places, environ or {}, python)
        if wait:
            starting.await_ready()
        return cls(starting, Inside(starting))

    def await_ready(self) -> Sandbox:
        """Wait until commands can run, and say how they are contained; raises as `open`. Idempotent."""
        return self._inside.await_ready()

    @property
    def sandbox(self) -> Sandbox | None:
        """How commands are contained; None until that is known."""
        return self._starting.sandbox

    @property
    def level(self) -> str:
        """How strongly commands are contained; `none` until that is known."""
        return self.sandbox.level if self.sandbox else "none"

    @property
    def tmp(self) -> str:
        """Where commands find the folder for temporary files; empty if they have none of their own."""
        return self._starting.tmp

    @property
    def lost(self) -> str:
        """Why nothing can run here any more; empty while all is well."""
        return self._inside.lost

    @property
    def launched(self) -> int:
        """How many commands were started so far."""
        return self._inside.launched

    def unobservable(self) -> str:
        """Why it cannot be observed here which programs commands execute; empty if it can.

        The first who asks waits for a probe.

        Raises:
            ExecutionError: the box was opened without waiting for it, and has not started.
        """
        return self._inside.unobservable()

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
