"""Starting a box at the first level that holds: each is tried by starting it as it will be used."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from runner_env.errors import ExecutionError
from runner_env.execution.keeper_process import KeeperProcess
from runner_env.execution.levels import NotContained, Places, Sandbox, Wanted, find_level
from runner_env.execution.levels.judging import OWN_IT, UNWRITABLE
from runner_env.execution.levels.model import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping


class Starting:
    """A box on its way. The keeper of the first level is started at once, that of the next when one does not hold.

    Attributes:
        keeper: of the level that is being tried, or that holds.
        sandbox: the box as it came to be; None until it is ready.
        tmp: where commands find their temporary files at that level.
    """

    def __init__(self, wanted: Wanted, places: Places | None, environ: Mapping[str, str], python: str) -> None:
        self._wanted = wanted
        self._places = places
        self._environ = environ
        self._python = python
        self._reasons: list[str] = []
        self._hints: list[str] = []
        self._levels = [find_level(name) for name in wanted.levels]
        self.sandbox: Sandbox | None = None
        self._listener: socket.socket | None = None
        self.keeper = self._begin()

    def await_ready(self) -> Sandbox:
        """Wait until commands can be launched. Idempotent.

        Raises:
            NotContained: no level will do; everything is released.
            ExecutionError: the keeper did not start even where nothing contains it; everything is released.
        """
        while self.sandbox is None:
            self.sandbox = self._try()
        self._close_listener()
        return self.sandbox

    def _try(self) -> Sandbox | None:
        """Wait for the level that is being tried; where it does not hold, begin with the next and return None."""
        try:
            facts = Facts.of(self.keeper.await_ready())
        except ExecutionError as error:
            if self._last:
                self._close_listener()
                if self._reasons or self._wanted.least:
                    self._rule_out(_gist(error))
                    raise self._not_contained() from error
                raise
            self._rule_out(_gist(error))
            self.keeper = self._begin()
            return None
        found = self._level.judge(facts, self._places, self._wanted.network)
        if not isinstance(found, str):
            refusal = self._wanted.refusal(self._level.name, network_kept_away=found.net.held == "enforced")
            if not refusal:
                fallback = "; ".join(self._reasons)
                wanted = self._wanted
                return Sandbox(self._level.name, wanted.requested, wanted.network, fallback, facts.landlock, found)
            found = refusal
        self.keeper.stop()
        self._rule_out(found)
        self.keeper = self._begin()
        return None

    def _begin(self) -> KeeperProcess:
        """Start the next level for which all is there."""
        while self._levels:
            self._level = self._levels.pop(0)
            missing = self._level.missing(self._environ)
            refusal = missing or self._wanted.refusal(self._level.name, network_kept_away=True)
            if not refusal:
                start = self._level.start(
                    KeeperProcess.command(self._python), self._places, self._wanted.network, self._environ
                )
                self.tmp = start.tmp
                more = [("processes", str(self._wanted.processes))]
                more += [("port", str(self._port()))] if self._wanted.network == "none" else []
                return KeeperProcess(start, more)
            self._rule_out(refusal)
        self._close_listener()
        raise self._not_contained()

    @property
    def _last(self) -> bool:
        return not self._levels

    def _rule_out(self, reason: str) -> None:
        self._reasons.append(f"{self._level.name}: {reason}")
        if hint := OWN_IT if reason.endswith(UNWRITABLE) else self._level.hint():
            self._hints.append(hint)

    def _not_contained(self) -> NotContained:
        wanted = self._wanted
        what = f"sandbox {wanted.requested!r}" + (" without a network" if wanted.network == "none" else "")
        message = f"There is no {what} here: {'; '.join(self._reasons)}."
        return NotContained("sandbox_not_available", message, hint=self._hints[0] if self._hints else None)

    def _port(self) -> int:
        """Where this process listens, so that a box can try whether it is out of reach."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        port: int = self._listener.getsockname()[1]
        return port

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _gist(error: ExecutionError) -> str:
    """The last line: of a traceback, that is what happened."""
    return error.message.strip().rpartition("\n")[2]
