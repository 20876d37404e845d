"""The HTTP application of the scripted model: routes, key check, call log, faults."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from runner_env.testing.anthropic import Anthropic
from runner_env.testing.chat import Chat
from runner_env.testing.responses import Responses
from runner_env.testing.rules import Answerer, Reply
from runner_env.testing.wire import BadRequest, ChatRequest, Dialect

if TYPE_CHECKING:
    from starlette.requests import Request

DIALECTS: tuple[Dialect, ...] = (Chat(), Responses(), Anthropic())


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the server took.

    Attributes:
        path: of the URL, as in `/v1/chat/completions`.
        status: the HTTP status of the answer; 0 if the connection was dropped on purpose.
        request: as the script saw it; None if it was refused before (key, unreadable body, unknown path).
        authorized: whether the API key was right; True if the server asks for none.
    """

    path: str
    status: int
    request: ChatRequest | None
    authorized: bool


@dataclass(slots=True)
class CallLog:
    """Every call in the order in which it was decided on. Safe to use from several threads."""

    _calls: list[Call] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, call: Call) -> None:
        """Append one call."""
        with self._lock:
            self._calls.append(call)

    def snapshot(self) -> tuple[Call, ...]:
        """All calls so far."""
        with self._lock:
            return tuple(self._calls)


@dataclass(frozen=True, slots=True)
class ModelApp:
    """What the routes work with.

    Attributes:
        answer: chooses the reply to a request.
        api_key: the only key that is let in; None lets everybody in.
        models: ids that `GET /v1/models` lists.
        log: receives every call.
    """

    answer: Answerer
    api_key: str | None
    models: tuple[str, ...]
    log: CallLog = field(default_factory=CallLog)

    def build(self) -> Starlette:
        """The ASGI application."""
        routes = [Route(dialect.path, partial(self.serve, dialect), methods=["POST"]) for dialect in DIALECTS]
        routes.append(Route("/v1/models", self._models, methods=["GET"]))
        routes.append(Route("/{path:path}", self._unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]))
        return Starlette(routes=routes)

    async def _models(self, request: Request) -> Response:
        authorized = self.lets_in(request.headers)
        if not authorized:
            return self._refuse(request.url.path, DIALECTS[0], 401, "invalid API key")
        self.log.add(Call(request.url.path, 200, None, authorized))
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "runner-env"} for name in self.models]
        return JSONResponse({"object": "list", "data": data})

    async def _unknown(self, request: Request) -> Response:
        path = request.url.path
        self.log.add(Call(path, 404, None, self.lets_in(request.headers)))
        return JSONResponse(DIALECTS[0].error(404, f"no such route: {request.method} {path}"), 404)

    def _refuse(self, path: str, dialect: Dialect, status: int, message: str) -> Response:
        self.log.add(Call(path, status, None, authorized=status != 401))
        return JSONResponse(dialect.error(status, message), status)

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Whether the request carries the key, if one is asked for."""
        if self.api_key is None:
            return True
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip()
        return hmac.compare_digest(given.encode(), self.api_key.encode())

    async def serve(self, dialect: Dialect, request: Request) -> Response:
        """Answer one model request."""
        path = request.url.path
        if not self.lets_in(request.headers):
            return self._refuse(path, dialect, 401, "invalid API key")
        try:
            chat = dialect.parse(_object(await request.body()))
        except BadRequest as error:
            return self._refuse(path, dialect, 400, str(error))
        reply = await self._decide(chat)
        self.log.add(Call(path, 0 if reply.disconnect else reply.status or 200, chat, authorized=True))
        await asyncio.sleep(reply.delay)
        return _respond(dialect, chat, reply)

    async def _decide(self, chat: ChatRequest) -> Reply:
        try:
            return await run_in_threadpool(self.answer, chat)
        except Exception as error:  # noqa: BLE001 - a test's own callable may raise anything, and its client must hear of it
            return Reply(status=400, message=f"the script failed: {error!r}")


def _object(raw: bytes) -> dict[str, object]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise BadRequest(f"we could not parse the JSON body of your request: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("the body of your request must be a JSON object")
    return body


def _respond(dialect: Dialect, chat: ChatRequest, reply: Reply) -> Response:
    headers = dict(reply.headers)
    if reply.status is not None:
        return JSONResponse(dialect.error(reply.status, reply.message), reply.status, headers)
    if chat.stream:
        events = _paced(dialect.stream(chat, reply), reply)
        return StreamingResponse(
            events, media_type="text/event-stream", headers={"Cache-Control": "no-cache", **headers}
        )
    answer = JSONResponse(dialect.complete(chat, reply), headers=headers)
    if not reply.disconnect:
        return answer
    whole = bytes(answer.body)
    half = _paced([whole[: len(whole) // 2]], reply)
    return StreamingResponse(
        half, headers={"Content-Length": str(len(whole)), **headers}, media_type="application/json"
    )


async def _paced(pieces: Iterable[str | bytes], reply: Reply) -> AsyncIterator[str | bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(reply.chunk_delay)
    if reply.disconnect:
        # An error after the headers is how an ASGI application makes its server drop the connection.
        raise ConnectionAbortedError("scripted disconnect")
