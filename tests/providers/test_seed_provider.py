# ruff: noqa: ARG002 - stubs have the boundary's signatures
"""Every test of the published provider boundary, under its own name.

One has no twin here: `curl_escape_handles_quotes_and_backslashes` (docs/skilltest_differences.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner_env.bridge import blocking
from runner_env.core import Ambient, FailureKind, Message, Usage
from runner_env.errors import OptionError, ProviderError
from runner_env.harnesses.commands import Finished
from runner_env.judging import (
    JudgeKind,
    JudgeQuery,
    JudgeVerdict,
    latest_user_message,
    parse_verdict,
    reply_prompt,
    verdict_schema,
)
from runner_env.judging.objects import find_objects
from runner_env.providers import AssistantTurn, RespondOptions, SkillRef, UserTurn
from runner_env.providers.api_judge import ApiJudgeOptions, ApiJudgeProvider, ApiVendor
from runner_env.providers.command import CommandProvider
from runner_env.providers.host import Host
from runner_env.providers.model import NO_OPTIONS
from runner_env.providers.oneharness import supports_resume
from runner_env.providers.oneharness_reply import read_finished
from runner_env.providers.protocol import judge_request
from runner_env.providers.split import SplitProvider
from runner_env.wire import ApiProblem, Completion, Exchange, anthropic, openai_chat
from runner_env.wire.problems import classify, decode

HOST = Host(Path(), {})
ASKED_AGAIN = [Message.user("Hi"), Message.assistant("Hello"), Message.user("Again?")]


def test_empty_argv_is_rejected() -> None:
    """A provider command needs a program."""
    with pytest.raises(OptionError):
        CommandProvider([], HOST)


def test_request_serializes_with_op_tag() -> None:
    """A request names its operation and its kind."""
    text = json.dumps(judge_request("m", JudgeQuery.numeric("polite", 0.0, 10.0), []))
    assert '"op": "judge"' in text
    assert '"kind": "numeric"' in text


def test_respond_no_session_inlines_transcript_but_not_skill() -> None:
    """Without a session the prompt carries the conversation; the skill is the system prompt and not part of it."""
    prompt = reply_prompt(ASKED_AGAIN, Ambient())
    assert "User: Hi" in prompt
    assert "Assistant: Hello" in prompt
    assert "User: Again?" in prompt
    assert "SKILL" not in prompt


def test_respond_with_session_sends_only_latest_user_message() -> None:
    """A continued session has seen the rest."""
    assert latest_user_message(ASKED_AGAIN) == "Again?"


def test_extracts_json_from_fenced_or_prose_text() -> None:
    """An object is found in a code fence and in prose."""
    assert [item.text for item in find_objects('```json\n{"value": true}\n```')] == ['{"value": true}']
    found = find_objects('Sure! {"value": 8, "reason": "x"} done')
    assert [item.text for item in found] == ['{"value": 8, "reason": "x"}']
    assert list(find_objects("no json here")) == []


def test_parses_boolean_and_numeric_verdicts() -> None:
    """Both kinds of verdict are read with their reason."""
    boolean = parse_verdict(JudgeQuery.boolean("c"), '{"value": true, "reason": "ok"}', context="judge")
    assert (boolean.value, boolean.reason) == (True, "ok")
    numeric = parse_verdict(JudgeQuery.numeric("c", 0, 10), '{"value": 8.5, "reason": "good"}', context="judge")
    assert numeric.value == 8.5


@pytest.mark.parametrize(
    ("kind", "reply"),
    [(JudgeKind.BOOLEAN, '{"value": 3}'), (JudgeKind.NUMERIC, '{"value": true}'), (JudgeKind.BOOLEAN, "no json")],
)
def test_verdict_with_wrong_value_type_errors(kind: JudgeKind, reply: str) -> None:
    """A value of the other kind is no verdict."""
    with pytest.raises(ProviderError):
        parse_verdict(JudgeQuery(kind, "c"), reply, context="judge")


def test_usage_accumulates_independently_per_field() -> None:
    """A field that one side does not know is what the other knows."""
    total = Usage(input_tokens=10, cost_usd=0.01) + Usage(input_tokens=5, output_tokens=3)
    assert (total.input_tokens, total.output_tokens, total.cost_usd) == (15, 3, 0.01)
    assert not total.is_empty


def reply_text(text: str | None, stdout: str) -> str:
    """The reply in an envelope with these fields."""
    envelope = {"results": [{"status": "ok", "text": text, "stdout": stdout}]}
    return read_finished(Finished(0, json.dumps(envelope), ""), "h").text


def test_reply_text_prefers_extracted_then_falls_back_to_stdout() -> None:
    """Extracted text wins; blank text falls back to the output; neither is an error."""
    assert reply_text("clean reply", "raw noise") == "clean reply"
    raw = '{"type":"text","part":{"text":"pong"}}'
    assert reply_text(None, raw) == raw
    assert reply_text("   ", "fallback") == "fallback"
    for text, stdout in ((None, "   \n"), ("", "")):
        with pytest.raises(ProviderError):
            reply_text(text, stdout)


def test_supports_resume_covers_known_harnesses() -> None:
    """The harnesses that are known to continue sessions before they have given a handle."""
    assert [supports_resume(name) for name in ("claude-code", "opencode", "cursor", "codex", "goose")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def judge_of(vendor: ApiVendor, **options: Any) -> ApiJudgeProvider:
    """An API judge without a key."""
    return ApiJudgeProvider(replace(ApiJudgeOptions(vendor), **options), HOST)


def test_api_judge_resolves_vendor_defaults() -> None:
    """Each vendor has its variable and its URL."""
    first, second = judge_of(ApiVendor.ANTHROPIC), judge_of(ApiVendor.OPENAI)
    assert first.api_key_env == "ANTHROPIC_API_KEY"
    assert first.endpoint == "https://api.anthropic.com/v1/messages"
    assert second.api_key_env == "OPENAI_API_KEY"
    assert second.endpoint == "https://api.openai.com/v1/chat/completions"


def test_api_judge_honors_overrides() -> None:
    """Variable and URL can be set."""
    url = "https://proxy.example/v1/chat/completions"
    provider = judge_of(ApiVendor.OPENAI, api_key_env="MY_KEY", base_url=url, timeout_s=5)
    assert (provider.api_key_env, provider.endpoint) == ("MY_KEY", url)


def test_build_chat_body_shapes_per_vendor() -> None:
    """Anthropic's system prompt is a field, OpenAI's a message; without a schema none is sent."""
    body = anthropic.body(Exchange("claude-x", "sys", "hi"))
    assert (body["model"], body["system"], body["max_tokens"]) == ("claude-x", "sys", 1024)
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert "output_config" not in body
    body = openai_chat.body(Exchange("gpt-x", "sys", "hi"))
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "system" not in body
    assert "response_format" not in body


def test_build_chat_body_attaches_strict_schema_per_vendor() -> None:
    """Each vendor's way of structured output."""
    body = anthropic.body(Exchange("m", "sys", "hi", schema=verdict_schema(JudgeKind.BOOLEAN)))
    assert body["output_config"]["format"]["type"] == "json_schema"
    assert body["output_config"]["format"]["schema"]["properties"]["value"]["type"] == "boolean"
    body = openai_chat.body(Exchange("m", "sys", "hi", schema=verdict_schema(JudgeKind.NUMERIC)))
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["response_format"]["json_schema"]["schema"]["properties"]["value"]["type"] == "number"


def test_verdict_schema_requires_value_and_reason_with_no_extras() -> None:
    """Value and reason, nothing else."""
    schema = verdict_schema(JudgeKind.NUMERIC)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["value", "reason"]


def completed(dialect: Any, raw: str) -> Completion:
    """The completion in an answer with status 200."""
    found: Completion = dialect.completion(decode(200, "application/json", raw.encode()))
    return found


def test_parses_anthropic_success_with_usage() -> None:
    """Text and tokens of a Messages answer."""
    raw = """{"content":[{"type":"text","text":"{\\"value\\": true}"}],
        "stop_reason":"end_turn","usage":{"input_tokens":12,"output_tokens":3}}"""
    found = completed(anthropic, raw)
    assert (found.text, found.input_tokens, found.output_tokens) == ('{"value": true}', 12, 3)


def test_parses_openai_success_with_usage() -> None:
    """Text and tokens of a chat completion."""
    raw = """{"choices":[{"message":{"content":"{\\"value\\": 8}"}}],
        "usage":{"prompt_tokens":20,"completion_tokens":4}}"""
    found = completed(openai_chat, raw)
    assert (found.text, found.input_tokens, found.output_tokens) == ('{"value": 8}', 20, 4)


def problem_kind(raw: str) -> str:
    """The kind of the problem in an answer with status 200."""
    with pytest.raises(ApiProblem) as caught:
        completed(anthropic, raw)
    return caught.value.kind


def test_parses_and_classifies_api_errors() -> None:
    """An error body is recognised by its type."""
    assert problem_kind('{"error":{"type":"authentication_error","message":"bad key"}}') == "auth"
    assert problem_kind('{"error":{"type":"rate_limit_exceeded","message":"slow down"}}') == "rate_limit"


def test_empty_reply_is_an_error(api: Any, kitchen: Any) -> None:
    """A refusal without text is no verdict."""
    api.answers(api.reply(200, {"content": [], "stop_reason": "refusal"}))
    provider = ApiJudgeProvider(
        ApiJudgeOptions(ApiVendor.ANTHROPIC, base_url=api.url), kitchen.host(ANTHROPIC_API_KEY="k-123456")
    )
    with pytest.raises(ProviderError, match="refus"):
        blocking(provider.judge("m", JudgeQuery.boolean("c"), []))


def test_classify_api_error_maps_known_kinds() -> None:
    """Vendors' names for what went wrong; an unknown one stays unknown."""
    names = ("invalid_api_key", "insufficient_quota", "not_found_error", "overloaded_error", "something_else", None)
    assert [classify(name) for name in names] == ["auth", "quota", "model_not_found", "overloaded", None, None]


def test_retryable_covers_transient_errors_only() -> None:
    """Overload and rate limit pass, a wrong key does not."""
    types = ("overloaded_error", "rate_limit_error", "authentication_error")
    kinds = [FailureKind(problem_kind(json.dumps({"error": {"type": name}}))) for name in types]
    assert [kind.transient for kind in kinds] == [True, True, False]


class StubResponder:
    """Runs skills and does nothing else."""

    async def respond(
        self,
        platform: str,
        model: str,
        skill: SkillRef,
        messages: Sequence[Message],
        session: str | None = None,
        options: RespondOptions = NO_OPTIONS,
    ) -> AssistantTurn:
        """Always the same."""
        return AssistantTurn("stub reply")

    async def simulate_user(self, model: str, persona: str, messages: Sequence[Message]) -> UserTurn:
        """Never called."""
        raise AssertionError("split provider routes user simulation to the judge")

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:
        """Never called."""
        raise AssertionError("split provider routes judging to the judge")

    def supports_resume(self, platform: str) -> bool:
        """Known for one harness."""
        return platform == "claude-code"

    async def aclose(self) -> None:
        """Nothing to end."""


SKILL = SkillRef("s", "skills/s", "do things")


def test_split_provider_delegates_respond_and_resume() -> None:
    """The responder runs the skill and says what it can continue."""
    split = SplitProvider(StubResponder(), judge_of(ApiVendor.ANTHROPIC))
    assert split.supports_resume("claude-code")
    assert not split.supports_resume("codex")
    assert blocking(split.respond("claude-code", "m", SKILL, [])).message == "stub reply"


def test_api_judge_does_not_run_skills() -> None:
    """An API judge refuses to respond."""
    with pytest.raises(ProviderError):
        blocking(judge_of(ApiVendor.ANTHROPIC).respond("p", "m", SKILL, []))
