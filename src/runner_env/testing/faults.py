"""Refusals in the vendors' own words, because clients tell them apart by these.

Status, type and code are those of the public API references; the messages are what the services are known to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.testing.replies import Fault, Reply


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error of a model API.

    Attributes:
        status: the HTTP status.
        message: for people; `{model}` stands for the model asked for.
        kind: the error's type; empty: the one that goes with the status.
        code: the error's code, in dialects that have one; None: the one that goes with the status.
    """

    status: int
    message: str
    kind: str = ""
    code: str | None = None


Vendor = Mapping["Fault", Refusal]

_RATE = "Rate limit reached for {model} on requests per min (RPM): Limit 3, Used 3. Please try again in 20s."
_QUOTA = "You exceeded your current quota, please check your plan and billing details."

OPENAI: Vendor = {
    "auth": Refusal(401, "Incorrect API key provided: sk-scripted.", "invalid_request_error", "invalid_api_key"),
    "rate_limit": Refusal(429, _RATE, "requests", "rate_limit_exceeded"),
    "quota": Refusal(429, _QUOTA, "insufficient_quota", "insufficient_quota"),
    "model_not_found": Refusal(
        404,
        "The model `{model}` does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    "overloaded": Refusal(503, "The engine is currently overloaded, please try again later.", "server_error"),
    "server_error": Refusal(500, "The server had an error while processing your request.", "server_error"),
    "context_length": Refusal(
        400,
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9024 tokens. "
        "Please reduce the length of the messages.",
        "invalid_request_error",
        "context_length_exceeded",
    ),
}

RESPONSES: Vendor = {
    **OPENAI,
    "context_length": replace(
        OPENAI["context_length"],
        message="Your input exceeds the context window of this model. Please adjust your input and try again.",
    ),
}

ANTHROPIC: Vendor = {
    "auth": Refusal(401, "invalid x-api-key", "authentication_error"),
    "rate_limit": Refusal(
        429, "This request would exceed the rate limit for your organization of 3 requests per minute."
    ),
    "quota": Refusal(
        400,
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
        "purchase credits.",
    ),
    "model_not_found": Refusal(404, "model: {model}", "not_found_error"),
    "overloaded": Refusal(529, "Overloaded", "overloaded_error"),
    "server_error": Refusal(500, "Internal server error", "api_error"),
    "context_length": Refusal(400, "prompt is too long: 208310 tokens > 200000 maximum"),
}


def refusal_of(reply: Reply, vendor: Vendor, model: str) -> Refusal | None:
    """The error that `reply` is; None if it is an answer."""
    if reply.fault is not None:
        said = vendor[reply.fault]
        return replace(said, message=reply.message or said.message.replace("{model}", model))
    return None if reply.status is None else Refusal(reply.status, reply.message or "scripted fault")
