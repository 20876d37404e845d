"""A provider made of several: one runs the skill, others judge and play the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.providers.model import NO_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.core import Message
    from runner_env.judging import JudgeQuery, JudgeVerdict
    from runner_env.providers.model import AssistantTurn, Provider, RespondOptions, SkillRef, UserTurn


class SplitProvider:
    """Keeps what is under test on its harness, while a fast and cheap model judges.

    Args:
        responder: runs the skill.
        judge: judges.
        user: plays the user; None: the judge does.
    """

    def __init__(self, responder: Provider, judge: Provider, user: Provider | None = None) -> None:
        self._responder = responder
        self._judge = judge
        self._user = user or judge

    async def respond(
        self,
        platform: str,
        model: str,
        skill: SkillRef,
        messages: Sequence[Message],
        session: str | None = None,
        options: RespondOptions = NO_OPTIONS,
    ) -> AssistantTurn:
        """The responder's turn; see `Provider`."""
        return await self._responder.respond(platform, model, skill, messages, session, options)

    async def simulate_user(self, model: str, persona: str, messages: Sequence[Message]) -> UserTurn:
        """The user's turn; see `Provider`."""
        return await self._user.simulate_user(model, persona, messages)

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:
        """The judge's verdict; see `Provider`."""
        return await self._judge.judge(model, query, messages)

    def supports_resume(self, platform: str) -> bool:
        """Whether the responder continues sessions."""
        return self._responder.supports_resume(platform)

    async def aclose(self) -> None:
        """Close all of them; see `Provider`."""
        for provider in dict.fromkeys((self._responder, self._judge, self._user)):
            await provider.aclose()
