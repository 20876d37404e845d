"""The Chat Completions API of OpenAI, and of the many servers that speak it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner_env.wire.model import Completion, Exchange, count, record, records

ENDPOINT = "https://api.openai.com/v1/chat/completions"
KEY_VARIABLE = "OPENAI_API_KEY"


def headers(key: str) -> dict[str, str]:
    """What a request carries beside its body."""
    return {"authorization": f"Bearer {key}", "content-type": "application/json"}


def body(exchange: Exchange) -> dict[str, Any]:
    """The request's JSON object."""
    made: dict[str, Any] = {
        "model": exchange.model,
        "max_tokens": exchange.max_tokens,
        "messages": [
            {"role": "system", "content": exchange.system},
            {"role": "user", "content": exchange.user},
        ],
    }
    if exchange.schema is not None:
        wanted = {"name": "verdict", "strict": True, "schema": exchange.schema}
        made["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return made


def completion(answer: Mapping[str, Any]) -> Completion:
    """What the model said, from the answer's JSON object."""
    choice = next(iter(records(answer.get("choices"))), {})
    message = record(choice.get("message"))
    stop = choice.get("finish_reason")
    usage = record(answer.get("usage"))
    return Completion(
        text=_text(message.get("content")),
        stop=stop if isinstance(stop, str) else "",
        truncated=stop == "length",
        refused=stop == "content_filter" or bool(message.get("refusal")),
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
    )


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in records(content) if isinstance(part.get("text"), str))
