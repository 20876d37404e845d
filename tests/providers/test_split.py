# ruff: noqa: ARG002 - stubs have the boundary's signatures
"""Providers made of several, and the one without a model."""

from __future__ import annotations

import pytest

from runner_env.bridge import blocking
from runner_env.core import Message
from runner_env.providers import JudgeQuery, MockRules, RespondOptions, SkillRef, UserTurn
from runner_env.providers.scripted import ScriptedProvider
from runner_env.providers.split import SplitProvider

SKILL = SkillRef("greeter", "skills/greeter", "\n# Greeter\n\nGreet.")
HI = [Message.user("Greet Dr. Smith")]


class Noted(ScriptedProvider):
    """Remembers what it was used for."""

    def __init__(self) -> None:
        self.used: list[str] = []

    async def simulate_user(self, model: str, persona: str, messages: object) -> UserTurn:
        """Say one's persona."""
        self.used.append("user")
        return UserTurn(persona)

    async def aclose(self) -> None:
        """Note it."""
        self.used.append("closed")


def test_judge_and_user_may_be_different_providers() -> None:
    """Each call goes where it belongs, the user's to the judge if there is no third; each is closed once."""
    responder, judge, user = Noted(), Noted(), Noted()

    async def use(split: SplitProvider) -> None:
        await split.simulate_user("m", "p", HI)
        await split.judge("m", JudgeQuery.boolean("`x`"), HI)
        await split.aclose()

    blocking(use(SplitProvider(responder, judge, user)))
    assert [provider.used for provider in (responder, judge, user)] == [["closed"], ["closed"], ["user", "closed"]]
    blocking(use(SplitProvider(responder, judge)))
    assert judge.used == ["closed", "user", "closed"]


@pytest.mark.parametrize(
    ("criterion", "value"),
    [("mentions `Dr. Smith`", True), ("mentions `Dr. Jones`", False), ("Smith greeter", True), ("", True)],
)
def test_the_scripted_provider_counts_words(criterion: str, value: bool) -> None:
    """The same conversation always has the same verdict, by the words that the criterion quotes."""
    turn = blocking(ScriptedProvider().respond("p", "m", SKILL, HI))
    assert turn.message == "Greeter\n\nGreet Dr. Smith"
    messages = [*HI, Message.assistant(turn.message)]
    verdict = blocking(ScriptedProvider().judge("m", JudgeQuery.boolean(criterion), messages))
    assert verdict.value is value
    assert verdict.reason


def test_the_scripted_provider_scores_a_share() -> None:
    """A numeric verdict is the share of what was said, on the query's scale."""
    query = JudgeQuery.numeric("`Smith` `Jones`", 0, 10)
    verdict = blocking(ScriptedProvider().judge("m", query, [Message.assistant("Smith")]))
    assert verdict.value == 5.0


def test_the_scripted_provider_ends_a_conversation_and_records_no_calls() -> None:
    """Its user stops, its record of tool calls is empty but there."""
    provider = ScriptedProvider()
    assert blocking(provider.simulate_user("m", "p", HI)).stop
    options = RespondOptions(MockRules(None))
    assert blocking(provider.respond("p", "m", SKILL, HI, None, options)).mock_calls == ()
    assert not provider.supports_resume("p")
