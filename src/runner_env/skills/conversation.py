"""The conversation of one trial: the skill and the user by turns, until one of them ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from runner_env.core import FailureKind, Message
from runner_env.errors import ProviderError
from runner_env.providers.model import JudgeQuery, RespondOptions, SkillRef
from runner_env.skills.asking import JUDGE_LANE
from runner_env.skills.mocks import as_declared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner_env.providers.model import AssistantTurn, Event, MockCall, MockRules, Provider
    from runner_env.skills.asking import Asking, Log
    from runner_env.skills.plan import Trial
    from runner_env.skills.values import MockDecl, SimulatedUser


@dataclass(slots=True)
class Conversation:
    """A conversation as far as it went.

    Attributes:
        messages: what was said.
        turns: answers of the skill.
        mock_calls: recorded tool calls; None if nothing was recorded.
        history_command: how a person can look at the agent program's own record of it.
        complete: whether it came to its end.
    """

    messages: list[Message] = field(default_factory=list)
    turns: int = 0
    mock_calls: list[MockCall] | None = None
    history_command: str | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Conversing:
    """What a conversation needs.

    Attributes:
        provider: answers.
        asking: makes the calls.
        judge_model: judges whether the conversation is over, and plays the user.
        rules: which tool calls are recorded and mocked; None: nothing is recorded.
        on_event: told of each tool event as it happens, with the turn it belongs to; None: nobody is.
        abort: whether nothing more is asked after the first call that failed.
    """

    provider: Provider
    asking: Asking
    judge_model: str
    rules: MockRules | None = None
    on_event: Callable[[int, Event], None] | None = None
    abort: bool = False


async def converse(trial: Trial, needs: Conversing, log: Log, talk: Conversation) -> None:
    """Hold the conversation of `trial`; `talk`, which is empty, has it afterwards, also if a call fails.

    The skill answers; the conversation is over if there is no simulated user, if the skill says that it is done, or
    after the last turn, or if the judge finds that `done_when` holds. Otherwise the user goes on, and may end it too.

    Raises:
        ProviderError: a call had no usable answer.
        BudgetExhausted: a call could not be made any more.
    """
    planned, user = trial.planned, trial.planned.case.user
    talk.messages.append(Message.user(planned.case.input))
    session: str | None = None
    while True:
        turn = await _respond(trial, needs, log, talk, session)
        session = turn.session_id or session
        _take(talk, turn, planned.mocks)
        if user is None or turn.done or talk.turns >= planned.max_turns:
            break
        if user.done_when and await _is_done(user.done_when, needs, log, talk):
            break
        if await _user_stops(user, needs, log, talk):
            break
    talk.complete = True


async def _respond(trial: Trial, needs: Conversing, log: Log, talk: Conversation, session: str | None) -> AssistantTurn:
    provider, skill, number = needs.provider, trial.planned.skill, talk.turns + 1
    told = 0

    def tell(event: Event) -> None:
        nonlocal told
        told += 1
        assert needs.on_event is not None
        needs.on_event(number, event)

    respond = partial(
        provider.respond,
        trial.platform,
        trial.model,
        SkillRef(skill.name, skill.path, skill.instructions),
        tuple(talk.messages),
        session if provider.supports_resume(trial.platform) else None,
        RespondOptions(needs.rules, tell if needs.on_event else None),
    )
    turn = await needs.asking.ask(log, "respond", trial.model, trial.platform, respond)
    for event in turn.events or () if needs.on_event and not told else ():
        tell(event)  # of a provider that cannot stream
    return turn


def _take(talk: Conversation, turn: AssistantTurn, mocks: Sequence[MockDecl]) -> None:
    talk.turns += 1
    talk.messages.append(Message.assistant(turn.message, turn.events))
    talk.history_command = turn.history_command or talk.history_command
    if turn.mock_calls is not None:
        talk.mock_calls = [*(talk.mock_calls or ()), *(as_declared(call, mocks) for call in turn.mock_calls)]


async def _is_done(done_when: str, needs: Conversing, log: Log, talk: Conversation) -> bool:
    judge = partial(needs.provider.judge, needs.judge_model, JudgeQuery.boolean(done_when), tuple(talk.messages))
    verdict = await needs.asking.ask(log, "judge", needs.judge_model, JUDGE_LANE, judge)
    if not isinstance(verdict.value, bool):
        raise wrong_type(verdict.value, "boolean")
    return verdict.value


def wrong_type(value: object, wanted: str) -> ProviderError:
    """The error for a verdict of another type than was asked for: never taken for a yes or a no."""
    message = f"{wanted} eval received the verdict {value!r}"
    return ProviderError("no_verdict", message, context="judge", kind=FailureKind.PROTOCOL)


async def _user_stops(user: SimulatedUser, needs: Conversing, log: Log, talk: Conversation) -> bool:
    """Let the user go on; returns whether they end it, in which case their last words stay."""
    speak = partial(needs.provider.simulate_user, needs.judge_model, user.persona, tuple(talk.messages))
    turn = await needs.asking.ask(log, "user", needs.judge_model, JUDGE_LANE, speak)
    talk.messages.append(Message.user(turn.message))
    return turn.stop
