"""The boundary of skill testing: what a provider is asked, and what it answers.

The names are those of the reference tool's published boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runner_env.core import FailureKind, Message, Role, Usage
from runner_env.errors import ProviderError
from runner_env.judging.query import JudgeKind, JudgeQuery, JudgeVerdict

__all__ = [
    "NO_OPTIONS",
    "AssistantTurn",
    "FailureKind",
    "JudgeKind",
    "JudgeQuery",
    "JudgeVerdict",
    "Message",
    "MockCall",
    "MockRules",
    "Provider",
    "ProviderError",
    "RespondOptions",
    "Role",
    "SkillRef",
    "Usage",
    "UserTurn",
]

Event = Mapping[str, object]
"""One tool event, a JSON object as the harness reported it: `kind`, `name`, `input`, `output`, `index`, ..."""


@dataclass(frozen=True, slots=True)
class SkillRef:
    """The skill under test.

    Attributes:
        name: from its front matter; may be empty.
        dir: its directory as the case names it.
        instructions: the body of SKILL.md.
    """

    name: str
    dir: str
    instructions: str


@dataclass(frozen=True, slots=True)
class MockRules:
    """That tool calls are to be recorded, and which are to be answered in the tools' place.

    Attributes:
        rules: `{"rules": [{"match": ..., "action": ...}, ...]}`; None: record only.
    """

    rules: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class MockCall:
    """One recorded tool call.

    Attributes:
        tool: the tool's name.
        input: what it was called with, any JSON value.
        action: `allow`, `deny`, `stub` or `rewrite`.
        rule: index of the rule that decided; None if none did.
    """

    tool: str
    input: object
    action: str = "allow"
    rule: int | None = None


@dataclass(frozen=True, slots=True)
class RespondOptions:
    """What else a turn may be asked for.

    Attributes:
        mocks: record tool calls, and mock some; None: do neither.
        on_event: called with each tool event as it happens, in the event loop's thread, by providers that can stream.
    """

    mocks: MockRules | None = None
    on_event: Callable[[Event], None] | None = field(default=None, compare=False)


NO_OPTIONS = RespondOptions()


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    """One turn of the assistant that runs the skill.

    Attributes:
        message: what it said.
        done: it considers its task complete.
        usage: what the call consumed; None: not reported.
        session_id: a handle to continue the same session with; None: the provider gave none.
        events: its tool events; None: the provider reports none.
        mock_calls: the recorded tool calls; None unless they were asked for.
        history_command: how a person can look at the recorded session.
        raw: the provider's reply before it was parsed.
    """

    message: str
    done: bool = False
    usage: Usage | None = None
    session_id: str | None = None
    events: tuple[Event, ...] | None = None
    mock_calls: tuple[MockCall, ...] | None = None
    history_command: str | None = None
    raw: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class UserTurn:
    """One turn of the simulated user.

    Attributes:
        message: what the user says.
        stop: the user ends the conversation.
        usage: what the call consumed; None: not reported.
        raw: the provider's reply before it was parsed.
    """

    message: str
    stop: bool = False
    usage: Usage | None = None
    raw: str = field(default="", repr=False)


class Provider(Protocol):
    """Runs a skill, plays the user and judges. Calls may be made side by side; each is cancellable.

    Every method raises ProviderError if no usable answer was had, and only that.
    """

    async def respond(
        self,
        platform: str,
        model: str,
        skill: SkillRef,
        messages: Sequence[Message],
        session: str | None = None,
        options: RespondOptions = NO_OPTIONS,
    ) -> AssistantTurn:
        """Have the skill say its next turn.

        Args:
            platform: which agent program.
            model: which model; empty: the agent program's own choice.
            skill: the skill.
            messages: the conversation so far, oldest first.
            session: a handle from an earlier turn of the same conversation, if `supports_resume(platform)`.
            options: mocks, streaming.
        """

    async def simulate_user(self, model: str, persona: str, messages: Sequence[Message]) -> UserTurn:
        """Have the simulated user say its next turn."""

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:
        """Judge the conversation."""

    def supports_resume(self, platform: str) -> bool:
        """Whether `respond` on this platform faithfully continues a session it gave the handle of."""

    async def aclose(self) -> None:
        """End every process and connection. Idempotent; no call may follow."""
