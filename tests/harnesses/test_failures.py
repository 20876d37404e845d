"""Why an agent program failed: by the answer of the model's API, by names, by words; last by its own kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.core import FailureKind
from runner_env.harnesses.failures import error_kind, failure_kind, hint_for, kind_of, reason

SAID = {
    "context_length": [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9024 tokens.",
        "prompt is too long: 208310 tokens > 200000 maximum",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "Codex ran out of room in the model's context window. Start a new thread before retrying.",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "API Error: 413 request_too_large",
        "Input is too long for requested model.",
        "unexpected status 413 Payload Too Large",
    ],
    "quota": [
        "You exceeded your current quota, please check your plan and billing details.",
        "Your credit balance is too low to access the Anthropic API.",
        "API Error: Request rejected (429) · credit balance is too low",
        "You've hit your usage limit. Upgrade to Pro or try again in 3 days 4 hours.",
        "402 Insufficient balance",
        "Claude usage limit reached. Your limit will reset at 3pm.",
        "5-hour limit reached ∙ resets 3pm",
        "You have no quota left for premium requests",
    ],
    "auth": [
        "Incorrect API key provided: sk-1234.",
        "Invalid API key · Please run /login",
        "unexpected status 401 Unauthorized: Missing bearer or basic authentication in header",
        "API Error: 401 OAuth token has expired.",
        "Not logged in · Please run /login",
        "Missing environment variable: `LOCAL_KEY`.",
        "Anthropic API key is missing. Pass it using the 'apiKey' parameter or the ANTHROPIC_API_KEY variable.",
        "API Error: 403 Your organization has disabled access",
        "403 Forbidden: Your account does not have access",
        "No auth type is selected. Please configure one.",
        "Your organization has been disabled",
    ],
    "rate_limit": [
        "Rate limit reached for gpt-4 on requests per min (RPM): Limit 3, Used 3. Please try again in 20s.",
        "exceeded retry limit, last status: 429 Too Many Requests",
        "API Error: Request rejected (429) · This request would exceed the rate limit",
        "Request too large for gpt-4o on tokens per min (TPM): status 429",
        "RESOURCE_EXHAUSTED",
    ],
    "model_not_found": [
        "The model 'nosuch' does not exist",
        "The model `x` does not exist or you do not have access to it.",
        "There's an issue with the selected model (nosuch). It may not exist or you may not have access to it.",
        "The 'gpt-9' model is not supported when using Codex with a ChatGPT account.",
        "Model not found: local/nobody.",
        "unexpected status 404 Not Found: model: claude-9",
        "models/gemini-9 is not found for API version v1beta",
        "Error: Cannot use this model: gpt-9. Available models: auto",
    ],
    "overloaded": [
        "We’re currently experiencing high demand, which may cause temporary errors.",
        "API Error: 529 Overloaded. This is a server-side issue, usually temporary",
        "API Error: 500 internal. This is a server-side issue, usually temporary — try again in a moment.",
        "The engine is currently overloaded, please try again later.",
        "unexpected status 502 Bad Gateway: upstream",
        "Provider is overloaded",
        "The server had an error while processing your request.",
        "Selected model is at capacity. Please try a different model.",
    ],
    "connection": [
        "stream disconnected before completion: Transport error: network error: error decoding response body",
        "connect ECONNREFUSED 127.0.0.1:9",
        "Connection reset by server",
        "Unable to connect. Is the computer able to access the url?",
        "The socket connection was closed unexpectedly.",
        "getaddrinfo ENOTFOUND api.example.invalid",
        "error sending request for url (http://127.0.0.1:1/v1/responses)",
        "API Error: Connection error.",
        "API Error: Cannot connect to API: self-signed certificate in certificate chain",
    ],
    "timeout": [
        "stream disconnected before completion: idle timeout waiting for SSE",
        "API Error: Request timed out.",
        "The operation timed out.",
        "Response stalled mid-stream",
    ],
    "truncated": [
        "API Error: Claude's response exceeded the 32000 output token maximum.",
        "Incomplete response returned, reason: max_output_tokens",
    ],
    "refusal": [
        "Claude Code is unable to respond to this request, which appears to violate our Usage Policy.",
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
        "The response was filtered due to the prompt triggering the content management policy.",
    ],
    "protocol": [
        "Invalid JSON response",
        "JSON Parse error: Unexpected EOF",
        "Failed to parse the answer of the server",
        "API Error: API returned an empty or malformed response (HTTP 200) — check for a proxy or gateway",
    ],
}
SILENT = [
    "",
    "exit code 1",
    "Model metadata for `m` not found. Defaulting to fallback metadata; this can degrade performance.",
    "Reading additional input from stdin...",
    "Something went wrong",
    "thread 'main' panicked at foo.rs:1:2",
]


@pytest.mark.parametrize(("kind", "said"), [(kind, said) for kind, all_ in SAID.items() for said in all_])
def test_words_tell_the_kind(kind: str, said: str) -> None:
    """Messages as the programs and the vendors write them; alone, in plain text, and as a line of JSON."""
    assert kind_of(said) == kind
    assert failure_kind({"status": "nonzero", "stderr": said}) == kind
    line = json.dumps({"type": "turn.failed", "error": {"message": said}})
    assert failure_kind({"status": "nonzero", "stdout": f'{{"type":"turn.started"}}\n{line}\n'}) == kind


@pytest.mark.parametrize("said", SILENT)
def test_what_says_nothing_is_not_guessed(said: str) -> None:
    """No kind is better than a wrong one."""
    assert kind_of(said) is None


def api(status: int, message: str = "x", body: str = "") -> dict[str, Any]:
    """An error of OpenCode about an answer of the model's API."""
    return {"name": "APIError", "data": {"message": message, "statusCode": status, "responseBody": body}}


def named(name: str, message: str = "x") -> dict[str, Any]:
    """Another error of OpenCode."""
    return {"name": name, "data": {"message": message}}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (api(401), "auth"),
        (api(429, "slow"), "rate_limit"),
        (api(429, "slow", "insufficient_quota"), "quota"),
        (api(400, "no", '{"error":{"code":"model_not_found"}}'), "model_not_found"),
        (api(413, "too big"), "context_length"),
        (named("ContextOverflowError"), "context_length"),
        (named("ProviderAuthError"), "auth"),
        (named("ProviderModelNotFoundError"), "model_not_found"),
        (named("MessageOutputLengthError"), "truncated"),
        (named("UnknownError", "Unable to connect. Is the computer able to access the url?"), "connection"),
        (named("UnknownError", "Something went wrong"), None),
        ({"name": "UnknownError", "data": "text"}, None),
        ({}, None),
    ],
)
def test_errors_of_opencode_are_read(error: dict[str, Any], kind: str | None) -> None:
    """Status before name before words."""
    assert error_kind(error) == kind


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"text": "API Error: 500 internal", "failure_kind": "auth"}, "overloaded"),
        ({"text": "API Error: Request rejected (429) · Rate limit reached", "failure_kind": "quota"}, "rate_limit"),
        ({"status": "timeout", "stdout": '{"type":"item","text":"connection refused"}'}, "timeout"),
        ({"status": "timeout", "text": "I fixed the rate limit bug."}, "timeout"),
        ({"failure_kind": "auth"}, "auth"),
        ({"stderr": "fetch failed", "text": "The test timed out."}, "connection"),
        ({"failure_kind": "something new"}, "other"),
        ({"available": False, "error": "`claude` not found on PATH"}, "spawn"),
        (
            {"stdout": '{"type":"result","is_error":true,"api_error_status":529,"result":"x","subtype":"success"}'},
            "overloaded",
        ),
        ({"stdout": '{"type":"result","is_error":true,"result":"Not logged in · Please run /login"}'}, "auth"),
    ],
)
def test_results_of_oneharness_are_read(result: dict[str, Any], kind: str) -> None:
    """What the program says outweighs a kind that oneharness got wrong; what it worked on does not count."""
    assert failure_kind({"status": "nonzero", **result}) == kind


RECORDED = {
    "claude-code-err401": "auth", "claude-code-err404": "model_not_found", "claude-code-err429": "rate_limit",
    "claude-code-err500": "overloaded", "claude-code-err529": "overloaded", "claude-code-timeout": "timeout",
    "codex-err401": "auth", "codex-err404": "model_not_found", "codex-err429": "rate_limit",
    "codex-err500": "overloaded", "codex-err529": "overloaded", "codex-disconnect": "connection",
    "codex-timeout": "timeout", "opencode-err401": "auth", "opencode-err404": "model_not_found",
    "opencode-err429": "rate_limit", "opencode-timeout": "timeout",
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_failures_are_classified(shared: Path, name: str) -> None:
    """Envelopes of the real programs against a faulty model."""
    envelope = json.loads((shared / "corpora/harness-envelopes" / f"{name}.json").read_text("utf-8"))
    assert failure_kind(envelope["results"][0]) == RECORDED[name]
    assert reason(envelope["results"][0])


@given(st.dictionaries(st.sampled_from(["stdout", "stderr", "text", "error", "status", "failure_kind"]), st.text()))
def test_any_text_is_taken(result: dict[str, str]) -> None:
    """Whatever a program prints, it is classified or not, and never an exception."""
    assert failure_kind(result) in {*FailureKind, None}


def test_large_output_is_read_quickly() -> None:
    """Megabytes of lines that are no errors."""
    result = {
        "status": "nonzero",
        "stdout": '{"type":"item","text":"model model model"}\n' * 50_000,
        "stderr": "x" * 10**6,
    }
    assert failure_kind(result) is None


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.CONTEXT_LENGTH, FailureKind.TIMEOUT])
def test_a_kind_has_advice(kind: FailureKind) -> None:
    """What to do, with the program's name where it matters."""
    assert hint_for(kind, "codex")
    assert hint_for(None, "codex") is None
