"""The Anthropic Messages dialect (`POST /v1/messages`).

Bodies follow the public API reference of the Messages API, version 2023-06-01: a `message` object in one piece, or
named server-sent events from `message_start` to `message_stop`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner_env.testing.faults import ANTHROPIC, Refusal
from runner_env.testing.wire import BadRequest, ChatRequest, Message, names_of, new_id, pieces, text_of, tokens

if TYPE_CHECKING:
    from runner_env.testing.replies import Reply

_ROLES = ("user", "assistant", "system")
_ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)


class Anthropic:
    """Anthropic Messages."""

    path = "/v1/messages"
    vendor = ANTHROPIC

    def parse(self, body: Mapping[str, object]) -> ChatRequest:
        """The request in `body`; raises BadRequest if model, messages or max_tokens are missing."""
        model, messages, limit = body.get("model"), body.get("messages"), body.get("max_tokens")
        if not isinstance(model, str) or not model:
            raise BadRequest("model: field required")
        if not isinstance(messages, list) or not messages:
            raise BadRequest("messages: at least one message is required")
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise BadRequest("max_tokens: field required")
        system = text_of(body.get("system"))
        said = [heard for message in messages for heard in _messages(message)]
        return ChatRequest(
            model=model,
            messages=(*([Message("system", system)] if system else []), *said),
            tools=names_of(body.get("tools")),
            stream=body.get("stream") is True,
            body=body,
        )

    def complete(self, request: ChatRequest, reply: Reply) -> dict[str, object]:
        """A `message` object."""
        usage = _usage(request, reply)
        return {**_head(request), "content": _blocks(reply), "stop_reason": _stop_reason(reply), "usage": usage}

    def stream(self, request: ChatRequest, reply: Reply, late: Refusal | None = None) -> Iterator[str]:
        """`message_start`, a block for the text and one for each tool call, `message_delta`, `message_stop`."""
        usage = _usage(request, reply)
        begun = {**_head(request), "content": [], "stop_reason": None}
        yield _event("message_start", message={**begun, "usage": {**usage, "output_tokens": 1}})
        for index, block in enumerate(_blocks(reply)):
            empty, deltas = _in_pieces(block)
            yield _event("content_block_start", index=index, content_block=empty)
            for delta in deltas:
                yield _event("content_block_delta", index=index, delta=delta)
            if late is not None:
                yield _event("error", **self.error(late))
            if reply.stops_early:
                return
            yield _event("content_block_stop", index=index)
        stop = {"stop_reason": _stop_reason(reply), "stop_sequence": None}
        yield _event("message_delta", delta=stop, usage={"output_tokens": usage["output_tokens"]})
        yield _event("message_stop")

    def error(self, refusal: Refusal) -> dict[str, object]:
        """An `error` object."""
        status = refusal.status
        kind = refusal.kind or _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": refusal.message}, "request_id": new_id("req_")}


def _messages(message: object) -> Iterator[Message]:
    """One message as the script sees it: a round of tool results comes as a user's message and is none.

    Reminders that a client puts beside what the user said are left out, and so is any text beside tool results, so that
    neither passes for something that the user asks next.
    """
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise BadRequest(f"messages: a message must be an object whose role is one of {', '.join(_ROLES)}")
    content = message.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    results = [part for part in parts if part.get("type") == "tool_result"]
    for part in results:
        yield Message("tool", text_of(part.get("content")))
    text = text_of(content)
    if message["role"] != "user":
        yield Message(message["role"], text, names_of([part for part in parts if part.get("type") == "tool_use"]))
    elif not results and (asked := _REMINDER.sub("", text).strip()):
        yield Message("user", asked)


def _blocks(reply: Reply) -> list[dict[str, Any]]:
    said = [{"type": "text", "text": reply.text}] if reply.text or not reply.tool_calls else []
    called = [
        {"type": "tool_use", "id": new_id("toolu_"), "name": call.name, "input": dict(call.arguments)}
        for call in reply.tool_calls
    ]
    return [*said, *called]


def _in_pieces(block: Mapping[str, Any]) -> tuple[dict[str, object], list[dict[str, str]]]:
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        return {"type": "text", "text": ""}, deltas
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(json.dumps(block["input"]))]
    return {**block, "input": {}}, deltas


def _usage(request: ChatRequest, reply: Reply) -> dict[str, int]:
    spent, made = tokens(request, reply)
    cached = reply.usage.cached_tokens if reply.usage else 0
    # unlike the other vendors, this one counts what came from the cache beside the input
    return {"input_tokens": spent - cached, "cache_read_input_tokens": cached, "output_tokens": made}


def _stop_reason(reply: Reply) -> str:
    return reply.finish_reason or ("tool_use" if reply.tool_calls else "end_turn")


def _head(request: ChatRequest) -> dict[str, object]:
    return {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "stop_sequence": None,
    }


def _event(kind: str, **members: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({**members, 'type': kind})}\n\n"
