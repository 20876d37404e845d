"""The OpenAI chat-completions dialect (`POST /v1/chat/completions`).

Bodies follow the public API reference of chat completions: `chat.completion` in one piece, `chat.completion.chunk` as
server-sent events ended by `data: [DONE]`; a streamed answer reports usage only if `stream_options.include_usage` is
set.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from runner_env.testing.faults import OPENAI, Refusal
from runner_env.testing.wire import BadRequest, ChatRequest, Message, new_id, pieces, text_of, tokens

if TYPE_CHECKING:
    from runner_env.testing.replies import Reply

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ERROR_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


class Chat:
    """OpenAI chat completions."""

    path = "/v1/chat/completions"
    vendor = OPENAI

    def parse(self, body: Mapping[str, object]) -> ChatRequest:
        """The request in `body`; raises BadRequest if model or messages are missing or n is not 1."""
        model, messages = body.get("model"), body.get("messages")
        if not isinstance(model, str) or not model:
            raise BadRequest("you must provide a model parameter")
        if not isinstance(messages, list) or not messages:
            raise BadRequest("messages must be a list with at least one message")
        if body.get("n", 1) not in (1, None):
            raise BadRequest("the scripted model gives one choice: n must be 1")
        offered = body.get("tools")
        return ChatRequest(
            model=model,
            messages=tuple(_message(message) for message in messages),
            tools=tuple(_tool_names(offered if isinstance(offered, list) else [])),
            stream=body.get("stream") is True,
            body=body,
        )

    def complete(self, request: ChatRequest, reply: Reply) -> dict[str, object]:
        """A `chat.completion` object."""
        message: dict[str, object] = {
            "role": "assistant",
            "content": reply.text or None if reply.tool_calls else reply.text,
        }
        if reply.tool_calls:
            message["tool_calls"] = _tool_calls(reply)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(reply)}
        return {**_head(request, "chat.completion"), "choices": [choice], "usage": _usage(request, reply)}

    def stream(self, request: ChatRequest, reply: Reply, late: Refusal | None = None) -> Iterator[str]:
        """`chat.completion.chunk` events, then `[DONE]`, or an `error` object."""
        head = _head(request, "chat.completion.chunk")
        yield _chunk(head, {"role": "assistant", "content": ""})
        for piece in pieces(reply.text):
            yield _chunk(head, {"content": piece})
        if late is not None:
            yield _event(self.error(late))
        if reply.stops_early:
            return
        for index, call in enumerate(_tool_calls(reply)):
            yield _chunk(head, {"tool_calls": [{"index": index, **call}]})
        yield _chunk(head, {}, _finish_reason(reply))
        options = request.body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            yield _event({**head, "choices": [], "usage": _usage(request, reply)})
        yield "data: [DONE]\n\n"

    def error(self, refusal: Refusal) -> dict[str, object]:
        """An `error` object."""
        status = refusal.status
        kind = refusal.kind or _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        code = refusal.code or _ERROR_CODES.get(status)
        return {"error": {"message": refusal.message, "type": kind, "param": None, "code": code}}


def _message(message: object) -> Message:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise BadRequest(f"a message must be an object whose role is one of {', '.join(_ROLES)}")
    calls = message.get("tool_calls")
    names = tuple(_tool_names(calls if isinstance(calls, list) else []))
    return Message(role=_ROLES[message["role"]], text=text_of(message.get("content")), tools=names)


def _tool_names(items: list[object]) -> Iterator[str]:
    for item in items:
        function = item.get("function") if isinstance(item, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise BadRequest("a tool must be an object with function.name")
        yield function["name"]


def _tool_calls(reply: Reply) -> list[dict[str, object]]:
    return [
        {
            "id": new_id("call_"),
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
        }
        for call in reply.tool_calls
    ]


def _finish_reason(reply: Reply) -> str:
    return reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")


def _usage(request: ChatRequest, reply: Reply) -> dict[str, object]:
    spent, made = tokens(request, reply)
    cached = {"cached_tokens": reply.usage.cached_tokens if reply.usage else 0}
    return {
        "prompt_tokens": spent,
        "prompt_tokens_details": cached,
        "completion_tokens": made,
        "total_tokens": spent + made,
    }


def _head(request: ChatRequest, kind: str) -> dict[str, object]:
    return {"id": new_id("chatcmpl-"), "object": kind, "created": int(time.time()), "model": request.model}


def _chunk(head: Mapping[str, object], delta: Mapping[str, object], finish_reason: str | None = None) -> str:
    return _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def _event(data: Mapping[str, object]) -> str:
    return f"data: {json.dumps(data)}\n\n"
