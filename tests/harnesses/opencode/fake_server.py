"""A double of an OpenCode server for its faults: what the real one does only by accident, it does when told to."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass
class FakeServer:
    """Answers each prompt with "answer".

    Attributes:
        faults: for each path, the answers given before it works: a status, and a body.
        refused_fields: of a prompt, which make it a 422.
        calls: method, path, headers and body of each call so far.
        silent: no event tells that a turn is over.
        asks: the agent asks for a permission first.
        url: where it is.
    """

    faults: dict[str, deque[tuple[int, str]]] = field(default_factory=dict)
    refused_fields: tuple[str, ...] = ()
    calls: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    silent: bool = False
    asks: bool = False
    url: str = ""
    _events: list[asyncio.Queue[dict[str, Any] | None]] = field(default_factory=list)
    _messages: list[dict[str, Any]] = field(default_factory=list)

    def said(self, path: str) -> list[Any]:
        """The bodies of the calls to a path."""
        return [body for _, called, _, body in self.calls if called == path]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeServer]:
        """Serve on a free port of this machine."""
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this alone
            await asyncio.sleep(0.01)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self._tell(None)
            server.should_exit = True
            await task

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        raw = await request.body()
        body = json.loads(raw) if raw else None
        self.calls.append((request.method, path, dict(request.headers), body))
        if self.faults.get(path):
            status, said = self.faults[path].popleft()
            return Response(said, status)
        if path == "/event":
            return StreamingResponse(self._stream(), media_type="text/event-stream")
        if path.endswith("/prompt_async"):
            return self._prompt(body)
        if path.startswith("/permission/"):
            self._finish()
        answers: dict[str, Any] = {
            "/global/health": {"healthy": True, "version": "0.0.1"},
            "/config/providers": {"providers": []},
            "/session": {"id": "ses_1"},
            "/session/ses_1/message": self._messages,
            "/session/status": {},
        }
        return JSONResponse(answers.get(path, True))

    def _prompt(self, body: dict[str, Any]) -> Response:
        if any(name in body for name in self.refused_fields):
            return JSONResponse({"error": "unknown field"}, 422)
        if self.asks:
            asked = {"id": "per_1", "sessionID": "ses_1", "permission": "bash"}
            self._tell({"type": "permission.asked", "properties": asked})
        else:
            self._finish()
        return Response(status_code=204)

    def _finish(self) -> None:
        info = {"id": "msg_1", "role": "assistant", "sessionID": "ses_1", "finish": "stop", "time": {"completed": 1}}
        self._messages.append({"info": info, "parts": [{"type": "text", "text": "answer", "time": {"end": 1}}]})
        if not self.silent:
            self._tell({"type": "session.idle", "properties": {"sessionID": "ses_1"}})

    def _tell(self, event: dict[str, Any] | None) -> None:
        for queue in self._events:
            queue.put_nowait(event)

    async def _stream(self) -> AsyncIterator[str]:
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._events.append(queue)
        yield 'data: {"type": "server.connected", "properties": {}}\n\n'
        while (event := await queue.get()) is not None:
            yield f"data: {json.dumps(event)}\n\n"
