"""HTTP to an OpenCode server: every call says for which directory it is, and ends in time."""

from __future__ import annotations

import json
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
import httpx2

from runner_env.core import FailureKind
from runner_env.llm.proxies import proxy_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

# at lower levels these write URLs and headers, which hold the password
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

BROKEN = (httpx2.HTTPError, httpx2.StreamError, OSError)
"""What is raised when a connection breaks."""

_SHOWN = 2000
_CONNECT_S = 10.0
_BUSY = frozenset((408, 409, 425, 429))


@dataclass(frozen=True, slots=True)
class Access:
    """Where a server is, and who may use it.

    Attributes:
        url: without a slash at its end.
        user: for HTTP Basic authentication.
        password: empty: no authentication.
    """

    url: str
    user: str = "opencode"
    password: str = ""


class ServerError(Exception):
    """A call to the server did not give what was asked for.

    Args:
        kind: `auth`, `connection`, `timeout`, `protocol`, ...
        message: what happened.
        status: of the answer; 0: there was none.
        body: of the answer, its beginning.
    """

    def __init__(self, kind: FailureKind, message: str, status: int = 0, body: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.body = body

    @property
    def unreached(self) -> bool:
        """Whether there was no answer at all, so that it is not known what the call did."""
        return self.status == 0

    @property
    def passing(self) -> bool:
        """Whether the same call may be answered well a little later."""
        nothing = self.status == httpx2.codes.OK and not self.body
        return self.unreached or nothing or self.status in _BUSY or self.status >= 500


class Client:
    """Calls to one server.

    Args:
        access: to it.
        env: where proxies are looked up; a server on this machine is never reached by one.
    """

    def __init__(self, access: Access, env: Mapping[str, str]) -> None:
        self._http = httpx2.AsyncClient(
            base_url=access.url,
            auth=(access.user, access.password) if access.password else None,
            proxy=proxy_for(access.url, env),
            timeout=httpx2.Timeout(None, connect=_CONNECT_S),
            limits=httpx2.Limits(max_connections=None),
            follow_redirects=False,
            trust_env=False,
        )

    async def call(
        self, method: str, path: str, *, within_s: float, directory: Path | None = None, body: object = None
    ) -> Any:  # noqa: ANN401 - whatever JSON the server answers
        """The JSON that the server answers; None where there is none to answer (204).

        Raises:
            ServerError: no answer within `within_s` seconds, an error status, or no JSON.
        """
        headers = {"content-type": "application/json", **_headers(directory)}
        data = None if body is None else json.dumps(body)  # ASCII: text may have what UTF-8 cannot say
        try:
            with anyio.fail_after(within_s):
                response = await self._http.request(method, path, content=data, headers=headers)
        except (TimeoutError, httpx2.TimeoutException):
            message = f"The OpenCode server did not answer {method} {path} within {within_s:.0f} s."
            raise ServerError(FailureKind.TIMEOUT, message) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise _unreached(error) from None
        return _answer(f"{method} {path}", response)

    @asynccontextmanager
    async def events(self, directory: Path) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The server's events of one directory, from now on, until the block ends.

        Raises:
            ServerError: there is no such stream, or it broke off.
        """
        try:
            async with self._http.stream("GET", "/event", headers=_headers(directory)) as response:
                if response.status_code != httpx2.codes.OK:
                    await response.aread()
                    _answer("GET /event", response)
                yield _parsed(response)
        except BROKEN as error:
            raise _unreached(error) from None

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        await self._http.aclose()


async def _parsed(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """Server-sent events whose data is one line of JSON, as OpenCode's is."""
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            try:
                event = json.loads(line.removeprefix("data:"))
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                yield event


def _headers(directory: Path | None) -> dict[str, str]:
    return {} if directory is None else {"x-opencode-directory": quote(str(directory))}


def _answer(what: str, response: httpx2.Response) -> Any:  # noqa: ANN401 - see `Client.call`
    status = response.status_code
    said = response.text[:_SHOWN]
    if status in {401, 403}:
        message = "The OpenCode server refuses the user name and password."
        raise ServerError(FailureKind.AUTH, message, status, said)
    if status >= 300:
        kind = FailureKind.OVERLOADED if status == 429 or status >= 500 else FailureKind.PROTOCOL
        raise ServerError(kind, f"The OpenCode server answered {what} with HTTP {status}: {said}", status, said)
    if status == httpx2.codes.NO_CONTENT:
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        message = f"The OpenCode server answered {what} with no JSON: {said or 'nothing'}"
        raise ServerError(FailureKind.PROTOCOL, message, status, said) from None


def _unreached(error: Exception) -> ServerError:
    said = str(error) or type(error).__name__
    return ServerError(FailureKind.CONNECTION, f"The OpenCode server cannot be reached: {said}")
