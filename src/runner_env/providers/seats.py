"""The persistent processes of one provider, each of which answers one request at a time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from runner_env.bridge import in_thread
from runner_env.core import FailureKind
from runner_env.errors import ExecutionError, ProviderError
from runner_env.execution import Cancel
from runner_env.providers.persistent import PersistentProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_env.providers.host import Host


class Seat:
    """One process, and the turn of whoever asks it."""

    def __init__(self, process: PersistentProcess) -> None:
        self.process = process
        self.turn = anyio.Lock()

    async def exchange(self, line: bytes, timeout_s: float, context: str) -> str:
        """Send one line, wait for one line; see `PersistentProcess.exchange`. A cancelled wait ends the process."""
        return await in_thread(lambda: self.process.exchange(line, timeout_s, context), self.process)


class Seats:
    """As many processes as requests were ever under way at once.

    A session is continued by the process that began it, as long as that lives, because it may keep it in memory.

    Args:
        argv: program and arguments.
        host: where they run.
    """

    def __init__(self, argv: tuple[str, ...], host: Host) -> None:
        self._argv = argv
        self._host = host
        self._seats: list[Seat] = []
        self._homes: dict[str, Seat] = {}

    @asynccontextmanager
    async def taken(self, session: object, context: str) -> AsyncIterator[Seat]:
        """A process for one request. If that fails, the process is ended: what it may say later is worth nothing.

        Raises:
            ProviderError: a process could not be started.
        """
        await self._drop_ended()
        seat = self._home(session) or self._free() or self._new(context)
        async with seat.turn:
            try:
                yield seat
            except BaseException:
                seat.process.set("a request failed")
                raise

    def remember(self, session: object, seat: Seat) -> None:
        """Have `session` continued there."""
        if isinstance(session, str):
            self._homes[session] = seat

    async def aclose(self) -> None:
        """End every process. Idempotent."""
        seats, self._seats, self._homes = self._seats, [], {}
        await _close(seats)

    def _home(self, session: object) -> Seat | None:
        seat = self._homes.get(session) if isinstance(session, str) else None
        return None if seat is None or seat.process.over else seat

    def _free(self) -> Seat | None:
        return next((seat for seat in self._seats if not seat.turn.locked() and not seat.process.over), None)

    def _new(self, context: str) -> Seat:
        try:
            seat = Seat(PersistentProcess(self._argv, self._host))
        except ExecutionError as error:
            raise ProviderError("spawn", error.message, context=context, kind=FailureKind.SPAWN) from error
        self._seats.append(seat)
        return seat

    async def _drop_ended(self) -> None:
        ended = [seat for seat in self._seats if seat.process.over and not seat.turn.locked()]
        self._seats = [seat for seat in self._seats if seat not in ended]
        self._homes = (
            {session: seat for session, seat in self._homes.items() if seat not in ended} if ended else self._homes
        )
        await _close(ended)


async def _close(seats: list[Seat]) -> None:
    if not seats:
        return

    def close() -> None:
        for seat in seats:
            seat.process.close()

    with Cancel() as cancel:
        await in_thread(close, cancel)
