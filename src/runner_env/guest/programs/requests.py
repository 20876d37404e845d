"""Requests to the model server as jobs, and its answers as JSON, in the form of OpenAI's chat and completions APIs."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.backends import Job, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_TOKENS = 512
MOST_MESSAGES = 1000
_NUMBERS = (("temperature", 0.0, 2.0), ("top_p", 0.0, 1.0))


def job_of(body: Mapping[str, Any], *, chat: bool, wanted: Callable[[], bool]) -> Job:
    """What a request asks for.

    Raises:
        Refused: it asks for something that is not there, or wrongly.
    """
    messages = _messages(body.get("messages")) if chat else []
    prompt = "" if chat else body.get("prompt")
    if not isinstance(prompt, str):
        raise Refused("`prompt` must be a string")
    if body.get("n") not in (None, 1):
        raise Refused("only `n` = 1 can be had here")
    if body.get("tools"):
        raise Refused("tools cannot be had here")
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    limit = MAX_TOKENS if limit is None else limit
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise Refused("`max_tokens` must be a whole number from 1 up")
    return Job(messages, prompt, limit, _options(body), wanted)


def _messages(value: object) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value or len(value) > MOST_MESSAGES:
        raise Refused(f"`messages` must be a list of 1 to {MOST_MESSAGES} messages")
    return [_message(item) for item in value]


def _message(item: object) -> dict[str, str]:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        raise Refused("each message needs `role` and `content`")
    content = item.get("content")
    if isinstance(content, list):
        texts = [
            part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in content
        ]
        content = None if None in texts else "".join(map(str, texts))
    if not isinstance(content, str):
        raise Refused("the `content` of a message must be text")
    return {"role": item["role"], "content": content}


def _options(body: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, low, high in _NUMBERS:
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise Refused(f"`{name}` must be a number from {low:g} to {high:g}")
        options[name] = float(value)
    seed, stop = body.get("seed"), body.get("stop")
    if isinstance(seed, int) and not isinstance(seed, bool):
        options["seed"] = seed & 0xFFFFFFFF
    stops = [stop] if isinstance(stop, str) else stop
    if stops is not None:
        if not isinstance(stops, list) or len(stops) > 8 or not all(isinstance(text, str) and text for text in stops):
            raise Refused("`stop` must be a text, or a list of at most 8")
        options["stop"] = stops
    return options


class Shape:
    """The objects that one request is answered with."""

    def __init__(self, model: str, *, chat: bool) -> None:
        """Give the answer its id.

        Args:
            model: the name of the model that answers.
            chat: whether it is a chat, or a plain completion.
        """
        self.chat = chat
        head = "chatcmpl" if chat else "cmpl"
        self._common = {"id": f"{head}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}

    def whole(self, text: str, job: Job) -> dict[str, Any]:
        """The answer in one piece."""
        part = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        choice = {"index": 0, **part, "logprobs": None, "finish_reason": job.finish_reason}
        kind = "chat.completion" if self.chat else "text_completion"
        return {**self._common, "object": kind, "choices": [choice], "usage": _usage(job)}

    def events(self, pieces: Iterator[str], job: Job, *, usage: bool) -> Iterator[dict[str, Any]]:
        """The answer as it comes; the last object has the usage, if it was asked for."""
        if self.chat:
            yield self._chunk({"delta": {"role": "assistant", "content": ""}})
        for text in pieces:
            yield self._chunk({"delta": {"content": text}} if self.chat else {"text": text})
        yield self._chunk({"delta": {}} if self.chat else {"text": ""}, job.finish_reason)
        if usage:
            yield {**self._chunk({}), "choices": [], "usage": _usage(job)}

    def _chunk(self, part: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        return {**self._common, "object": kind, "choices": [{"index": 0, **part, "finish_reason": finish}]}


def _usage(job: Job) -> dict[str, int]:
    total = job.prompt_tokens + job.completion_tokens
    return {"prompt_tokens": job.prompt_tokens, "completion_tokens": job.completion_tokens, "total_tokens": total}


def error_body(status: int, message: str) -> bytes:
    """An error as OpenAI's API words it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}}).encode()
