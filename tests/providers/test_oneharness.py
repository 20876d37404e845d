"""Providers behind oneharness: a fake one for the exact calls, recorded envelopes for what comes back."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.bridge import blocking
from runner_env.core import FailureKind, Message
from runner_env.errors import OptionError, ProviderError
from runner_env.harnesses.commands import Finished
from runner_env.harnesses.failures import failure_kind
from runner_env.providers import JudgeQuery, MockCall, MockRules, RespondOptions, SkillRef
from runner_env.providers.oneharness import OneharnessProvider
from runner_env.providers.oneharness_options import OneharnessOptions, RoleOptions, check_role_args
from runner_env.providers.oneharness_reply import read_finished

SKILL = SkillRef("greeter", "skills/greeter", "# Greeter\n\nGreet the person by name.")
GREET = [Message.user("Greet Dr. Smith")]
BOOLEAN = JudgeQuery.boolean("greets")
VERDICT = {"text": '{"value": true, "reason": "ok"}'}
RULES: dict[str, object] = {"rules": [{"match": {"event_contains": "push"}, "action": {"deny": {"message": "no"}}}]}

Use = Callable[[OneharnessProvider], Awaitable[Any]]


def used(kitchen: Any, use: Use, **options: Any) -> Any:
    """What `use` returns with a provider that calls the fake oneharness."""

    async def run() -> Any:
        made = OneharnessOptions("./oneharness", "judge-h", 33, history_dir=Path("hist"), **options)
        provider = OneharnessProvider(made, kitchen.host())
        try:
            return await use(provider)
        finally:
            await provider.aclose()

    return blocking(run())


def failure(kitchen: Any, use: Use, **options: Any) -> ProviderError:
    """The error that `use` makes."""
    with pytest.raises(ProviderError) as caught:
        used(kitchen, use, **options)
    return caught.value


def value(call: dict[str, Any], flag: str) -> str:
    """What a call had for a flag."""
    argv = call["argv"]
    return str(argv[argv.index(flag) + 1])


def respond(provider: OneharnessProvider) -> Awaitable[Any]:
    """One turn on claude-code."""
    return provider.respond("claude-code", "m1", SKILL, GREET)


def test_a_turn_is_called_for_as_published(kitchen: Any) -> None:
    """Flags, prompt by standard input, skill as system prompt, history by the published name."""
    kitchen.oneharness([{"text": " hello \n", "session_id": "s1", "usage": {"input_tokens": 4}}], history_file="x")
    turn = used(kitchen, respond)
    (call,) = kitchen.calls()
    assert call["argv"][0] == "run"
    assert {"--compact", "--events", "--no-stream", "--history"} <= set(call["argv"])
    flags = ("--prompt-file", "--harness", "--timeout", "--model", "--system", "--history-dir", "--history-name")
    name = "skilltest-claude-code-m1-greet-dr-smith-228d2195"
    wanted = ["-", "claude-code", "33", "m1", SKILL.instructions, "hist", name]
    assert [value(call, flag) for flag in flags] == wanted
    assert "User: Greet Dr. Smith" in call["stdin"]
    assert (turn.message, turn.session_id, turn.usage.input_tokens) == ("hello", "s1", 4)
    assert turn.history_command == f"./oneharness history show {name} --history-dir hist"


def test_an_unspecified_model_is_left_out(kitchen: Any) -> None:
    """No empty `--model` for the harness, none for the judge."""
    kitchen.oneharness([VERDICT])

    async def use(provider: OneharnessProvider) -> None:
        await provider.respond("cursor", "", SKILL, GREET)
        await provider.judge("", BOOLEAN, GREET)

    used(kitchen, use, history=False)
    assert not any("--model" in call["argv"] or "--history" in call["argv"] for call in kitchen.calls())


def test_a_session_is_continued_with_the_latest_message_only(kitchen: Any) -> None:
    """`--resume`, and of the conversation only what the session has not seen, on any harness that gave a handle."""
    kitchen.oneharness([{"text": "a", "session_id": "s1"}])

    async def use(provider: OneharnessProvider) -> None:
        assert not provider.supports_resume("codex")
        turn = await provider.respond("codex", "m", SKILL, GREET)
        assert provider.supports_resume("codex")
        later = [*GREET, Message.assistant("a"), Message.user("and then?")]
        await provider.respond("codex", "m", SKILL, later, turn.session_id)

    used(kitchen, use)
    first, second = kitchen.calls()
    assert "--resume" not in first["argv"]
    assert value(second, "--resume") == "s1"
    assert second["stdin"] == "and then?"
    assert value(first, "--history-name") == value(second, "--history-name")


def test_a_large_skill_goes_by_file(kitchen: Any) -> None:
    """W5: what no argument can hold is handed over as `--system-file`."""
    kitchen.oneharness([{"text": "a"}])
    body = "é" * 300_000
    used(kitchen, lambda p: p.respond("h", "m", SkillRef("s", "d", body), GREET))
    (call,) = kitchen.calls()
    assert "--system" not in call["argv"]
    assert call["files"]["--system-file"] == body


def test_judge_and_user_run_on_their_own_harness(kitchen: Any) -> None:
    """The judge gets a schema, the user none; neither gets a system prompt or history."""
    kitchen.oneharness([VERDICT, {"text": " and then? \n"}])

    async def use(provider: OneharnessProvider) -> tuple[Any, Any]:
        return await provider.judge("jm", BOOLEAN, GREET), await provider.simulate_user("jm", "terse", GREET)

    verdict, turn = used(kitchen, use)
    judged, played = kitchen.calls()
    assert (verdict.value, verdict.reason, turn.message) == (True, "ok", "and then?")
    assert [value(call, "--harness") for call in (judged, played)] == ["judge-h", "judge-h"]
    assert json.loads(judged["files"]["--schema"])["properties"]["value"] == {"type": "boolean"}
    assert "--schema" not in played["argv"]
    assert not {"--system", "--history", "--resume"} & {*judged["argv"], *played["argv"]}


def test_a_role_has_its_own_configuration(kitchen: Any) -> None:
    """A role's config and arguments stand in place of harness, model and timeout; the user inherits the judge's."""
    kitchen.oneharness([VERDICT])
    role = RoleOptions("judge.toml", ("--harness", "codex", "--schema-max-retries", "1"))

    async def use(provider: OneharnessProvider) -> None:
        await provider.judge("jm", BOOLEAN, GREET)
        await provider.simulate_user("jm", "terse", GREET)

    used(kitchen, use, judge=role)
    for call in kitchen.calls():
        assert (value(call, "--config"), value(call, "--harness")) == ("judge.toml", "codex")
        assert not {"--model", "--timeout"} & set(call["argv"])


def test_what_is_asked_for_in_this_run_goes_before_a_role(kitchen: Any) -> None:
    """A model, harness or timeout given for the run replaces the role's own, but nothing behind `--`."""
    kitchen.oneharness([VERDICT])
    role = RoleOptions("j.toml", ("--harness", "codex", "--model=own", "--keep", "k", "--", "--model", "text"))
    insisted = frozenset(("--model", "--harness"))
    used(kitchen, lambda p: p.judge("jm", BOOLEAN, GREET), judge=role, insisted=insisted)
    argv = kitchen.calls()[0]["argv"]
    assert argv[argv.index("--harness") : argv.index("--schema")] == ["--harness", "judge-h", "--model", "jm"]
    assert argv[argv.index("--config") :] == ["--config", "j.toml", "--keep", "k", "--", "--model", "text"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--prompt", "x"), "`--prompt` is incompatible with a single buffered skilltest verdict"),
        (("--prompt=x",), "`--prompt`"),
        (("--stream",), "`--stream`"),
        (("--run-mode", "parallel"), "`--run-mode` must be fallback"),
        (("--run-mode=parallel",), "`--run-mode` must be fallback"),
        (("--run-mode",), "`--run-mode` must be fallback"),
    ],
)
def test_arguments_that_break_the_contract_are_refused(args: tuple[str, ...], says: str) -> None:
    """Whatever makes more than one prompt or one envelope of a call is refused before anything runs."""
    with pytest.raises(OptionError, match=r"provider\.judge\.args") as caught:
        check_role_args(args, "provider.judge.args")
    assert says in caught.value.message


def test_other_arguments_pass() -> None:
    """A chain of harnesses is one verdict; what follows `--` is the harness's own."""
    check_role_args(("--harness", "a,b", "--run-mode", "fallback", "--", "--prompt"), "x")


def test_a_schema_checked_answer_wins_over_text(kitchen: Any) -> None:
    """`structured` counts when oneharness says that it satisfies the schema, and only then."""
    structured = {"structured": {"value": False, "reason": "s"}, "text": '{"value": true}'}
    kitchen.oneharness([{**structured, "schema_valid": True}, {**structured, "schema_valid": False}])

    async def use(provider: OneharnessProvider) -> list[object]:
        return [(await provider.judge("jm", BOOLEAN, GREET)).value for _ in range(2)]

    assert used(kitchen, use) == [False, True]


def test_a_structured_answer_of_the_wrong_type_leaves_the_text(kitchen: Any) -> None:
    """A vouched-for answer without a usable value does not hide the one in the text."""
    kitchen.oneharness([{"structured": {"value": "x"}, "schema_valid": True, "text": '{"value": true}'}])
    assert used(kitchen, lambda p: p.judge("jm", BOOLEAN, GREET)).value is True


def test_a_judge_that_says_nothing(kitchen: Any) -> None:
    """It is the judge's error, not its harness's."""
    kitchen.oneharness([{"text": " "}])
    error = failure(kitchen, lambda p: p.judge("jm", BOOLEAN, GREET))
    assert (error.context, error.code) == ("oneharness:judge", "no_verdict")


def test_mocks_are_handed_over_and_calls_recorded(kitchen: Any) -> None:
    """The rules go by file; each record of the spy file is a call."""
    record = {"event": {"tool_name": "Bash", "tool_input": {"command": "git push"}}, "action": "deny", "rule": 0}
    kitchen.oneharness([{"text": "x"}], spied=[record])
    options = RespondOptions(MockRules(RULES))
    turn = used(kitchen, lambda p: p.respond("claude-code", "m", SKILL, GREET, None, options))
    assert turn.mock_calls == (MockCall("Bash", {"command": "git push"}, "deny", 0),)
    assert json.loads(kitchen.calls()[0]["files"]["--mock-rules"]) == RULES


def test_no_record_is_no_proof_of_silence(kitchen: Any) -> None:
    """W10: without a record there were no calls, unless the harness itself tells of some: then nothing was mocked."""
    spy = RespondOptions(MockRules(None))
    use: Use = lambda p: p.respond("claude-code", "m", SKILL, GREET, None, spy)  # noqa: E731 - said twice below
    kitchen.oneharness([{"text": "x"}])
    assert used(kitchen, use).mock_calls == ()
    assert "--mock-rules" not in kitchen.calls()[0]["argv"]
    kitchen.oneharness([{"text": "x", "events": [{"kind": "tool_call", "name": "bash"}]}])
    assert failure(kitchen, use).code == "mocks_not_effective"


def test_a_record_without_what_was_done_is_none(kitchen: Any) -> None:
    """Whether a call was let through is the point of the record; a line that leaves it out is an error."""
    kitchen.oneharness([{"text": "x"}], spied=[{"event": {"tool_name": "Bash", "tool_input": {}}}])
    spy = RespondOptions(MockRules(None))
    error = failure(kitchen, lambda p: p.respond("claude-code", "m", SKILL, GREET, None, spy))
    assert "`action`" in error.message


def test_events_are_told_as_they_happen(kitchen: Any) -> None:
    """With a listener the run is streamed: each event arrives, and all of them are in the turn."""
    events = [{"kind": "tool_call", "name": "bash", "index": 0}, {"kind": "tool_result", "index": 0}]
    kitchen.oneharness([{"text": "hi"}], events=[*events, {"kind": "message", "output": "hi", "index": 1}])
    seen: list[Any] = []
    options = RespondOptions(on_event=seen.append)
    turn = used(kitchen, lambda p: p.respond("claude-code", "m", SKILL, GREET, None, options))
    assert seen == events
    assert list(turn.events) == events
    call = kitchen.calls()[0]
    assert "--stream" in call["argv"]
    assert value(call, "--format") == "json"


def test_a_stream_without_a_result_is_an_error(kitchen: Any) -> None:
    """A stream that ends early, or never was one, has no reply."""
    options = RespondOptions(on_event=lambda _: None)
    for printed in ('{"type": "event", "event": {}}\n', "garbage\n", ""):
        kitchen.oneharness([printed])
        error = failure(kitchen, lambda p: p.respond("h", "m", SKILL, GREET, None, options))
        assert error.message.startswith("oneharness stream produced no result")


@pytest.mark.parametrize(
    ("reply", "context", "kind", "says"),
    [
        ({"status": "error", "error": "it broke", "failure_kind": "auth"}, ":claude-code", "auth", "it broke"),
        ({"status": "error", "error": "it broke", "failure_kind": "brand_new"}, ":claude-code", "other", "it broke"),
        ({"status": "error", "stderr": "said no", "failure_kind": ""}, ":claude-code", None, "said no"),
        ({"status": "skipped"}, ":claude-code", None, "status `skipped`"),
        ({"status": "timeout", "error": "deadline"}, ":claude-code", "timeout", "deadline"),
        ({"text": None, "stdout": "  "}, ":claude-code", "protocol", "neither"),
        ([], "", "protocol", "no results"),
        ([{"text": "a"}, {"text": "b"}], "", "protocol", "multiple successful results"),
        ("{}", "", "protocol", "missing field `results`"),
        ("no json", "", "protocol", "could not parse oneharness output"),
        ({"text": "x", "usage": {"input_tokens": -1}}, "", "protocol", "usage"),
        ({"status": "error", "failure_kind": 5}, "", "protocol", "`failure_kind` of a result must be text"),
        ({"text": "x", "session_id": 5}, "", "protocol", "`session_id` of a result must be text"),
        ({"text": "x", "status": None}, "", "protocol", "`status`"),
        ({"text": "x", "stdout": None}, "", "protocol", "`stdout` of a result must be text"),
        ({"text": "x", "events": {}}, "", "protocol", "`events` of a result must be a list"),
        ({"text": "x", "schema_valid": "yes"}, "", "protocol", "`schema_valid` of a result must be true or false"),
    ],
)
def test_every_failure_is_classified(kitchen: Any, reply: object, context: str, kind: str | None, says: str) -> None:
    """What the harness said, its kind, and which harness it was."""
    kitchen.oneharness([reply])
    error = failure(kitchen, respond)
    assert error.context == f"oneharness{context}"
    assert error.kind == (FailureKind(kind) if kind else None)
    assert says in error.message


def test_a_failed_exit_is_an_error_even_with_a_good_envelope(kitchen: Any) -> None:
    """Exit status and what went to standard error are told."""
    kitchen.oneharness([{"text": "x"}], exit=2, stderr="unknown flag")
    error = failure(kitchen, respond)
    assert "exit status: 2; unknown flag" in error.message


def test_a_missing_oneharness_is_named(kitchen: Any) -> None:
    """W12: the kind is `spawn`."""
    error = failure(kitchen, respond)
    assert error.kind is FailureKind.SPAWN
    assert "./oneharness" in error.message


def test_a_chain_gives_its_one_good_result(kitchen: Any) -> None:
    """A failed first candidate does not matter; blank text falls back to the harness's output."""
    kitchen.oneharness([[{"status": "error", "error": "x"}, {"text": "  ", "stdout": "second"}]])
    assert used(kitchen, respond).message == "second"


def test_usage_of_a_session_is_not_counted_twice(kitchen: Any) -> None:
    """Codex reports the usage of the whole session each time; a turn's own is the difference."""
    figures = [(100, 10), (150, 15)]
    kitchen.oneharness(
        [{"text": "a", "session_id": "s", "usage": {"input_tokens": a, "output_tokens": b}} for a, b in figures]
    )

    async def use(provider: OneharnessProvider, harness: str) -> tuple[int, int]:
        await provider.respond(harness, "m", SKILL, GREET)
        usage = (await provider.respond(harness, "m", SKILL, GREET, "s")).usage
        assert usage is not None
        return usage.input_tokens or 0, usage.output_tokens or 0

    assert used(kitchen, lambda p: use(p, "codex")) == (50, 5)
    (kitchen.root / "calls.jsonl").unlink()
    assert used(kitchen, lambda p: use(p, "claude-code")) == (150, 15)


RECORDED = {
    "claude-code-err429": FailureKind.RATE_LIMIT,
    "claude-code-err500": FailureKind.OVERLOADED,
    "claude-code-err529": FailureKind.OVERLOADED,
    "codex-err404": FailureKind.MODEL_NOT_FOUND,
    "codex-err500": FailureKind.OVERLOADED,
    "codex-disconnect": FailureKind.CONNECTION,
    "opencode-err401": FailureKind.AUTH,
    "opencode-err429": FailureKind.RATE_LIMIT,
    "opencode-timeout": FailureKind.TIMEOUT,
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_failures_are_classified(shared: Path, name: str) -> None:
    """Envelopes of real harnesses against a faulty model: what the harness said outweighs a wrong or missing kind."""
    envelope = json.loads((shared / "corpora/harness-envelopes" / f"{name}.json").read_text("utf-8"))
    with pytest.raises(ProviderError) as caught:
        read_finished(Finished(1, json.dumps(envelope), ""), "h")
    assert caught.value.kind is RECORDED[name]


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"text": "API Error: 529 Overloaded."}, "overloaded"),
        ({"text": "API Error: 500 internal", "failure_kind": "auth"}, "overloaded"),
        ({"text": "API Error: Request rejected (429) · Rate limit reached", "failure_kind": "quota"}, "rate_limit"),
        ({"text": "API Error: Request rejected (429) · credit balance is too low"}, "quota"),
        ({"stdout": '{"statusCode":404,"message":"x"}'}, "model_not_found"),
        ({"stdout": "Model metadata for `m` not found. Defaulting to fallback metadata"}, None),
        ({"stdout": "unexpected status 401 Unauthorized"}, "auth"),
        ({"status": "skipped", "available": False, "error": "`claude` not found on PATH"}, "spawn"),
    ],
)
def test_what_a_harness_says_is_read(result: dict[str, Any], kind: str | None) -> None:
    """The same on samples of our own."""
    assert failure_kind({"status": "nonzero", **result}) == kind


@pytest.mark.parametrize("harness", ["claude-code", "codex", "opencode"])
def test_recorded_replies_are_read(shared: Path, harness: str) -> None:
    """Envelopes of real harnesses that worked: reply, session, usage and events."""
    text = (shared / "corpora/harness-envelopes" / f"{harness}-ok.json").read_text("utf-8")
    reply = read_finished(Finished(0, text, ""), harness)
    assert reply.text
    assert reply.session_id
    assert reply.usage is not None
    assert any(event["kind"] == "tool_call" for event in reply.events or ())
