"""From a reply to the bytes of an HTTP answer, whole or broken as the script wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response, StreamingResponse

from runner_env.testing.faults import refusal_of

if TYPE_CHECKING:
    from runner_env.testing.faults import Refusal
    from runner_env.testing.replies import Reply
    from runner_env.testing.wire import ChatRequest, Dialect

_EVENTS = "text/event-stream"
_HALF_EVENT = 'data: {"id": "'
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


def answer(dialect: Dialect, chat: ChatRequest, reply: Reply) -> Response:
    """The HTTP answer that `reply` is in `dialect`."""
    headers = dict(reply.headers)
    if (refusal := refused_at_once(dialect, chat, reply)) is not None:
        return JSONResponse(dialect.error(refusal), refusal.status, headers)
    if reply.broken == "html":
        return Response(_PAGE, media_type="text/html", headers=headers)
    if reply.broken == "empty":
        return Response(media_type=_EVENTS if chat.stream else "application/json", headers=headers)
    if chat.stream:
        late = refusal_of(reply, dialect.vendor, chat.model)
        events = _paced(dialect.stream(chat, reply, late), reply, _HALF_EVENT)
        return StreamingResponse(events, media_type=_EVENTS, headers={"Cache-Control": "no-cache", **headers})
    return _in_one_piece(JSONResponse(dialect.complete(chat, reply), headers=headers), reply)


def refused_at_once(dialect: Dialect, chat: ChatRequest, reply: Reply) -> Refusal | None:
    """The error that is the answer; None if the answer begins well."""
    return None if reply.late and chat.stream else refusal_of(reply, dialect.vendor, chat.model)


def _in_one_piece(whole: JSONResponse, reply: Reply) -> Response:
    if reply.broken is None:
        return whole
    body = bytes(whole.body)
    half = body[: len(body) // 2]
    headers = dict(reply.headers)
    if reply.broken == "truncated":
        return Response(half, media_type="application/json", headers=headers)
    promised = {"Content-Length": str(len(body)), **headers}
    return StreamingResponse(_paced([half], reply), headers=promised, media_type="application/json")


async def _paced(pieces: Iterable[str | bytes], reply: Reply, half: str = "") -> AsyncIterator[str | bytes]:
    """The pieces, then the breakage; `half` is what a truncated stream ends with."""
    await asyncio.sleep(reply.first_delay)
    for piece in pieces:
        yield piece
        await asyncio.sleep(reply.chunk_delay)
    if reply.broken == "truncated":
        yield half
    if reply.broken == "stall":
        await asyncio.Event().wait()  # until the client leaves or the server ends
    if reply.broken == "disconnect":
        # An error after the headers is how an ASGI application makes its server drop the connection.
        raise ConnectionAbortedError("scripted disconnect")
