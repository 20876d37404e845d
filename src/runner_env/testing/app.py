"""The HTTP application of the scripted model: routes, key check, call log."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runner_env.testing.answering import answer, refused_at_once
from runner_env.testing.anthropic import Anthropic
from runner_env.testing.calls import CallLog
from runner_env.testing.chat import Chat
from runner_env.testing.faults import Refusal
from runner_env.testing.replies import Reply
from runner_env.testing.responses import Responses
from runner_env.testing.rules import Answerer, Chosen, Script
from runner_env.testing.wire import BadRequest, ChatRequest, Dialect, estimate

if TYPE_CHECKING:
    from starlette.requests import Request

DIALECTS: tuple[Dialect, ...] = (Chat(), Responses(), Anthropic())


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
        routes.append(Route("/v1/messages/count_tokens", self._count, methods=["POST"]))
        routes.append(Route("/v1/models", self._models, methods=["GET"]))
        routes.append(Route("/{path:path}", self._unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]))
        return Starlette(routes=routes)

    async def _models(self, request: Request) -> Response:
        if not self.lets_in(request.headers):
            return self._refuse(request.url.path, DIALECTS[0], Refusal(401, "invalid API key"))
        self.log.add(request.url.path, 200, None, authorized=True)
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "runner-env"} for name in self.models]
        return JSONResponse({"object": "list", "data": data})

    async def _count(self, request: Request) -> Response:
        """Anthropic's count of the tokens of a conversation that is not sent."""
        path = request.url.path
        if not self.lets_in(request.headers):
            return self._refuse(path, Anthropic(), Refusal(401, "invalid API key"))
        try:
            body = _object(await request.body())
        except BadRequest as error:
            return self._refuse(path, Anthropic(), Refusal(400, str(error)))
        self.log.add(path, 200, None, authorized=True)
        return JSONResponse({"input_tokens": estimate(body)})

    async def _unknown(self, request: Request) -> Response:
        path = request.url.path
        self.log.add(path, 404, None, authorized=self.lets_in(request.headers))
        return JSONResponse(DIALECTS[0].error(Refusal(404, f"no such route: {request.method} {path}")), 404)

    def _refuse(self, path: str, dialect: Dialect, refusal: Refusal) -> Response:
        self.log.add(path, refusal.status, None, authorized=refusal.status != 401)
        return JSONResponse(dialect.error(refusal), refusal.status)

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
            return self._refuse(path, dialect, Refusal(401, "invalid API key"))
        try:
            chat = dialect.parse(_object(await request.body()))
        except BadRequest as error:
            return self._refuse(path, dialect, Refusal(400, str(error)))
        reply, rule = await run_in_threadpool(self._choose, chat)
        self.log.add(path, _status(dialect, chat, reply), chat, authorized=True, rule=rule)
        await asyncio.sleep(reply.delay)
        return answer(dialect, chat, reply)

    def _choose(self, chat: ChatRequest) -> Chosen:
        if isinstance(self.answer, Script):
            return self.answer.choose(chat)
        try:
            return Chosen(self.answer(chat), None)
        except Exception as error:  # noqa: BLE001 - a test's own callable may raise anything, and its client must hear of it
            return Chosen(Reply(status=400, message=f"the script failed: {error!r}"), None)


def _status(dialect: Dialect, chat: ChatRequest, reply: Reply) -> int:
    """The status that an answer goes out with; 0 if its connection is dropped."""
    refusal = refused_at_once(dialect, chat, reply)
    if refusal is not None:
        return refusal.status
    return 0 if reply.broken == "disconnect" else 200


def _object(raw: bytes) -> dict[str, object]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise BadRequest(f"we could not parse the JSON body of your request: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("the body of your request must be a JSON object")
    return body
