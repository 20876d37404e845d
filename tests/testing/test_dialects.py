"""The dialects beside chat completions, which real agent programs speak."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from runner_env.testing import Reply, Rule, ScriptedModel, Tokens, ToolCall

Serve = Callable[..., ScriptedModel]
Raw = Callable[..., Any]
PATHS = ("/messages", "/responses")


def asked(path: str, said: object = "hello", **more: object) -> bytes:
    """A request in the dialect of `path`."""
    if path == "/responses":
        return json.dumps({"model": "any", "input": said, **more}).encode()
    messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
    return json.dumps({"model": "any", "max_tokens": 99, "messages": messages, **more}).encode()


def events(text: str) -> list[dict[str, Any]]:
    """The events of a stream, each of which must be named after its type."""
    found = []
    for block in text.strip().split("\n\n"):
        name, _, data = block.partition("\ndata: ")
        found.append(json.loads(data))
        assert name == f"event: {found[-1]['type']}"
    return found


def test_a_message_in_one_piece(serve: Serve, raw: Raw) -> None:
    """Anthropic: text block, stop reason and claimed usage."""
    answer = raw(serve([Reply("hi", usage=Tokens(7, 3))]), "POST", "/messages", asked("/messages")).json
    assert answer["content"] == [{"type": "text", "text": "hi"}]
    assert answer["stop_reason"] == "end_turn"
    assert answer["usage"] == {"input_tokens": 7, "cache_read_input_tokens": 0, "output_tokens": 3}


def test_a_response_in_one_piece(serve: Serve, raw: Raw) -> None:
    """Responses: one output message and claimed usage."""
    answer = raw(serve([Reply("hi", usage=Tokens(7, 3))]), "POST", "/responses", asked("/responses")).json
    assert answer["status"] == "completed"
    assert answer["output"][0]["content"][0]["text"] == "hi"
    assert answer["usage"]["total_tokens"] == 10


def test_a_streamed_message(serve: Serve, raw: Raw) -> None:
    """Anthropic: the deltas join to the text and to the tool's input, between message_start and message_stop."""
    server = serve([Reply("a somewhat longer 中文 text", tool_calls=[ToolCall("Read", {"file_path": "/a/long/path"})])])
    told = events(raw(server, "POST", "/messages", asked("/messages", stream=True)).text)
    assert [told[0]["type"], told[-1]["type"]] == ["message_start", "message_stop"]
    deltas = [event["delta"] for event in told if event["type"] == "content_block_delta"]
    assert "".join(delta.get("text", "") for delta in deltas) == "a somewhat longer 中文 text"
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == {"file_path": "/a/long/path"}
    assert told[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_streamed_response(serve: Serve, raw: Raw) -> None:
    """Responses: deltas join, sequence numbers count, the last event carries the whole response."""
    server = serve([Reply("a somewhat longer 中文 text", tool_calls=[ToolCall("shell", {"cmd": "ls -la /a/b"})])])
    told = events(raw(server, "POST", "/responses", asked("/responses", stream=True)).text)
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    said = "".join(event["delta"] for event in told if event["type"] == "response.output_text.delta")
    arguments = "".join(event["delta"] for event in told if event["type"] == "response.function_call_arguments.delta")
    assert said == "a somewhat longer 中文 text"
    assert json.loads(arguments) == {"cmd": "ls -la /a/b"}
    assert told[-1]["type"] == "response.completed"
    assert [item["type"] for item in told[-1]["response"]["output"]] == ["message", "function_call"]


def test_steps_of_a_conversation_of_messages(serve: Serve, raw: Raw) -> None:
    """Anthropic: tool results make a step; reminders that the client adds are no user's message."""
    reminder = {"type": "text", "text": "<system-reminder>mind the files</system-reminder>"}
    talk = [
        {"role": "user", "content": [reminder, {"type": "text", "text": "add 1 and 2"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "add", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "3"}, reminder]},
        {"role": "user", "content": [reminder]},
        {"role": "system", "content": "one more thing"},
    ]
    server = serve([Rule([Reply("calling"), Reply("it is 3")], match="^add 1 and 2$")])
    body = asked("/messages", talk, system=[{"type": "text", "text": "be brief"}], tools=[{"name": "add"}])
    assert raw(server, "POST", "/messages", body).json["content"][0]["text"] == "it is 3"
    request = server.calls[0].request
    assert request is not None
    assert request.system == "be brief\none more thing"
    assert request.tools == ("add",)


def test_steps_of_a_conversation_of_responses(serve: Serve, raw: Raw) -> None:
    """Responses: outputs of function calls make a step; reasoning says nothing."""
    talk = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "be brief"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "add 1 and 2"}]},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "3"},
    ]
    server = serve([Rule([Reply("calling"), Reply("it is 3")], match="^add 1 and 2$")])
    body = asked("/responses", talk, tools=[{"type": "function", "name": "add"}, {"type": "web_search"}])
    answer = raw(server, "POST", "/responses", body).json
    assert answer["output"][0]["content"][0]["text"] == "it is 3"
    request = server.calls[0].request
    assert request is not None
    assert request.system == "be brief"
    assert request.tools == ("add", "web_search")


@pytest.mark.parametrize("path", PATHS)
def test_faults_have_the_dialects_own_body(serve: Serve, raw: Raw, path: str) -> None:
    """A scripted 429 has the error object that clients of that API read."""
    answer = raw(serve([Reply(status=429, message="slow down")]), "POST", path, asked(path))
    assert answer.status == 429
    assert answer.json["error"]["type"] == "rate_limit_error"
    assert answer.json["error"]["message"] == "slow down"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/messages", {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}),
        ("/messages", {"model": "m", "messages": [], "max_tokens": 1}),
        ("/messages", {"model": "m", "messages": [{"role": "user", "content": "x"}]}),
        ("/messages", {"model": "m", "messages": [{"role": "tool", "content": "x"}], "max_tokens": 1}),
        ("/responses", {"input": "x"}),
        ("/responses", {"model": "m", "input": []}),
        ("/responses", {"model": "m", "input": [{"role": "robot", "content": "x"}]}),
        ("/responses", {"model": "m", "input": ["x"]}),
        ("/responses", {"model": "m", "input": "x", "previous_response_id": "resp_1"}),
        ("/responses", {"model": "m", "input": "x", "tools": [{}]}),
    ],
)
def test_a_wrong_body_is_refused(serve: Serve, raw: Raw, path: str, body: dict[str, Any]) -> None:
    """What the real API would refuse is refused with status 400."""
    assert raw(serve([Reply("ok")]), "POST", path, json.dumps(body).encode()).status == 400


def test_a_length_limit_ends_a_response_incomplete(serve: Serve, raw: Raw) -> None:
    """Responses has no finish reason: the reply's one becomes the reason why it is incomplete."""
    server = serve([Reply("cut", finish_reason="max_output_tokens")])
    told = events(raw(server, "POST", "/responses", asked("/responses", stream=True)).text)
    assert told[-1]["type"] == "response.incomplete"
    assert told[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_the_key_may_come_in_anthropics_header(serve: Serve) -> None:
    """`x-api-key` is as good as a bearer token, and a wrong one is refused."""
    server = serve([Reply("ok")], api_key="right")

    def status(key: str) -> int:
        request = urllib.request.Request(f"{server.origin}/v1/messages", asked("/messages"), {"x-api-key": key})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert status("right") == 200
    assert status("wrong") == 401
