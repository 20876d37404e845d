"""OpenCode as a harness: one server, any number of sessions in any directories below one folder."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Self

import anyio

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.failures import hint_for
from runner_env.harnesses.footprints import FOOTPRINTS
from runner_env.harnesses.host import AgentHost
from runner_env.harnesses.opencode.client import ServerError
from runner_env.harnesses.opencode.models import resolve_model
from runner_env.harnesses.opencode.servers import NAME, ExternalServer, LocalServer
from runner_env.harnesses.opencode.session import OpenCodeSession
from runner_env.harnesses.opencode.turn import CALL_S
from runner_env.harnesses.options import backoff_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.execution.levels import Sandbox
    from runner_env.harnesses.model import Opening
    from runner_env.harnesses.opencode.servers import Server
    from runner_env.harnesses.options import HarnessOptions

_PROVIDERS = "/config/providers"


class OpenCode:
    """See `runner_env.harnesses.model.Harness`.

    Args:
        options: with a URL, the server there is used; otherwise one is started when it is first needed.
    """

    name = NAME

    def __init__(self, options: HarnessOptions) -> None:
        self._options = options
        self._host = None if options.url else AgentHost(options, (FOOTPRINTS[NAME],), NAME)
        self._local = self._host and LocalServer(self._host, options)
        self._server: Server = self._local or ExternalServer(options)
        self._sessions: list[OpenCodeSession] = []

    @property
    def versions(self) -> Mapping[str, str]:
        """See `Harness`."""
        return {NAME: self._server.version} if self._server.version else {}

    @property
    def sandbox(self) -> Sandbox | None:
        """See `Harness`."""
        return self._host.sandbox if self._host else None

    @property
    def started(self) -> int:
        """How many servers were started so far; 1, however many sessions it has had, unless one died."""
        return self._local.starts if self._local else 0

    async def start(self, opening: Opening) -> OpenCodeSession:
        """See `Harness`."""
        if self._host is not None:
            self._host.check()
        for attempt in count(1):
            try:
                session = await self._begin(opening)
                break
            except ServerError as error:
                if not error.passing or attempt > self._options.retry_attempts:
                    raise self._refused(error) from error
            await anyio.sleep(backoff_s(self._options.retry_backoff_s, attempt))
        self._sessions.append(session)
        return session

    async def aclose(self) -> None:
        """See `Harness`."""
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            await session.aclose()
        await self._server.aclose()

    async def _begin(self, opening: Opening) -> OpenCodeSession:
        client = await self._server.client()
        listed = await client.call("GET", _PROVIDERS, within_s=CALL_S, directory=opening.directory)
        model = resolve_model(opening.model, self._options.environ, listed, NAME)
        session = OpenCodeSession(self._server, opening, model, self._options)
        await session.open(client)
        return session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _refused(self, error: ServerError) -> HarnessError:
        hint = hint_for(error.kind, NAME)
        if error.kind is FailureKind.AUTH:
            hint = "Set OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD to those of the server."
        elif self._options.url and error.unreached:
            hint = f"Check that an OpenCode server runs at {self._options.url}."
        return HarnessError(error.kind, error.message, harness=NAME, hint=hint, raw=error.body)
