"""POST a JSON body and read the answer: in bounded time, in bounded memory, to the host that was asked for only."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import httpx2

from runner_env.core import FailureKind
from runner_env.llm.decompress import Decompressor, TooLarge, Undecodable
from runner_env.llm.proxies import proxy_for

if TYPE_CHECKING:
    from collections.abc import Mapping

# at lower levels these write URLs and headers, which may hold a key
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one exchange may take.

    Attributes:
        timeout_s: seconds from the start until the last byte is there.
        max_bytes: bytes of the answer after decompression.
    """

    timeout_s: float = 60.0
    max_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of any status.

    Attributes:
        status: the HTTP status.
        content_type: as declared; empty if not.
        retry_after: the header as it came; empty if there is none.
        body: the body, decompressed.
    """

    status: int
    content_type: str
    retry_after: str
    body: bytes


class TransportError(Exception):
    """No answer was had.

    Args:
        kind: `timeout`, `connection` or `protocol`.
        message: what happened; never has a header in it.
    """

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class HttpClient:
    """Keeps connections open between exchanges. Redirects are not followed and no cookie is kept.

    Args:
        env: where `HTTPS_PROXY`, `NO_PROXY` and `SSL_CERT_FILE` are looked up; a loopback address is never proxied.
        limits: of each exchange.
    """

    def __init__(self, env: Mapping[str, str], limits: HttpLimits | None = None) -> None:
        self._env = env
        self._limits = limits or HttpLimits()
        self._clients: dict[str | None, httpx2.AsyncClient] = {}

    async def post(self, url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        """POST `body` as JSON.

        Raises:
            TransportError: no connection, no full answer in time, too large an answer, or none that can be decoded.
        """
        try:
            data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
            # made before the clock starts: reading the certificates is no matter of the server's
            client = self._client(proxy_for(url, self._env))
            with anyio.fail_after(self._limits.timeout_s):
                return await self._exchange(client, url, headers, data)
        except (TimeoutError, httpx2.TimeoutException):
            message = f"no complete answer within {self._limits.timeout_s:g} s"
            raise TransportError(FailureKind.TIMEOUT, message) from None
        except TooLarge:
            message = f"the answer is larger than {self._limits.max_bytes} bytes"
            raise TransportError(FailureKind.PROTOCOL, message) from None
        except (Undecodable, httpx2.DecodingError, httpx2.InvalidURL, httpx2.UnsupportedProtocol, ValueError) as error:
            raise TransportError(FailureKind.PROTOCOL, _said(error)) from None
        except (httpx2.HTTPError, OSError) as error:
            raise TransportError(FailureKind.CONNECTION, f"could not reach the server: {_said(error)}") from None

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def _exchange(self, client: httpx2.AsyncClient, url: str, headers: Mapping[str, str], data: bytes) -> Answer:
        sent = {**headers, "accept": "application/json", "accept-encoding": "gzip"}
        async with client.stream("POST", url, headers=sent, content=data) as response:
            found = response.headers
            decompressor = Decompressor(found.get("content-encoding", ""), self._limits.max_bytes)
            async for chunk in response.aiter_raw():
                decompressor.feed(chunk)
            return Answer(
                response.status_code,
                found.get("content-type", ""),
                found.get("retry-after", ""),
                decompressor.finish(),
            )

    def _client(self, proxy: str | None) -> httpx2.AsyncClient:
        if proxy not in self._clients:
            self._clients[proxy] = httpx2.AsyncClient(
                proxy=proxy,
                verify=_trust(self._env.get("SSL_CERT_FILE")),
                timeout=None,  # one deadline for the whole exchange, above
                follow_redirects=False,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
                trust_env=False,
            )
        return self._clients[proxy]


def _trust(bundle: str | None) -> Any:  # noqa: ANN401 - an SSLContext, or True for the default
    if not bundle:
        return True
    import ssl

    return ssl.create_default_context(cafile=bundle)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
