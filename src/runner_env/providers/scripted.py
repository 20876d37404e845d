"""A deterministic provider without model, process or network: for `skill init`, for tests, for trying things out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.core import Role
from runner_env.judging import JudgeKind, JudgeVerdict, latest_user_message
from runner_env.providers.model import NO_OPTIONS, AssistantTurn, UserTurn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.core import Message
    from runner_env.judging import JudgeQuery
    from runner_env.providers.model import RespondOptions, SkillRef

_WORD = re.compile(r"[^\W\d_]{3,}")
_QUOTED = re.compile(r"[`\"“]([^`\"”]+)[`\"”]")


class ScriptedProvider:
    """Follows fixed rules, so that the same case always ends the same way.

    The assistant repeats the user's last message below the first line of the skill's instructions. The user says
    `Thank you.` and stops. A criterion is satisfied to the degree to which the words that it quotes (in backquotes or
    quotation marks), or if it quotes none its own words of three letters and more, occur in what the assistant said:
    a boolean one if all do, a numeric one by the share that does.
    """

    async def respond(
        self,
        platform: str,  # noqa: ARG002 - the boundary's signature
        model: str,  # noqa: ARG002
        skill: SkillRef,
        messages: Sequence[Message],
        session: str | None = None,  # noqa: ARG002
        options: RespondOptions = NO_OPTIONS,
    ) -> AssistantTurn:
        """Repeat; see `Provider`."""
        lines = [line.strip("# ").strip() for line in skill.instructions.splitlines()]
        head = next((line for line in lines if line), skill.name)
        message = f"{head}\n\n{latest_user_message(messages) or ''}".strip()
        return AssistantTurn(message, mock_calls=None if options.mocks is None else (), raw=message)

    async def simulate_user(self, model: str, persona: str, messages: Sequence[Message]) -> UserTurn:  # noqa: ARG002
        """Give thanks and stop; see `Provider`."""
        return UserTurn("Thank you.", stop=True, raw="Thank you.")

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:  # noqa: ARG002
        """Count words; see `Provider`."""
        said = " ".join(message.content for message in messages if message.role is Role.ASSISTANT).casefold()
        wanted = _QUOTED.findall(query.criterion) or _WORD.findall(query.criterion)
        missing = [phrase for phrase in wanted if phrase.casefold() not in said]
        reason = f"not said: {', '.join(missing)}" if missing else "all of it was said"
        if query.kind is JudgeKind.BOOLEAN:
            return JudgeVerdict(not missing, reason, reason)
        low, high = query.scale or (0.0, 10.0)
        share = 1 - len(missing) / len(wanted) if wanted else 1.0
        return JudgeVerdict(low + (high - low) * share, reason, reason)

    def supports_resume(self, platform: str) -> bool:  # noqa: ARG002 - the same for all
        """False: there are no sessions."""
        return False

    async def aclose(self) -> None:
        """Nothing to end."""
