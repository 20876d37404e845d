"""Real oneharness with real claude-code, codex and opencode against a scripted model.

oneharness's provider is held here against the programs themselves; elsewhere it is tested against recorded envelopes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from runner_env.core import FailureKind, Message, Role
from runner_env.errors import ProviderError
from runner_env.providers import AssistantTurn, JudgeKind, JudgeQuery, MockRules, RespondOptions, SkillRef
from runner_env.providers.host import Host
from runner_env.providers.model import NO_OPTIONS
from runner_env.providers.oneharness import OneharnessProvider
from runner_env.providers.oneharness_options import OneharnessOptions
from runner_env.skills import TestCase, boolean, run_skill, user
from runner_env.testing import Reply, Rule, Tokens, ToolCall

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(280)]

MODELS = {"claude-code": "scripted", "codex": "scripted", "opencode": "local/scripted"}
HARNESSES = pytest.mark.parametrize("harness", list(MODELS))
QUICK = pytest.mark.parametrize("harness", ["claude-code", "codex"])
SKILL = SkillRef("greeter", "skills/greeter", "# Greeter\n\nGreet people. SKILL-MARK")
SHELL = {
    "claude-code": ToolCall("Bash", {"command": "echo canary > made.txt", "description": "make a file"}),
    "codex": ToolCall("exec_command", {"cmd": "echo canary > made.txt"}),
    "opencode": ToolCall("bash", {"command": "echo canary > made.txt", "description": "make a file"}),
}
Lab = Any


def provider_of(lab: Lab, timeout_s: int = 60, judge_harness: str = "codex") -> OneharnessProvider:
    """The provider under test."""
    options = OneharnessOptions(
        bin=str(lab.programs / "oneharness"),
        judge_harness=judge_harness,
        timeout_s=timeout_s,
        history_dir=lab.root / "history",
    )
    return OneharnessProvider(options, Host(lab.work, lab.env()))


def ended(coroutine: Coroutine[Any, Any, AssistantTurn]) -> AssistantTurn:
    """What a coroutine returns."""
    return asyncio.run(coroutine)


async def asked(lab: Lab, harness: str, said: str, options: RespondOptions = NO_OPTIONS, limit: int = 100) -> Any:
    """One turn of a conversation of its own."""
    provider = provider_of(lab, timeout_s=limit)
    try:
        return await provider.respond(harness, MODELS[harness], SKILL, [Message(Role.USER, said)], None, options)
    finally:
        await provider.aclose()


@HARNESSES
def test_two_turns_of_one_session(lab: Callable[..., Lab], harness: str) -> None:
    """The skill reaches the model; a second turn continues the harness's own session and sends its message alone."""
    made = lab(
        Rule([Reply("Hello Ada.", usage=Tokens(100, 7))], match="greet Ada"),
        Rule([Reply("Bye Ada.", usage=Tokens(150, 9))], match="say goodbye"),
    )

    async def talk() -> tuple[AssistantTurn, AssistantTurn]:
        provider, messages = provider_of(made, timeout_s=100), [Message(Role.USER, "Please greet Ada.")]
        try:
            first = await provider.respond(harness, MODELS[harness], SKILL, messages)
            messages += [Message(Role.ASSISTANT, first.message), Message(Role.USER, "Now say goodbye.")]
            assert provider.supports_resume(harness)
            return first, await provider.respond(harness, MODELS[harness], SKILL, messages, first.session_id)
        finally:
            await provider.aclose()

    first, second = asyncio.run(talk())
    assert (first.message, second.message) == ("Hello Ada.", "Bye Ada.")
    assert first.session_id == second.session_id is not None
    assert second.usage is not None
    assert second.usage.output_tokens == 9  # of this turn alone, although codex counts the whole session
    begun, gone_on = made.asked
    assert "SKILL-MARK" in str(begun.body)
    assert "Hello Ada." in [message.text.strip() for message in gone_on.messages if message.role == "assistant"]
    assert "greet Ada" not in gone_on.last_user


@pytest.mark.parametrize("harness", ["claude-code", "opencode"])
def test_a_mocked_tool_is_not_run(lab: Callable[..., Lab], harness: str) -> None:
    """The stub answers in the tool's place, and the call is recorded as the model made it, with the rule's index."""
    made = lab(Rule([Reply(tool_calls=[SHELL[harness]]), Reply("Done.")]), online=harness == "opencode")
    rules = {"rules": [{"match": {"event_contains": "canary"}, "action": {"stub": {"output": "STUB", "exit_code": 0}}}]}
    turn = ended(asked(made, harness, "Make it.", RespondOptions(mocks=MockRules(rules)), limit=200))
    assert turn.message == "Done."
    assert turn.mock_calls is not None
    (call,) = turn.mock_calls
    assert (call.tool.casefold(), call.action, call.rule) == ("bash", "stub", 0)
    assert "canary" in str(call.input)
    assert [message.text.strip() for message in made.asked[-1].messages if message.role == "tool"] == ["STUB"]
    assert not (made.root / "work" / "made.txt").exists()


def test_mocks_that_do_not_hold_are_an_error(lab: Callable[..., Lab]) -> None:
    """With codex 0.169 tools run past oneharness's hooks: that is an error and never "no call was made" (W10)."""
    made = lab(Rule([Reply(tool_calls=[SHELL["codex"]]), Reply("Done.")]))
    rules = {"rules": [{"match": {"event_contains": "canary"}, "action": {"deny": {"message": "no"}}}]}
    with pytest.raises(ProviderError) as caught:
        ended(asked(made, "codex", "Make it.", RespondOptions(mocks=MockRules(rules))))
    assert caught.value.code == "mocks_not_effective"


@QUICK
def test_a_harness_judges(lab: Callable[..., Lab], harness: str) -> None:
    """A verdict comes back through oneharness's `--schema`, natively (claude-code) or by asking (codex)."""
    verdict = {"value": True, "reason": "polite"}
    answers = [Reply(tool_calls=[ToolCall("StructuredOutput", verdict)]), Reply("Judged.")]
    answers = answers if harness == "claude-code" else [Reply('{"value": true, "reason": "polite"}')]
    made = lab(Rule(answers, match="judge"))

    async def judge() -> Any:
        provider = provider_of(made, judge_harness=harness)
        query = JudgeQuery(JudgeKind.BOOLEAN, "Is it polite?")
        talk = [Message(Role.USER, "Greet Ada."), Message(Role.ASSISTANT, "Hello Ada.")]
        try:
            return await provider.judge(MODELS[harness], query, talk)
        finally:
            await provider.aclose()

    judged = asyncio.run(judge())
    assert (judged.value, judged.reason) == (True, "polite")


@QUICK
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, FailureKind.AUTH), (429, FailureKind.RATE_LIMIT), (500, FailureKind.OVERLOADED)],
)
def test_faults_are_named(lab: Callable[..., Lab], harness: str, status: int, kind: FailureKind) -> None:
    """What the model's server refuses has its kind, also where oneharness names another one or none."""
    made = lab(Rule([Reply(status=status, message="scripted trouble")]))
    with pytest.raises(ProviderError) as caught:
        ended(asked(made, harness, "Greet Ada."))
    assert caught.value.kind is kind
    own = {429: "exceeded retry limit", 500: "high demand"} if harness == "codex" else {}
    assert own.get(status, "scripted trouble") in caught.value.message


def test_a_refused_key_of_opencode(lab: Callable[..., Lab]) -> None:
    """The program says why in its own output alone; it is told all the same."""
    made = lab(Rule([Reply(status=401, message="scripted trouble")]))
    with pytest.raises(ProviderError, match="scripted trouble") as caught:
        ended(asked(made, "opencode", "Greet Ada."))
    assert caught.value.kind is FailureKind.AUTH


def test_a_harness_that_hangs_is_ended(lab: Callable[..., Lab]) -> None:
    """A model that does not answer in time is a timeout, with nothing left running."""
    made = lab(Rule([Reply("too late", delay=60)]))
    with pytest.raises(ProviderError) as caught:
        ended(asked(made, "codex", "Greet Ada.", limit=5))
    assert caught.value.kind is FailureKind.TIMEOUT


def test_a_whole_case(lab: Callable[..., Lab]) -> None:
    """A case with a simulated user, played, continued and judged by codex, from `run_skill` to its report."""
    made = lab(
        Rule([Reply('{"value": true, "reason": "as it should be"}')], match="strict and careful judge"),
        Rule([Reply("I am Ada.")], match="terse"),
        Rule([Reply("Who are you?")], match="Please greet me"),
        Rule([Reply("Hello Ada.")], match="I am Ada"),
    )
    folder = made.root / "skills" / "greeter"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: greeter\ndescription: Greets people.\n---\n# Greeter\n", "utf-8")
    case = TestCase(
        skill=str(folder),
        input="Please greet me.",
        evals=[boolean("It greets Ada.")],
        user=user("terse", max_turns=2),
        name="whole",
    )
    settings = {"bin": str(made.programs / "oneharness"), "judge_harness": "codex", "history": False}
    overrides = {f"provider.{name}": value for name, value in {"kind": "oneharness", **settings}.items()}
    report = run_skill(
        case,
        config_overrides=overrides,
        platforms=["codex"],
        models=["scripted"],
        environ={**made.env(), "RUNNER_ENV_HOME": str(made.root / "runs")},
        cwd=made.work,
    )
    (trial,) = report.runs
    assert trial.error is None
    assert [message.content for message in trial.transcript.messages][1:] == ["Who are you?", "I am Ada.", "Hello Ada."]
    assert report.passed
