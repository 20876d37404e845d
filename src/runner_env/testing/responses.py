"""The OpenAI Responses dialect (`POST /v1/responses`).

Bodies follow the public API reference of Responses: a `response` object in one piece, or named server-sent events from
`response.created` to `response.completed` (or `response.incomplete`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner_env.testing.chat import Chat
from runner_env.testing.faults import RESPONSES, Refusal
from runner_env.testing.wire import BadRequest, ChatRequest, Message, names_of, new_id, pieces, text_of, tokens

if TYPE_CHECKING:
    from runner_env.testing.replies import Reply

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_RESULTS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")
_FAILURES = {429: "rate_limit_exceeded"}
_CALLS = ("function_call", "custom_tool_call", "local_shell_call")


class Responses:
    """OpenAI Responses."""

    path = "/v1/responses"
    vendor = RESPONSES

    def parse(self, body: Mapping[str, object]) -> ChatRequest:
        """The request in `body`; raises BadRequest if model or input are missing, or a stored response is continued."""
        model, given = body.get("model"), body.get("input")
        if not isinstance(model, str) or not model:
            raise BadRequest("you must provide a model parameter")
        if isinstance(given, str):
            given = [{"role": "user", "content": given}]
        if not isinstance(given, list) or not given:
            raise BadRequest("input must be a string or a list with at least one item")
        if body.get("previous_response_id") is not None:
            raise BadRequest("the scripted model stores no responses: previous_response_id must not be given")
        system = text_of(body.get("instructions"))
        said = [heard for item in given if (heard := _message(item))]
        return ChatRequest(
            model=model,
            messages=(*([Message("system", system)] if system else []), *said),
            tools=names_of(body.get("tools")),
            stream=body.get("stream") is True,
            body=body,
        )

    def complete(self, request: ChatRequest, reply: Reply) -> dict[str, object]:
        """A `response` object."""
        return _whole(_head(request), _items(reply), request, reply)

    def stream(self, request: ChatRequest, reply: Reply, late: Refusal | None = None) -> Iterator[str]:
        """`response.created`, the events of each output item, `response.completed`, `.incomplete` or `.failed`."""
        head, items = _head(request), _items(reply)
        number = 0
        for kind, members in _events(head, items, reply):
            yield _event(number, kind, members)
            number += 1
        if late is not None:
            error = {"code": late.code or _FAILURES.get(late.status, "server_error"), "message": late.message}
            failed = {**head, "status": "failed", "output": [], "error": error}
            yield _event(number, "response.failed", {"response": failed})
        elif not reply.stops_early:
            whole = _whole(head, items, request, reply)
            yield _event(number, f"response.{whole['status']}", {"response": whole})

    def error(self, refusal: Refusal) -> dict[str, object]:
        """An `error` object, the same as that of chat completions."""
        return Chat().error(refusal)


def _message(item: object) -> Message | None:
    """One input item as the script sees it; None for those that say nothing, such as reasoning."""
    if not isinstance(item, dict):
        raise BadRequest("an item of the input must be an object")
    kind = item.get("type", "message")
    if kind in _RESULTS:
        return Message("tool", text_of(item.get("output")))
    if kind in _CALLS:
        return Message("assistant", "", (str(item.get("name", kind)),))
    if kind != "message":
        return None
    if item.get("role") not in _ROLES:
        raise BadRequest(f"a message of the input must have a role of {', '.join(_ROLES)}")
    return Message(_ROLES[item["role"]], text_of(item.get("content")))


def _events(
    head: Mapping[str, object], items: list[dict[str, Any]], reply: Reply
) -> Iterator[tuple[str, dict[str, object]]]:
    yield "response.created", {"response": {**head, "status": "in_progress", "output": [], "usage": None}}
    for index, item in enumerate(items):
        place = {"output_index": index, "item_id": item["id"]}
        told = _said(item, place, reply) if item["type"] == "message" else _called(item, place)
        yield from told
        if reply.stops_early:
            return
        yield "response.output_item.done", {"output_index": index, "item": item}


def _said(item: dict[str, Any], place: dict[str, object], reply: Reply) -> Iterator[tuple[str, dict[str, object]]]:
    begun = {**item, "status": "in_progress", "content": []}
    yield "response.output_item.added", {"output_index": place["output_index"], "item": begun}
    part = {**place, "content_index": 0}
    yield "response.content_part.added", {**part, "part": {"type": "output_text", "text": "", "annotations": []}}
    for piece in pieces(reply.text):
        yield "response.output_text.delta", {**part, "delta": piece}
    if reply.stops_early:
        return
    yield "response.output_text.done", {**part, "text": reply.text}
    yield "response.content_part.done", {**part, "part": item["content"][0]}


def _called(item: dict[str, Any], place: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    begun = {**item, "status": "in_progress", "arguments": ""}
    yield "response.output_item.added", {"output_index": place["output_index"], "item": begun}
    for piece in pieces(item["arguments"]):
        yield "response.function_call_arguments.delta", {**place, "delta": piece}
    yield "response.function_call_arguments.done", {**place, "arguments": item["arguments"]}


def _items(reply: Reply) -> list[dict[str, Any]]:
    text = {"type": "output_text", "text": reply.text, "annotations": []}
    said = {"type": "message", "id": new_id("msg_"), "status": "completed", "role": "assistant", "content": [text]}
    called = [
        {
            "type": "function_call",
            "id": new_id("fc_"),
            "call_id": new_id("call_"),
            "name": call.name,
            "arguments": json.dumps(dict(call.arguments)),
            "status": "completed",
        }
        for call in reply.tool_calls
    ]
    return [*([said] if reply.text or not called else []), *called]


def _whole(
    head: Mapping[str, object], items: list[dict[str, Any]], request: ChatRequest, reply: Reply
) -> dict[str, object]:
    """The finished response. A reply whose `finish_reason` is given ends incomplete, for that reason."""
    spent, made = tokens(request, reply)
    usage = {
        "input_tokens": spent,
        "input_tokens_details": {"cached_tokens": reply.usage.cached_tokens if reply.usage else 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": spent + made,
    }
    incomplete = {"reason": reply.finish_reason} if reply.finish_reason else None
    status = "incomplete" if incomplete else "completed"
    return {**head, "status": status, "incomplete_details": incomplete, "output": items, "usage": usage}


def _head(request: ChatRequest) -> dict[str, object]:
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "model": request.model,
        "error": None,
        "incomplete_details": None,
    }


def _event(number: int, kind: str, members: Mapping[str, object]) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **members})}\n\n"
