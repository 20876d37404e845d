"""A process that stays while turns come and go, in a box of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from runner_env.errors import ExecutionError
from runner_env.execution import Cancel, Limits, Request
from runner_env.harnesses.sinks import Tail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner_env.core import Outcome
    from runner_env.harnesses.host import AgentHost


class StandingProcess:
    """One process, ended together with all it started, at the latest when this program ends.

    Its methods block for as long as the end of a process takes; none is for an event loop's thread.

    Args:
        host: where it runs.
        argv: program and arguments.
        cwd: directory to start in.
        more: variables besides the host's.

    Raises:
        HarnessError: kind `spawn`: there is no box to run it in.
    """

    def __init__(self, host: AgentHost, argv: tuple[str, ...], cwd: Path, more: Mapping[str, str]) -> None:
        self._box = host.open_box()
        self._cancel = Cancel()
        self._stdout, self._stderr = Tail(), Tail()
        self._outcome: Outcome | None = None
        self._trouble = ""
        self._over = threading.Event()
        request = Request(argv, cwd, {**host.environment(), **more}, Limits())
        self._thread = threading.Thread(target=self._live, args=(request,), name="runner-env-agent", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over.is_set()

    @property
    def stdout(self) -> str:
        """The last 64 KiB of its standard output so far."""
        return self._stdout.text()

    def last_words(self) -> str:
        """How it ended, and what it wrote to standard error, or else to standard output."""
        how = self._trouble
        if self._outcome is not None:
            how = self._outcome.reason or f"exit code {self._outcome.exit_code}"
        said = self._stderr.text() or self._stdout.text()
        return f"{how}: {said}" if said else how

    def stop(self) -> None:
        """End it: it is asked to, and killed 2 seconds later. Idempotent."""
        self._cancel.set("closed")
        self._thread.join()
        try:
            self._box.close()
        finally:
            self._cancel.close()

    def _live(self, request: Request) -> None:
        try:
            with self._box.stage("agent", cancel=self._cancel) as stage:
                self._outcome = stage.run(request, self._stdout, self._stderr)
        except ExecutionError as error:
            self._trouble = error.message
        finally:
            self._over.set()
