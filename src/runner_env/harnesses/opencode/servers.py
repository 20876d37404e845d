"""The OpenCode servers: one that somebody else runs, or one of our own in a box."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Protocol

import anyio
from anyio import to_thread

from runner_env.core import FailureKind
from runner_env.errors import ExecutionError, HarnessError
from runner_env.harnesses.opencode.client import Access, Client, ServerError
from runner_env.harnesses.standing import StandingProcess
from runner_env.text.clipping import head_tail

if TYPE_CHECKING:
    from runner_env.harnesses.host import AgentHost
    from runner_env.harnesses.options import HarnessOptions

NAME = "opencode"
START_S = 120.0
"""Seconds that a server may take to start: one or two on an idle machine, half a minute on a busy one."""

_LOOK_S = 0.05
_GIST = 200
_HEALTH_S = 10.0
_URL = re.compile(r"listening on (http://\S+)")
_CONFIG = {"snapshot": False, "share": "disabled", "autoupdate": False}
_CONTENT = "OPENCODE_CONFIG_CONTENT"


class Server(Protocol):
    """A server that sessions talk to."""

    async def client(self) -> Client:
        """The way to it; a server of our own that does not run is started.

        Raises:
            HarnessError: kind `spawn`.
            ServerError: it does not answer.
        """

    @property
    def version(self) -> str:
        """What it calls its version; empty until it was asked."""

    @property
    def died(self) -> bool:
        """Whether it is gone, and `client` would start another one."""

    async def aclose(self) -> None:
        """Let go of it; one of our own is ended. Idempotent."""


class ExternalServer:
    """A server that runs elsewhere, and is never started, restarted or stopped from here.

    Args:
        options: say where; the environment has `OPENCODE_SERVER_USERNAME` (default `opencode`) and
            `OPENCODE_SERVER_PASSWORD`.
    """

    died = False

    def __init__(self, options: HarnessOptions) -> None:
        user = options.environ.get("OPENCODE_SERVER_USERNAME") or "opencode"
        password = options.environ.get("OPENCODE_SERVER_PASSWORD", "")
        self._client = Client(Access(options.url.rstrip("/"), user, password), options.environ)
        self.version = ""

    async def client(self) -> Client:
        """See `Server`."""
        if not self.version:
            self.version = await _health(self._client)
        return self._client

    async def aclose(self) -> None:
        """See `Server`."""
        await self._client.aclose()


class LocalServer:
    """A server of our own: started when it is first asked for, warm until it is closed, started again if it died.

    Args:
        host: where it runs.
        options: among them the folder in which it is started; sessions name their own.

    Attributes:
        starts: how many processes were started so far.
        version: see `Server`.
    """

    def __init__(self, host: AgentHost, options: HarnessOptions) -> None:
        self._host = host
        self._options = options
        self._lock = anyio.Lock()
        self._process: StandingProcess | None = None
        self._client: Client | None = None
        self.starts = 0
        self.version = ""

    @property
    def died(self) -> bool:
        """See `Server`."""
        return self._process is not None and self._process.over

    async def client(self) -> Client:
        """See `Server`."""
        async with self._lock:
            if self._client is None or self.died:
                await self._end()
                self._client = await self._start()
            return self._client

    async def aclose(self) -> None:
        """See `Server`."""
        async with self._lock:
            await self._end()

    async def _start(self) -> Client:
        """A server at the first level of containment at which one lives."""
        again = True
        while True:
            try:
                return await self._start_here()
            except _Stillborn as error:
                await self._end()
                # somebody may have taken the port in the meantime; a level that does not hold it will not do so twice
                if not again and not self._host.rule_out(f"`opencode serve` does not run in it ({_gist(error.said)})"):
                    message = f"`opencode serve` ended at once: {error.said}"
                    raise HarnessError(FailureKind.SPAWN, message, harness=NAME) from None
                again = not again

    async def _start_here(self) -> Client:
        password = self._options.ambient.token(16)
        argv = (NAME, "serve", "--hostname", "127.0.0.1", "--port", str(_free_port()))
        more = {"OPENCODE_SERVER_USERNAME": NAME, "OPENCODE_SERVER_PASSWORD": password}
        more[_CONTENT] = _configured(self._host.environment().get(_CONTENT, ""))
        folder = self._options.premises.copies
        with anyio.CancelScope(shield=True):  # a process that is being started must be known, to be ended
            process = await to_thread.run_sync(StandingProcess, self._host, argv, folder, more)
            self._process = process
            self.starts += 1
        client = Client(Access(await self._url(process), NAME, password), {})
        try:
            self.version = await _health(client)
        except ServerError as error:
            await client.aclose()
            raise HarnessError(FailureKind.SPAWN, error.message, harness=NAME, raw=process.last_words()) from error
        return client

    async def _url(self, process: StandingProcess) -> str:
        with anyio.move_on_after(START_S):
            while not (found := _URL.search(process.stdout)):
                if process.over:
                    raise _Stillborn(process.last_words())
                await anyio.sleep(_LOOK_S)
            return found[1].rstrip("/")
        message = f"`opencode serve` did not say where it listens within {START_S:.0f} s."
        raise HarnessError(FailureKind.SPAWN, message, harness=NAME, raw=process.stdout)

    async def _end(self) -> None:
        client, self._client = self._client, None
        process, self._process = self._process, None
        with anyio.CancelScope(shield=True):
            if client is not None:
                await client.aclose()  # first: with an open stream of events it would not end when asked to
            if process is not None:
                await to_thread.run_sync(_stop, process)


class _Stillborn(Exception):
    """A server ended before it served."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def _gist(said: str) -> str:
    return head_tail(said.strip().rpartition("\n")[2], _GIST)


def _stop(process: StandingProcess) -> None:
    try:
        process.stop()
    except ExecutionError as error:
        raise HarnessError(FailureKind.OTHER, error.message, harness=NAME, hint=error.hint) from error


async def _health(client: Client) -> str:
    answer = await client.call("GET", "/global/health", within_s=_HEALTH_S)
    return str(answer.get("version", "")) if isinstance(answer, dict) else ""


def _configured(content: str) -> str:
    """The user's own configuration in this variable, with what matters here."""
    try:
        own = json.loads(content) if content else {}
    except ValueError:  # it may have comments: OpenCode takes them
        return content
    return json.dumps({**own, **_CONFIG}) if isinstance(own, dict) else content


def _free_port() -> int:
    # "0" would be port 4096, which is where a server of the user's own may be
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
