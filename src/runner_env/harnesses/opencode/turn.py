"""One turn on an OpenCode server: sent once, followed by events, looked after when these fall silent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import anyio

from runner_env.core import FailureKind
from runner_env.harnesses.opencode.client import BROKEN, ServerError
from runner_env.harnesses.opencode.messages import finished, last_error, new_messages, of_role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from runner_env.core import Ambient
    from runner_env.harnesses.opencode.client import Client
    from runner_env.harnesses.opencode.messages import Message
    from runner_env.harnesses.opencode.progress import Progress

CALL_S = 60.0
"""Seconds that one call to a server may take; in a new directory it has much to do first."""

_SILENCE_S = 5.0
_SETTLE_S = 10.0
_SETTLE_LOOK_S = 0.1
_QUIET = 24
"""How often a silent server may show a session that does nothing and has answered nothing."""


class TurnWatch:
    """Sends one prompt and waits until the turn is over or hopeless.

    Args:
        client: to the server.
        session: its handle.
        directory: of the session.
        known: messages of earlier turns.
        progress: follows the events.
        ambient: clock.

    Attributes:
        sent: whether the server has the prompt; None: it is not known, for the connection broke.
    """

    def __init__(
        self,
        client: Client,
        session: str,
        directory: Path,
        known: frozenset[str],
        progress: Progress,
        ambient: Ambient,
    ) -> None:
        self._client = client
        self._path = f"/session/{session}"
        self._session = session
        self._directory = directory
        self._known = known
        self._progress = progress
        self._ambient = ambient
        self._quiet = 0
        self.sent: bool | None = False

    async def run(self, body: dict[str, Any] | None, deadline: float) -> list[Message]:
        """Have the turn taken.

        Args:
            body: the prompt; None: it was sent before, and is only waited for.
            deadline: on the monotonic clock; a repetition that is due later is not waited for.

        Returns:
            The assistant's messages of this turn so far. The turn is over, or `progress` is hopeless.

        Raises:
            ServerError: the server cannot be reached any more, or refuses.
        """
        problem: ServerError | None = None
        async with self._client.events(self._directory) as events, anyio.create_task_group() as tasks:
            give, feed = anyio.create_memory_object_stream[dict[str, Any]](math.inf)
            tasks.start_soon(_pump, events, give)
            try:
                with feed:
                    if body is not None:
                        await self._send(body)
                    await self._watch(feed, deadline)
            except ServerError as error:
                problem = error  # raised below, outside of the group that would wrap it
            tasks.cancel_scope.cancel()
        if problem is not None:
            raise problem
        return await self._settled()

    async def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - see `Client.call`
        """A call for this directory; raises `ServerError`."""
        return await self._client.call(method, path, within_s=CALL_S, directory=self._directory, body=body)

    async def messages(self, role: str = "assistant") -> list[Message]:
        """The messages of this turn so far; raises `ServerError`."""
        return of_role(new_messages(await self.call("GET", f"{self._path}/message"), self._known), role)

    async def _send(self, body: dict[str, Any]) -> None:
        try:
            await self.call("POST", f"{self._path}/prompt_async", body)
        except ServerError as error:
            self.sent = None if error.unreached else False
            raise
        self.sent = True

    async def _watch(self, feed: MemoryObjectReceiveStream[dict[str, Any]], deadline: float) -> None:
        progress = self._progress
        while not (progress.idle or progress.hopeless or self._too_late(deadline)):
            event = None
            with anyio.move_on_after(_SILENCE_S):
                try:
                    event = await feed.receive()
                except anyio.EndOfStream:
                    message = "The OpenCode server ended its stream of events."
                    raise ServerError(FailureKind.CONNECTION, message) from None
            if event is None:
                await self._look()
            else:
                progress.hear(event)
            while progress.questions:
                await self.call("POST", progress.questions.pop(), {"reply": "reject"})

    async def _look(self) -> None:
        """Ask for what events may have failed to tell."""
        listed = await self.call("GET", "/session/status")
        status = listed.get(self._session) if isinstance(listed, dict) else None
        if isinstance(status, dict) and status.get("type") != "idle":
            self._quiet = 0
            return
        self._quiet += 1
        if finished(await self.messages()):
            self._progress.idle = True
        elif self._quiet > _QUIET:
            message = "The OpenCode server took the prompt and does nothing about it."
            raise ServerError(FailureKind.PROTOCOL, message, status=200)

    def _too_late(self, deadline: float) -> bool:
        """Whether the next repetition would come after the deadline."""
        if not self._progress.retrying:
            return False
        wait_s = self._progress.retry_at_ms / 1000 - self._ambient.now().timestamp()
        return self._ambient.monotonic() + wait_s > deadline

    async def _settled(self) -> list[Message]:
        """The messages; the server may say that a turn is over shortly before it has stored its end."""
        found = await self.messages()
        with anyio.move_on_after(_SETTLE_S):
            while not finished(found) and self._progress.idle and self._progress.error is None:
                await anyio.sleep(_SETTLE_LOOK_S)
                found = await self.messages()
        if self._progress.error is None:
            self._progress.error = last_error(found)
        return found


async def _pump(events: AsyncIterator[dict[str, Any]], give: MemoryObjectSendStream[dict[str, Any]]) -> None:
    with give:
        try:
            async for event in events:
                give.send_nowait(event)
        except anyio.BrokenResourceError:
            return  # nobody listens any more
        except BROKEN:
            return  # whoever receives learns of the end
