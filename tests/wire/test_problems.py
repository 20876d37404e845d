"""What an API's answer amounts to."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.core import FailureKind
from runner_env.wire import ApiProblem, anthropic, openai_chat, problems


def problem(status: int, body: object, content_type: str = "application/json") -> ApiProblem:
    """The problem that an answer makes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ApiProblem) as caught:
        problems.decode(status, content_type, data)
    return caught.value


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"type": "invalid_request_error", "code": "invalid_api_key", "message": "no"}, "auth"),
        (429, {"type": "insufficient_quota", "code": "insufficient_quota"}, "quota"),
        (429, {"type": "tokens", "code": "rate_limit_exceeded"}, "rate_limit"),
        (429, {"message": "slow down"}, "rate_limit"),
        (404, {"type": "not_found_error"}, "model_not_found"),
        (400, {"type": "invalid_request_error", "code": "model_not_found"}, "model_not_found"),
        (529, {"type": "overloaded_error"}, "overloaded"),
        (500, {"type": "who_knows"}, "overloaded"),
        (400, {"type": "invalid_request_error"}, ""),
        (200, {"type": "authentication_error"}, "auth"),
        (402, "pay", "quota"),
        (403, None, "auth"),
    ],
)
def test_status_type_and_code_are_all_read(status: int, error: object, kind: str) -> None:
    """The code is finer than the type, and both than the HTTP status; an error in a 200 is one all the same."""
    assert problem(status, {"error": error}).kind == kind


def test_a_server_error_with_a_valid_body_is_an_error() -> None:
    """The HTTP status is honoured: a 500 is never taken for an answer."""
    body = {"content": [{"type": "text", "text": '{"value": true}'}]}
    assert problem(500, body).kind == "overloaded"


def test_html_with_200_is_shown_with_its_type_and_beginning() -> None:
    """RT091: the error states the content type and the first 200 bytes."""
    found = problem(200, b"<html>login</html>" + b"x" * 500, "text/html")
    assert found.kind == "protocol"
    assert "'text/html'" in found.message
    assert "<html>login" in found.message
    assert len(found.message) < 350


def test_a_redirect_is_not_an_answer() -> None:
    """A redirect is named as such."""
    assert "redirect" in problem(302, b"").message


def test_a_deeply_nested_body_is_no_crash() -> None:
    """Nesting beyond what the parser takes is one more unreadable answer."""
    assert problem(200, b"[" * 200_000).kind == "protocol"


def test_every_kind_is_one_of_the_house() -> None:
    """The plain strings of this room are values of `FailureKind`."""
    names = problems._BY_NAME.values()
    statuses = (problems.by_status(status) for status in range(300, 600))
    assert {*names, *statuses, "protocol"} - {""} <= {kind.value for kind in FailureKind}


def test_cached_prompt_tokens_count() -> None:
    """Anthropic reports cached input apart from fresh input; both were consumed."""
    usage = {"input_tokens": 3, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 2, "output_tokens": 1}
    found = anthropic.completion({"content": [], "usage": usage})
    assert (found.input_tokens, found.output_tokens) == (45, 1)


def test_stops_are_told_apart() -> None:
    """Cut off at the token limit and declined are recognised in both dialects."""
    assert anthropic.completion({"stop_reason": "max_tokens"}).truncated
    assert anthropic.completion({"stop_reason": "refusal"}).refused
    assert openai_chat.completion({"choices": [{"finish_reason": "length", "message": {"content": "x"}}]}).truncated
    assert openai_chat.completion({"choices": [{"message": {"content": None, "refusal": "I cannot"}}]}).refused


KEYS = st.sampled_from(["content", "choices", "message", "type", "text", "usage", "input_tokens", "stop_reason", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_no_answer_makes_a_parser_fail(answer: dict[str, object]) -> None:
    """Whatever JSON object comes back, there is a completion, with text that is text and counts that are counts."""
    for dialect in (anthropic, openai_chat):
        found = dialect.completion(answer)
        assert isinstance(found.text, str)
        assert found.input_tokens is None or found.input_tokens >= 0
