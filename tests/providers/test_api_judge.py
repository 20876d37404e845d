"""The judge by a model API, against a server with every fault."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from runner_env.bridge import blocking
from runner_env.core import FailureKind, Message
from runner_env.errors import ProviderError
from runner_env.providers import JudgeQuery
from runner_env.providers.api_judge import ApiJudgeOptions, ApiJudgeProvider, ApiVendor

KEY = "sk-very-secret-key-0123456789"
HI = [Message.user("hi"), Message.assistant("hello")]
BOOLEAN = JudgeQuery.boolean("greets")
GOOD = {
    "content": [{"type": "text", "text": '{"value": true, "reason": "api"}'}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 12, "output_tokens": 3},
}
OPENAI_GOOD = {
    "choices": [{"message": {"content": '{"value": true, "reason": "api"}'}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 4},
}
SOON = {"Retry_After": "0"}


class Judge:
    """Asks a provider once, and closes it."""

    def __init__(self, api: Any, kitchen: Any, **env: str) -> None:
        self.options = ApiJudgeOptions(ApiVendor.ANTHROPIC, base_url=api.url)
        self.host = kitchen.host(ANTHROPIC_API_KEY=KEY, OPENAI_API_KEY=KEY, **env)

    def ask(self, use: Callable[[ApiJudgeProvider], Awaitable[Any]] | None = None) -> Any:
        """The verdict, or what `use` returns."""

        async def run() -> Any:
            provider = ApiJudgeProvider(self.options, self.host)
            try:
                return await (use(provider) if use else provider.judge("jm", BOOLEAN, HI))
            finally:
                await provider.aclose()

        return blocking(run())

    def fails(self) -> ProviderError:
        """The error of one judgement."""
        with pytest.raises(ProviderError) as caught:
            self.ask()
        unusable = caught.value.code in ("no_verdict", "bad_verdict")
        assert caught.value.context == ("oneharness:judge" if unusable else "api-judge")
        return caught.value


@pytest.fixture
def judge(api: Any, kitchen: Any) -> Judge:
    """A judge at the scripted API."""
    return Judge(api, kitchen)


def test_a_verdict_with_usage(api: Any, judge: Judge) -> None:
    """One round trip: value, reason and usage arrive; the request carries key, version, model and schema."""
    api.answers(api.reply(200, GOOD))
    verdict = judge.ask()
    assert (verdict.value, verdict.reason) == (True, "api")
    assert (verdict.usage.input_tokens, verdict.usage.output_tokens, verdict.usage.cost_usd) == (12, 3, None)
    (request,) = api.requests
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert request["body"]["model"] == "jm"
    assert request["body"]["output_config"]["format"]["schema"]["properties"]["value"] == {"type": "boolean"}


def test_the_other_dialect_without_a_schema(api: Any, judge: Judge) -> None:
    """OpenAI-compatible: bearer key, no schema when strict JSON is off, a fenced verdict is found."""
    body = {"choices": [{"message": {"content": '```json\n{"value": 8.5}\n```'}}]}
    api.answers(api.reply(200, body))
    judge.options = replace(judge.options, vendor=ApiVendor.OPENAI, strict_json=False)
    verdict = judge.ask(lambda p: p.judge("jm", JudgeQuery.numeric("warm", 0, 10), HI))
    assert (verdict.value, verdict.usage) == (8.5, None)
    assert api.requests[0]["headers"]["authorization"] == f"Bearer {KEY}"
    assert "response_format" not in api.requests[0]["body"]


def test_the_simulated_user_is_never_held_to_a_schema(api: Any, judge: Judge) -> None:
    """A user's turn is free text."""
    api.answers(api.reply(200, {"content": [{"type": "text", "text": " and then? \n"}]}))
    turn = judge.ask(lambda p: p.simulate_user("jm", "terse", HI))
    assert (turn.message, turn.stop, turn.usage) == ("and then?", False, None)
    assert "output_config" not in api.requests[0]["body"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (401, {"error": {"type": "authentication_error", "message": "bad key"}}, FailureKind.AUTH, "bad key"),
        (400, {"error": {"type": "x", "code": "invalid_api_key", "message": "no"}}, FailureKind.AUTH, "no"),
        (429, {"error": {"type": "insufficient_quota", "message": "pay"}}, FailureKind.QUOTA, "pay"),
        (404, {"error": {"type": "not_found_error", "message": "m"}}, FailureKind.MODEL_NOT_FOUND, "m"),
        (200, b"<html><body>login</body></html>", FailureKind.PROTOCOL, "login"),
        (200, b"", FailureKind.PROTOCOL, "HTTP 200"),
        (200, {"content": [], "stop_reason": "refusal"}, FailureKind.REFUSAL, "refusal"),
        (200, {"content": []}, FailureKind.PROTOCOL, "no text"),
        (200, {**GOOD, "stop_reason": "max_tokens"}, FailureKind.TRUNCATED, "cut off"),
        (400, {"detail": "what?"}, None, "what?"),
    ],
)
def test_faults_that_do_not_pass(
    api: Any, judge: Judge, status: int, body: object, kind: FailureKind | None, says: str
) -> None:
    """Each is classified, says what the server said, and is not repeated."""
    api.answers(api.reply(status, body))
    error = judge.fails()
    assert error.kind is kind
    assert says in error.message
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"type": "rate_limit_error", "message": "slow"}}),
        (429, b"slow down"),
        (529, {"error": {"type": "overloaded_error", "message": "busy"}}),
        (500, GOOD),
        (502, b"<html>bad gateway</html>"),
    ],
)
def test_faults_that_pass_are_asked_again(api: Any, judge: Judge, status: int, body: object) -> None:
    """W11: rate limits and server errors, with any body, are retried; the HTTP status is believed, not the body."""
    api.answers(api.reply(status, body, **SOON), api.reply(status, body, **SOON), api.reply(200, GOOD))
    assert judge.ask().value is True
    assert len(api.requests) == 3


def test_a_fault_that_stays_is_reported_after_three_attempts(api: Any, judge: Judge) -> None:
    """The third failure is the answer."""
    api.answers(api.reply(529, {"error": {"type": "overloaded_error", "message": "busy"}}, **SOON))
    error = judge.fails()
    assert (error.kind, error.message) == (FailureKind.OVERLOADED, "busy")
    assert len(api.requests) == 3


def test_retry_after_is_waited_for(api: Any, judge: Judge) -> None:
    """The server's wish decides how long the next attempt waits."""
    slow = api.reply(429, {"error": {"type": "rate_limit_error"}}, Retry_After="0.4")
    api.answers(slow, api.reply(200, GOOD))
    began = time.monotonic()
    assert judge.ask().value is True
    assert time.monotonic() - began >= 0.4


def test_a_cut_connection_is_asked_again(api: Any, judge: Judge) -> None:
    """A body that ends too soon is a fault of the connection, and passes."""

    def cut(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"content"')
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)

    api.answers(cut, api.reply(200, GOOD))
    assert judge.ask().value is True


def test_an_unreachable_server(judge: Judge) -> None:
    """Nobody listens: a classified error, after retries."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        judge.options = replace(judge.options, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        assert judge.fails().kind is FailureKind.CONNECTION


@pytest.mark.parametrize("when", ["before", "within"])
def test_a_slow_or_endless_answer_times_out(api: Any, judge: Judge, when: str) -> None:
    """One deadline for the whole exchange: neither silence nor one byte at a time gets around it."""
    over = threading.Event()

    def slow(handler: Any) -> None:
        if when == "within":
            handler.send_response(200)
            handler.send_header("content-length", "100000")
            handler.end_headers()
        while not over.wait(0.05):
            if when == "within":
                handler.wfile.write(b" ")
                handler.wfile.flush()

    api.answers(slow)
    judge.options = replace(judge.options, timeout_s=0.5)
    try:
        assert judge.fails().kind is FailureKind.TIMEOUT
    finally:
        over.set()
    assert len(api.requests) == 1


def test_a_gzip_answer_is_read(api: Any, judge: Judge) -> None:
    """Compression is understood."""
    api.answers(api.reply(200, gzip.compress(json.dumps(GOOD).encode()), content_encoding="gzip"))
    assert judge.ask().value is True


def test_a_gzip_bomb_is_an_error(api: Any, judge: Judge) -> None:
    """RT093: what unpacks to more than 32 MiB is refused."""
    api.answers(api.reply(200, gzip.compress(bytes(64 << 20)), content_encoding="gzip"))
    error = judge.fails()
    assert error.kind is FailureKind.PROTOCOL
    assert "larger than" in error.message


def test_an_endless_plain_answer_is_an_error(api: Any, judge: Judge) -> None:
    """The limit holds for plain bodies as well."""

    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * (1 << 20))

    api.answers(endless)
    assert "larger than" in judge.fails().message


def test_a_redirect_is_refused_and_carries_no_key(api: Any, judge: Judge) -> None:
    """RT095: the second host is never contacted."""
    with socket.socket() as thief:
        thief.bind(("127.0.0.2", 0))
        thief.listen()
        thief.settimeout(0)
        target = f"http://127.0.0.2:{thief.getsockname()[1]}/steal"
        for status in (301, 302, 307, 308):
            api.answers(api.reply(status, b"", Location=target))
            assert "redirect" in judge.fails().message
        with pytest.raises(BlockingIOError):
            thief.accept()


def test_a_missing_key_is_told_before_any_request(api: Any, judge: Judge) -> None:
    """No key, or one that no header can carry: kind `auth`, the variable's name, no request."""
    for env in ({}, {"ANTHROPIC_API_KEY": "  "}, {"ANTHROPIC_API_KEY": "clé\n1"}):
        judge.host = replace(judge.host, env=env)
        error = judge.fails()
        assert error.kind is FailureKind.AUTH
        assert "ANTHROPIC_API_KEY" in error.message
    assert api.requests == []


def secretive(error: BaseException, log: str) -> Iterator[str]:
    """Every text that an error could leave somewhere."""
    yield from (log, str(error), repr(error), "".join(traceback.format_exception(error)))
    if isinstance(error, ProviderError):
        yield from (error.raw, error.message, str(error.hint))


def test_the_key_is_in_no_error_and_no_log(api: Any, judge: Judge, caplog: pytest.LogCaptureFixture) -> None:
    """A server that says the key back, and every failure on the way, leave it in no message, reply or log."""
    caplog.set_level(logging.DEBUG)
    echo = {"error": {"type": "authentication_error", "message": f"bad key {KEY}"}}
    for step in (
        api.reply(401, echo),
        api.reply(429, echo, **SOON),
        api.reply(400, f"<b>{KEY}</b>".encode(), content_type=f"text/{KEY}"),
        api.reply(200, {"content": [{"type": "text", "text": f"no verdict but {KEY}"}]}),
    ):
        api.answers(step)
        error = judge.fails()
        assert not any(KEY in text for text in secretive(error, caplog.text))
        assert "***" in error.message + error.raw
    assert KEY not in repr(judge.host)


def test_a_proxy_is_not_used_for_this_machine(api: Any, kitchen: Any) -> None:
    """A proxy in the environment does not get between the judge and a loopback server."""
    api.answers(api.reply(200, OPENAI_GOOD))
    judge = Judge(api, kitchen, HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9")
    judge.options = replace(judge.options, vendor=ApiVendor.OPENAI)
    assert judge.ask().value is True


def test_what_a_failed_judgement_consumed_is_told(api: Any, judge: Judge) -> None:
    """A reply without a verdict has cost tokens all the same; it is kept as it came."""
    api.answers(api.reply(200, {**GOOD, "content": [{"type": "text", "text": "I think so."}]}))
    error = judge.fails()
    assert (error.code, error.raw) == ("no_verdict", "I think so.")
    assert error.usage is not None
    assert error.usage.input_tokens == 12


def test_many_judgements_share_one_client(api: Any, judge: Judge) -> None:
    """Calls side by side on one provider all get their verdict."""
    api.answers(api.reply(200, GOOD))

    async def use(provider: ApiJudgeProvider) -> list[object]:
        import anyio

        values: list[object] = []

        async def one() -> None:
            values.append((await provider.judge("jm", BOOLEAN, HI)).value)

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(one)
        return values

    assert judge.ask(use) == [True] * 8
