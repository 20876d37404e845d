"""A conversation on an OpenCode server: turns that end in time, and that survive the end of a server of our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.failures import hint_for
from runner_env.harnesses.model import Turn
from runner_env.harnesses.opencode.client import ServerError
from runner_env.harnesses.opencode.messages import (
    events_of,
    message_id,
    new_messages,
    text_of,
    unusable,
    usage_of,
)
from runner_env.harnesses.opencode.permissions import session_rules
from runner_env.harnesses.opencode.progress import Progress
from runner_env.harnesses.opencode.servers import NAME
from runner_env.harnesses.opencode.turn import CALL_S, TurnWatch
from runner_env.harnesses.options import backoff_s

if TYPE_CHECKING:
    from runner_env.harnesses.model import OnEvent, Opening
    from runner_env.harnesses.opencode.client import Client
    from runner_env.harnesses.opencode.messages import Message
    from runner_env.harnesses.opencode.models import Model
    from runner_env.harnesses.opencode.servers import Server
    from runner_env.harnesses.options import HarnessOptions

_FAREWELL_S = 5.0
_DEATH_S = 0.5
_AGENT = "build"
_UNKNOWN_FIELD = frozenset((400, 422))
_RAW = 1 << 16


@dataclass
class _Attempts:
    """What was tried so far in a turn.

    Attributes:
        known: the messages of earlier turns; None: they were not asked for yet.
        sent: whether the server has the prompt; None: it is not known.
        lost: the server died, and the one in its place was not asked for the session yet.
    """

    known: frozenset[str] | None = None
    sent: bool | None = False
    lost: bool = False
    retries: int = 0
    recoveries: int = 0


class OpenCodeSession:
    """See `runner_env.harnesses.model.HarnessSession`.

    A turn is repeated when the server could not be reached or was busy; calls to the model are repeated by the server
    itself, as often as the options say. A server of our own that died is started again; the conversation is in its
    database, so it goes on.

    Args:
        server: that it is on.
        opening: what it is to be.
        model: the model to ask; None: the server's choice.
        options: how often to try.
    """

    def __init__(self, server: Server, opening: Opening, model: Model | None, options: HarnessOptions) -> None:
        self._server = server
        self._opening = opening
        self._model = model
        self._options = options
        self._context_length = options.context_length
        self._watch: TurnWatch | None = None
        self._scope: anyio.CancelScope | None = None
        self._aborted = False
        self._id = ""

    @property
    def id(self) -> str:
        """The server's handle."""
        return self._id

    async def open(self, client: Client) -> None:
        """Have the server make the session; raises `ServerError`."""
        body = {"title": self._opening.title, "permission": session_rules(self._opening)}
        made = await client.call("POST", "/session", within_s=CALL_S, directory=self._opening.directory, body=body)
        handle = made.get("id") if isinstance(made, dict) else None
        if not isinstance(handle, str):
            raise ServerError(FailureKind.PROTOCOL, "The OpenCode server made a session without an id.", status=200)
        self._id = handle

    async def send(self, prompt: str, *, timeout_s: float, on_event: OnEvent | None = None) -> Turn:
        """See `HarnessSession`."""
        ambient, attempts = self._options.ambient, _Attempts()
        deadline = ambient.monotonic() + timeout_s
        text = self._options.clipped(prompt)
        self._aborted = False
        progress = Progress(self._id, self._options.retry_attempts, on_event)
        messages: list[Message] | None = None
        try:
            with anyio.move_on_after(timeout_s) as self._scope:
                while messages is None:
                    try:
                        messages = await self._attempt(text, attempts, progress, deadline)
                    except ServerError as error:
                        progress = await self._again(error, attempts, progress, on_event)
            return await self._concluded(messages, progress, timeout_s)
        except anyio.get_cancelled_exc_class():
            await self._leave()
            raise
        finally:
            self._watch = self._scope = None

    async def abort(self) -> None:
        """See `HarnessSession`."""
        if self._scope is not None:
            self._aborted = True
            self._scope.cancel()

    async def aclose(self) -> None:
        """See `HarnessSession`; the conversation stays on the server."""
        await self.abort()

    async def _attempt(self, text: str, attempts: _Attempts, progress: Progress, deadline: float) -> list[Message]:
        attempts.lost |= self._server.died
        client = await self._server.client()
        if attempts.lost:
            await self._reopen(client)
            attempts.lost = False
        ambient, directory = self._options.ambient, self._opening.directory
        if attempts.known is None:
            listed = await client.call("GET", f"/session/{self._id}/message", within_s=CALL_S, directory=directory)
            attempts.known = frozenset(map(message_id, new_messages(listed, frozenset())))
        watch = self._watch = TurnWatch(client, self._id, directory, attempts.known, progress, ambient)
        if attempts.sent is None:
            attempts.sent = bool(await watch.messages("user"))
        body = None if attempts.sent else self._body(text)
        try:
            return await watch.run(body, deadline)
        finally:
            if body is not None:
                attempts.sent = watch.sent

    def _body(self, text: str) -> dict[str, Any]:
        body: dict[str, Any] = {"agent": _AGENT, "parts": [{"type": "text", "text": text}]}
        if self._model is not None:
            body["model"] = self._model
        if self._context_length is not None:
            body["contextLength"] = self._context_length
        return body

    async def _again(
        self, error: ServerError, attempts: _Attempts, progress: Progress, on_event: OnEvent | None
    ) -> Progress:
        """Make ready for another attempt, or raise what the failure means."""
        options = self._options
        if error.status in _UNKNOWN_FIELD and self._context_length is not None:
            self._context_length = None
            return progress
        if error.unreached:
            await anyio.sleep(_DEATH_S)  # the end of a process is seen a little later than that of its connections
        if self._server.died:
            attempts.recoveries += 1
            if attempts.recoveries > options.session_recover_attempts:
                raise self._failure(FailureKind.CONNECTION, f"The OpenCode server died: {error.message}")
            await anyio.sleep(backoff_s(options.session_recover_backoff_s, attempts.recoveries))
            attempts.sent = False
            return Progress(self._id, options.retry_attempts, on_event)
        attempts.retries += 1
        if not error.passing or attempts.retries > options.retry_attempts:
            raise self._failure(error.kind, error.message, raw=error.body)
        await anyio.sleep(backoff_s(options.retry_backoff_s, attempts.retries))
        return progress

    async def _reopen(self, client: Client) -> None:
        """Find the session on the server that was started again, or else make a new one; raises `ServerError`."""
        path = f"/session/{self._id}"
        try:
            await client.call("GET", path, within_s=CALL_S, directory=self._opening.directory)
        except ServerError as error:
            if error.passing:
                raise
            await self.open(client)

    async def _concluded(self, messages: list[Message] | None, progress: Progress, timeout_s: float) -> Turn:
        """The turn, or the failure that it is."""
        over = messages is not None and progress.idle and not progress.hopeless
        if not over:
            await self._leave()
        listed = messages if over and messages is not None else await self._listed()
        usage = usage_of(listed)
        problem = self._problem(listed, progress, timeout_s, over=over)
        if problem is not None:
            problem.usage = usage
            raise problem
        return Turn(text_of(listed), events_of(listed), usage, progress.retries)

    def _problem(
        self, messages: list[Message], progress: Progress, timeout_s: float, *, over: bool
    ) -> HarnessError | None:
        if self._aborted:
            return self._failure(FailureKind.OTHER, "The turn was aborted.")
        said = _said(progress.error) or progress.retry_said or "its answers are empty, or have no end"
        if progress.error is not None or progress.hopeless or (not over and progress.retrying):
            kind = progress.kind or FailureKind.OTHER
            tried = f" (tried {progress.retries + 1} times)" if progress.retries else ""
            return self._failure(kind, f"The model could not be asked{tried}: {said}", raw=said)
        if not over:
            return self._failure(FailureKind.TIMEOUT, f"The agent did not end its turn within {timeout_s:g} s.")
        found = unusable(messages)
        return self._failure(*found) if found else None

    async def _listed(self) -> list[Message]:
        """The messages of a turn that was given up, as far as they can be had quickly."""
        with anyio.move_on_after(_FAREWELL_S):
            if self._watch is not None:
                try:
                    return await self._watch.messages()
                except ServerError:
                    return []
        return []

    async def _leave(self) -> None:
        """Have the server end the turn, if it still listens."""
        watch = self._watch
        if watch is None:
            return
        with anyio.move_on_after(_FAREWELL_S, shield=True):
            try:
                await watch.call("POST", f"/session/{self._id}/abort")
            except ServerError:
                return  # it is dead or deaf; there is nothing to end

    @staticmethod
    def _failure(kind: FailureKind, message: str, raw: str = "") -> HarnessError:
        return HarnessError(kind, message, harness=NAME, hint=hint_for(kind, NAME), raw=raw[:_RAW])


def _said(error: dict[str, Any] | None) -> str:
    if error is None:
        return ""
    data = error.get("data")
    said = data.get("message") if isinstance(data, dict) else None
    return said if isinstance(said, str) and said.strip() else str(error.get("name", "it does not say why"))
