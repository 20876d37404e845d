"""The Messages API of Anthropic, version 2023-06-01."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner_env.wire.model import Completion, Exchange, count, record, records

ENDPOINT = "https://api.anthropic.com/v1/messages"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
_CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")


def headers(key: str) -> dict[str, str]:
    """What a request carries beside its body."""
    return {"x-api-key": key, "anthropic-version": "2023-06-01", "content-type": "application/json"}


def body(exchange: Exchange) -> dict[str, Any]:
    """The request's JSON object."""
    made: dict[str, Any] = {
        "model": exchange.model,
        "max_tokens": exchange.max_tokens,
        "system": exchange.system,
        "messages": [{"role": "user", "content": exchange.user}],
    }
    if exchange.schema is not None:
        made["output_config"] = {"format": {"type": "json_schema", "schema": exchange.schema}}
    return made


def completion(answer: Mapping[str, Any]) -> Completion:
    """What the model said, from the answer's JSON object."""
    blocks = records(answer.get("content"))
    texts = [block["text"] for block in blocks if block.get("type") == "text" and isinstance(block.get("text"), str)]
    stop = answer.get("stop_reason")
    usage = record(answer.get("usage"))
    fresh = count(usage.get("input_tokens"))
    cached = sum(count(usage.get(key)) or 0 for key in _CACHED)
    return Completion(
        text="".join(texts),
        stop=stop if isinstance(stop, str) else "",
        truncated=stop in ("max_tokens", "model_context_window_exceeded"),
        refused=stop == "refusal",
        input_tokens=None if fresh is None else fresh + cached,
        output_tokens=count(usage.get("output_tokens")),
    )
