"""Refusals in the vendors' words, and answers that break on their way."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from runner_env.errors import RunnerEnvError
from runner_env.testing import Fault, Reply, Rule, ScriptedModel, Tokens, ToolCall
from runner_env.wire.problems import by_status

Serve = Callable[..., ScriptedModel]
Raw = Callable[..., Any]
PATHS = ("/chat/completions", "/responses", "/messages")
DIALECTS = pytest.mark.parametrize("path", PATHS)


def asked(path: str, **more: object) -> bytes:
    """A request in the dialect of `path`."""
    said = "input" if path == "/responses" else "messages"
    body = {"model": "big-1", "max_tokens": 99, said: [{"role": "user", "content": "hello"}], **more}
    return json.dumps(body).encode()


@DIALECTS
@pytest.mark.parametrize("fault", get_args(Fault))
def test_every_fault_has_words_in_every_dialect(serve: Serve, raw: Raw, path: str, fault: Fault) -> None:
    """A named fault is an error status with a type and a message that says what the matter is."""
    answer = raw(serve([Reply(fault=fault)]), "POST", path, asked(path))
    error = answer.json["error"]
    assert answer.status >= 400
    assert error["type"]
    assert "{" not in error["message"]
    if fault in ("auth", "rate_limit", "model_not_found", "overloaded"):
        assert by_status(answer.status) == fault
    if fault == "model_not_found":
        assert "big-1" in error["message"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/chat/completions", 400, "maximum context length"),
        ("/responses", 400, "exceeds the context window"),
        ("/messages", 400, "prompt is too long"),
    ],
)
def test_a_conversation_that_is_too_long(serve: Serve, raw: Raw, path: str, status: int, words: str) -> None:
    """Each vendor says it differently; the OpenAI ones have a code for it."""
    answer = raw(serve([Reply(fault="context_length")]), "POST", path, asked(path))
    assert answer.status == status
    assert words in answer.json["error"]["message"]
    assert path == "/messages" or answer.json["error"]["code"] == "context_length_exceeded"


def test_own_words_for_a_fault(serve: Serve, raw: Raw) -> None:
    """A message of one's own replaces the vendor's, and headers come along."""
    reply = Reply(fault="rate_limit", message="not so fast", headers={"Retry-After": "2"})
    answer = raw(serve([reply]), "POST", "/messages", asked("/messages"))
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    assert answer.json["error"] == {"type": "rate_limit_error", "message": "not so fast"}


@pytest.mark.parametrize(
    ("path", "kind", "place"),
    [("/chat/completions", None, None), ("/responses", "response.failed", "response"), ("/messages", "error", None)],
)
def test_a_late_fault_comes_in_the_stream(
    serve: Serve, raw: Raw, path: str, kind: str | None, place: str | None
) -> None:
    """After status 200 and some text the last event is the error; an answer in one piece is refused as usual."""
    server = serve([Reply("Let me see", fault="overloaded", late=True)])
    answer = raw(server, "POST", path, asked(path, stream=True))
    assert answer.status == 200
    assert "Let me see" in answer.text
    last = json.loads(answer.text.strip().rpartition("data: ")[2])
    assert last.get("type") == kind
    assert "verloaded" in (last[place] if place else last)["error"]["message"]
    assert raw(server, "POST", path, asked(path)).status in (503, 529)
    assert server.calls[0].status == 200


@DIALECTS
@pytest.mark.parametrize("stream", [True, False])
def test_a_truncated_answer_ends_as_if_all_were_well(serve: Serve, raw: Raw, path: str, stream: bool) -> None:
    """Status 200, a body that HTTP has whole, and JSON that stops in its middle."""
    answer = raw(serve([Reply("half an answer", broken="truncated")]), "POST", path, asked(path, stream=stream))
    assert answer.status == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(answer.text.rpartition("data: ")[2])


@DIALECTS
@pytest.mark.parametrize(("broken", "kind"), [("empty", None), ("html", "text/html")])
def test_an_answer_that_is_none(serve: Serve, raw: Raw, path: str, broken: Any, kind: str | None) -> None:
    """Status 200 without a body, or with a proxy's page."""
    answer = raw(serve([Reply("unsaid", broken=broken)]), "POST", path, asked(path))
    assert answer.status == 200
    assert "unsaid" not in answer.text
    assert (answer.text == "") is (broken == "empty")
    assert kind is None or answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize("stream", [True, False])
def test_a_stall_keeps_the_connection_and_says_nothing_more(serve: Serve, stream: bool) -> None:
    """After a part of the answer the client waits in vain, and the server can be stopped all the same."""
    server = serve([Reply("a text that is never finished", broken="stall")])
    connection = http.client.HTTPConnection(server.url.split("/")[2], timeout=1)
    connection.request("POST", "/v1/chat/completions", asked("/chat/completions", stream=stream))
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read(20)
    with pytest.raises(TimeoutError):
        answer.read()
    connection.close()
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 5


def test_a_slow_first_token(serve: Serve) -> None:
    """The headers of a stream come at once, its first piece `first_delay` seconds later."""
    server = serve([Reply("late", first_delay=0.4)])
    connection = http.client.HTTPConnection(server.url.split("/")[2], timeout=5)
    started = time.monotonic()
    connection.request("POST", "/v1/chat/completions", asked("/chat/completions", stream=True))
    answer = connection.getresponse()
    headed = time.monotonic() - started
    answer.read(5)
    connection.close()
    assert time.monotonic() - started >= 0.4 > headed


@pytest.mark.parametrize(
    ("path", "spent"), [("/chat/completions", 100), ("/responses", 100), ("/messages", 60)], ids=PATHS
)
def test_cached_tokens(serve: Serve, raw: Raw, path: str, spent: int) -> None:
    """Tokens from the cache are a part of the input for OpenAI, and counted beside it by Anthropic."""
    usage = raw(serve([Reply("x", usage=Tokens(100, 7, 40))]), "POST", path, asked(path)).json["usage"]
    assert next(usage[name] for name in ("prompt_tokens", "input_tokens") if name in usage) == spent
    assert "40" in json.dumps(usage)


def test_anthropic_counts_tokens(serve: Serve, raw: Raw) -> None:
    """`count_tokens` answers with an estimate, and neither asks the script nor lets anybody in without the key."""
    server = serve([Rule([Reply("x")], match="never")], api_key="sesame")
    counted = raw(server, "POST", "/messages/count_tokens", asked("/messages"), "sesame")
    assert counted.json["input_tokens"] > 5
    assert raw(server, "POST", "/messages/count_tokens", b"no JSON", "sesame").status == 400
    assert raw(server, "POST", "/messages/count_tokens", asked("/messages")).status == 401
    assert server.requests == ()


def test_the_log_has_a_line_for_each_call(serve: Serve, raw: Raw, tmp_path: Path) -> None:
    """Status, rule, turn, step, what was said and the whole body, as it happens; never the key."""
    log = tmp_path / "calls.jsonl"
    rules = [Rule([Reply(fault="auth")], match="nobody"), Rule([Reply(tool_calls=[ToolCall("ls")]), Reply("x")])]
    server = serve(rules, api_key="sesame", log=log)
    raw(server, "POST", "/chat/completions", asked("/chat/completions"), "sesame")
    raw(server, "GET", "/nowhere")
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert (first["status"], first["rule"], first["turn"], first["step"]) == (200, 1, 1, 0)
    assert (first["last_user"], first["body"]["model"]) == ("hello", "big-1")
    assert (second["path"], second["status"], second["authorized"]) == ("/v1/nowhere", 404, False)
    assert "sesame" not in log.read_text()


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The server does not start without the log that was asked for."""
    with pytest.raises(RunnerEnvError, match="none") as caught:
        ScriptedModel([Reply("x")], log=tmp_path / "none" / "calls.jsonl").start()
    assert caught.value.code == "log_unwritable"


def test_a_script_is_held_against_what_was_asked(serve: Serve, raw: Raw) -> None:
    """`check` names requests that no rule matched and rules that nobody needed; a good script passes."""
    server = serve([Rule([Reply("x")], match="hello"), Rule([Reply("y")], match="bye")])
    raw(server, "POST", "/chat/completions", asked("/chat/completions"))
    with pytest.raises(AssertionError, match=r"rule 1 was never used.*bye"):
        server.check()
    body = {"model": "m", "messages": [{"role": "user", "content": "bye"}]}
    raw(server, "POST", "/chat/completions", json.dumps(body).encode())
    server.check()
    raw(server, "POST", "/chat/completions", json.dumps(body).replace("bye", "stray").encode())
    with pytest.raises(AssertionError, match="no rule matched 'stray'"):
        server.check()
