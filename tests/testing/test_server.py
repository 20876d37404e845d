from __future__ import annotations

import http.client
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from runner_env.errors import RunnerEnvError
from runner_env.testing import ChatRequest, Reply, Rule, ScriptedModel, Tokens, ToolCall

Serve = Callable[..., ScriptedModel]
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def strict() -> Iterator[ScriptedModel]:
    """One server for all requests that it refuses."""
    with ScriptedModel([Reply("ok")]) as server:
        yield server


def test_answers_in_one_piece(serve: Serve, ask: Ask) -> None:
    """A plain reply becomes a chat.completion object with the claimed usage."""
    answer = ask(serve([Reply("hi there", usage=Tokens(7, 3))]), "hello")
    assert answer.status == 200
    assert answer.json["object"] == "chat.completion"
    assert answer.json["choices"][0]["message"] == {"role": "assistant", "content": "hi there"}
    assert answer.json["choices"][0]["finish_reason"] == "stop"
    usage = answer.json["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (7, 3, 10)


def test_streams_pieces_that_join_to_the_text(serve: Serve, ask: Ask) -> None:
    """A streamed reply arrives as several chunks, ends with a finish reason and reports usage when asked to."""
    text = "a somewhat longer reply, with 中文 in it"
    answer = ask(serve([Reply(text, usage=Tokens(1, 2))]), stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, last = answer.events
    deltas = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(deltas) == text
    assert len([delta for delta in deltas if delta]) > 2
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 3


def test_a_stream_reports_no_usage_unasked(serve: Serve, ask: Ask) -> None:
    """Without stream_options.include_usage no chunk carries usage."""
    assert all("usage" not in chunk for chunk in ask(serve([Reply("hi")]), stream=True).events)


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_and_the_steps_after_them(serve: Serve, ask: Ask, stream: bool) -> None:
    """Step 0 calls a tool; the round of tool results after it gets step 1."""
    server = serve([Rule([Reply(tool_calls=[ToolCall("add", {"a": 1})]), Reply("sum is 3")])])
    first = ask(server, "add", stream=stream)
    choice = first.events[1]["choices"][0]["delta"] if stream else first.json["choices"][0]["message"]
    (call,) = choice["tool_calls"]
    assert call["function"] == {"name": "add", "arguments": '{"a": 1}'}
    later = [
        {"role": "user", "content": [{"type": "text", "text": "add"}]},
        {"role": "assistant", "content": None, "tool_calls": [{k: v for k, v in call.items() if k != "index"}]},
        {"role": "tool", "tool_call_id": call["id"], "content": "3"},
    ]
    assert ask(server, later).json["choices"][0]["message"]["content"] == "sum is 3"
    assert [call.request.step for call in server.calls if call.request] == [0, 1]


def test_first_matching_rule_answers(serve: Serve, ask: Ask) -> None:
    """Rules are tried in order, on the last user message and on the model id."""
    server = serve([Rule([Reply("one")], match="first$"), Rule([Reply("two")], model="^big"), Rule([Reply("three")])])
    talk = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": "then"},
    ]
    said = [ask(server, "the\nfirst"), ask(server, "other", model="big-1"), ask(server, talk)]
    assert [answer.json["choices"][0]["message"]["content"] for answer in said] == ["one", "two", "three"]


def test_no_rule_is_a_refusal_and_not_an_answer(serve: Serve, ask: Ask) -> None:
    """A request that nothing matches gets status 400 and hears what was not matched."""
    answer = ask(serve([Rule([Reply("x")], match="never")]), "surprise")
    assert answer.status == 400
    assert "surprise" in answer.json["error"]["message"]


def test_a_callable_chooses_the_reply(serve: Serve, ask: Ask) -> None:
    """A callable gets the request as a ChatRequest and its Reply is sent."""

    def answer(request: ChatRequest) -> Reply:
        return Reply(f"{request.system}|{request.last_user}|{request.model}")

    talk = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
    assert ask(serve(answer), talk).json["choices"][0]["message"]["content"] == "S|U|any"


def test_a_callable_that_fails_is_heard_of(serve: Serve, ask: Ask) -> None:
    """An exception in the callable is a status that nobody retries, with its text."""

    def answer(_: ChatRequest) -> Reply:
        raise KeyError("task 12")

    refused = ask(serve(answer))
    assert refused.status == 400
    assert "task 12" in refused.json["error"]["message"]


def test_faults_come_so_many_times(serve: Serve, ask: Ask) -> None:
    """`times` serves a fault with its headers for that many requests, then the step's lasting reply."""
    server = serve([Rule([Reply(status=429, message="slow down", headers={"Retry-After": "7"}, times=2), Reply("ok")])])
    answers = [ask(server) for _ in range(4)]
    assert [answer.status for answer in answers] == [429, 429, 200, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json["error"] == {
        "message": "slow down",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limit_exceeded",
    }


def test_a_used_up_rule_leaves_it_to_the_next(serve: Serve, ask: Ask) -> None:
    """A rule of nothing but a counted fault stops matching when it is used up."""
    server = serve([Reply(status=500, times=1), Reply("fine")])
    assert [ask(server).status for _ in range(3)] == [500, 200, 200]


def test_counting_is_exact_under_concurrency(serve: Serve, ask: Ask) -> None:
    """Eight clients at once see exactly the scripted number of faults."""
    server = serve([Rule([Reply(status=429, times=5), Reply("ok")])])
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _: ask(server), range(20)))
    assert statuses == [200] * 15 + [429] * 5
    assert len(server.calls) == 20


@pytest.mark.parametrize("stream", [False, True])
def test_a_disconnect_cuts_the_body(serve: Serve, stream: bool) -> None:
    """A disconnecting reply sends a part of its body, then drops the connection."""
    server = serve([Reply("partial text that is long enough", broken="disconnect")])
    body = b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": %s}' % (
        b"true" if stream else b"false"
    )
    connection = http.client.HTTPConnection(server.url.split("/")[2], timeout=5)
    connection.request("POST", "/v1/chat/completions", body)
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    connection.close()
    assert cut.value.partial or stream
    assert b"[DONE]" not in cut.value.partial
    assert server.calls[0].status == 0


def test_a_delay_holds_the_answer_back(serve: Serve, ask: Ask) -> None:
    """`delay` seconds pass before the answer begins."""
    started = time.monotonic()
    ask(serve([Reply("late", delay=0.2)]))
    assert time.monotonic() - started >= 0.2


def test_a_streams_pieces_can_be_slow(serve: Serve, ask: Ask) -> None:
    """`chunk_delay` seconds pass between the pieces of a stream."""
    started = time.monotonic()
    ask(serve([Reply("one, two, three, four", chunk_delay=0.05)]), stream=True)
    assert time.monotonic() - started >= 0.15


def test_stopping_does_not_wait_for_a_slow_reply(ask: Ask) -> None:
    """`stop` ends the server within seconds although an answer is still due, and a second stop is harmless."""
    with ScriptedModel([Reply("x", delay=30)]) as server, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, server)
        while not server.calls:
            time.sleep(0.01)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 5
        refused = asked.exception() or asked.result().status
    assert refused != 200


def test_the_key_is_checked(serve: Serve, ask: Ask, raw: Ask) -> None:
    """With a key, requests without it are refused with 401 everywhere, and the log says so."""
    server = serve([Reply("ok")], api_key="sesame")
    assert [ask(server, key=key).status for key in ("", "wrong", "sesame")] == [401, 401, 200]
    assert [raw(server, "GET", "/models", key=key).status for key in ("", "sesame")] == [401, 200]
    assert [call.authorized for call in server.calls] == [False, False, True, False, True]


def test_lists_models(serve: Serve) -> None:
    """GET /v1/models lists the ids given."""
    server = serve([Reply("ok")], models=["a", "b"])
    with urllib.request.urlopen(server.url + "/models", timeout=5) as answer:
        text = answer.read().decode()
    assert '"object":"list"' in text
    assert '"id":"a"' in text
    assert '"id":"b"' in text


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"model": "m"}',
        b'{"model": "m", "messages": []}',
        b'{"model": "m", "messages": [{"role": "wizard", "content": "x"}]}',
        b'{"model": "m", "messages": [{"role": "user", "content": 3}]}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 2}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [{}]}',
        b"\xff\xfe",
    ],
)
def test_a_wrong_body_is_refused(strict: ScriptedModel, raw: Ask, body: bytes) -> None:
    """A body that the API does not know gets status 400 with an error object, never an answer."""
    answer = raw(strict, "POST", "/chat/completions", body)
    assert answer.status == 400
    assert answer.json["error"]["type"] == "invalid_request_error"


def test_an_unknown_path_is_refused_and_logged(serve: Serve, raw: Ask) -> None:
    """A path of no dialect is 404, and the log has it."""
    server = serve([Reply("ok")])
    assert raw(server, "POST", "/embeddings", b"{}").status == 404
    assert [(call.path, call.status) for call in server.calls] == [("/v1/embeddings", 404)]


def test_listens_on_loopback_only_and_closes_its_port() -> None:
    """The server is on 127.0.0.1, and after the end nothing listens there."""
    with ScriptedModel([Reply("ok")]) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        assert server.url == f"http://127.0.0.1:{port}/v1"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(server.url + "/models", timeout=5)


def test_a_taken_port_is_named() -> None:
    """A port that is in use gives a clear error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunnerEnvError, match=str(port)) as error:
            ScriptedModel([Reply("ok")], port=port).start()
    assert error.value.code == "port_taken"


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uvicorn the error says what to install."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(RunnerEnvError) as error:
        ScriptedModel([Reply("ok")]).start()
    assert error.value.code == "extra_missing"
    assert "pip install 'runner-env[testing]'" in str(error.value)
