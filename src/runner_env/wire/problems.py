"""What an API's refusal means: from HTTP status and error body to a failure kind.

The names are those of the vendors' documentation: Anthropic "Errors", OpenAI "Error codes", and of servers that speak
the same dialects.
"""

from __future__ import annotations

import json
from typing import Any

from runner_env.wire.model import ApiProblem, record

_BY_NAME = {
    "authentication_error": "auth",
    "invalid_api_key": "auth",
    "permission_error": "auth",
    "permission_denied": "auth",
    "account_deactivated": "auth",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "tokens": "rate_limit",
    "requests": "rate_limit",
    "insufficient_quota": "quota",
    "billing_error": "quota",
    "billing_hard_limit_reached": "quota",
    "billing_not_active": "quota",
    "not_found_error": "model_not_found",
    "model_not_found": "model_not_found",
    "overloaded_error": "overloaded",
    "api_error": "overloaded",
    "server_error": "overloaded",
    "internal_server_error": "overloaded",
    "service_unavailable": "overloaded",
    "engine_overloaded": "overloaded",
    "timeout_error": "overloaded",
    "content_filter": "refusal",
    "content_policy_violation": "refusal",
}
_BY_STATUS = {401: "auth", 402: "quota", 403: "auth", 404: "model_not_found", 408: "overloaded", 429: "rate_limit"}
_FIRST_BYTES = 200


def classify(name: str | None) -> str | None:
    """The failure kind behind a vendor's error `type` or `code`; None if it is not known."""
    return _BY_NAME.get(name) if name else None


def by_status(status: int) -> str:
    """The failure kind behind an HTTP status alone; empty if it says nothing."""
    return _BY_STATUS.get(status, "overloaded" if status >= 500 else "")


def decode(status: int, content_type: str, body: bytes) -> dict[str, Any]:
    """The JSON object that an API answered with.

    Args:
        status: the HTTP status, which is believed before the body is.
        content_type: as the server declares it; only ever shown.
        body: the decoded body.

    Raises:
        ApiProblem: an error status, an error body, or no JSON object.
    """
    answer = _object(body)
    error = None if answer is None else answer.get("error")
    if error or status >= 400:
        raise problem_of(status, error) if error else _unexplained(status, content_type, body)
    if status >= 300:
        raise ApiProblem("protocol", f"the server answered with a redirect (HTTP {status}), which is not followed")
    if answer is None:
        shown = _first(body)
        message = f"could not parse API response: HTTP {status} with content type {content_type!r}; got: {shown}"
        raise ApiProblem("protocol", message)
    return answer


def problem_of(status: int, error: object) -> ApiProblem:
    """The problem in the `error` of an API's answer. Its `code` is finer than its `type`, and both than the status."""
    details = record(error)
    names = [details.get(key) for key in ("code", "type")]
    kinds = [kind for name in names if isinstance(name, str) for kind in [classify(name)] if kind]
    said = details.get("message") if details else error
    message = said if isinstance(said, str) and said.strip() else f"the API reported an error (HTTP {status})"
    return ApiProblem(kinds[0] if kinds else by_status(status), message)


def _unexplained(status: int, content_type: str, body: bytes) -> ApiProblem:
    shown = f": {_first(body)}" if body else ""
    return ApiProblem(by_status(status), f"HTTP {status} with content type {content_type!r}{shown}")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _first(body: bytes) -> str:
    return body[:_FIRST_BYTES].decode("utf-8", "backslashreplace")
