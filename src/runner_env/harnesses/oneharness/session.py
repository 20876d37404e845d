"""A session: one `oneharness run` a turn, repeated where that may help, within one deadline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio
from anyio import from_thread, lowlevel

from runner_env.core import FailureKind, Message, Role, Usage
from runner_env.errors import HarnessError
from runner_env.harnesses.commands import Command, CommandFailed
from runner_env.harnesses.failures import hint_for
from runner_env.harnesses.model import Turn
from runner_env.harnesses.oneharness.envelope import HarnessReply, Unusable, read_event, read_finished
from runner_env.harnesses.oneharness.events import Events, agent_events
from runner_env.harnesses.oneharness.metering import Meter, with_cache
from runner_env.harnesses.oneharness.permissions import permissions
from runner_env.harnesses.options import backoff_s
from runner_env.judging import reply_prompt

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_env.harnesses.commands import Commands
    from runner_env.harnesses.model import AgentEvent, OnEvent, Opening
    from runner_env.harnesses.oneharness.listing import Ability
    from runner_env.harnesses.options import HarnessOptions

_PATIENCE_S = 3.0
"""How much longer than its own deadline oneharness may take to say that it was missed."""


@dataclass(frozen=True, slots=True)
class Rig:
    """What the sessions of a harness share.

    Attributes:
        harness: the agent program as oneharness names it.
        name: of the harness.
        ability: what oneharness can do with it.
        options: those of the harness.
        commands: run what a session wants to be run.
        env: the environment of the programs.
        contained: whether a box contains them.
    """

    harness: str
    name: str
    ability: Ability
    options: HarnessOptions
    commands: Commands
    env: Mapping[str, str] = field(repr=False)
    contained: bool


class OneharnessSession:
    """One conversation.

    Where the agent program gives a handle of its session and takes it again, that is continued; otherwise it is told
    the conversation so far with each prompt.

    Args:
        rig: what runs it.
        opening: what it is to be.
    """

    def __init__(self, rig: Rig, opening: Opening) -> None:
        self._rig = rig
        self._opening = opening
        self._permissions = permissions(rig.harness, opening, rig.ability.modes, contained=rig.contained)
        self._meter = Meter()
        self._said: list[Message] = []
        self._id = ""
        self._turn: anyio.CancelScope | None = None
        self._busy = anyio.Lock()
        self._over = False

    @property
    def id(self) -> str:
        """The agent program's own handle; see `HarnessSession`."""
        return self._id

    async def send(self, prompt: str, *, timeout_s: float, on_event: OnEvent | None = None) -> Turn:
        """Have the agent take one turn; see `HarnessSession`."""
        if self._over:
            raise self._error(FailureKind.PROTOCOL, "The session is closed.")
        async with self._busy:
            with anyio.CancelScope() as self._turn:
                turn = await self._repeated(prompt, anyio.current_time() + timeout_s, on_event)
            aborted, self._turn = self._turn.cancelled_caught, None
        if aborted:
            raise self._error(FailureKind.OTHER, "The turn was aborted.")
        self._said += [Message(Role.USER, prompt), Message(Role.ASSISTANT, turn.text)]
        return turn

    async def abort(self) -> None:
        """End the turn that is under way; see `HarnessSession`."""
        if self._turn is not None:
            self._turn.cancel()

    async def aclose(self) -> None:
        """Take no further turn, and wait for the end of the one that is under way; see `HarnessSession`."""
        self._over = True
        await self.abort()
        async with self._busy:
            pass

    async def _repeated(self, prompt: str, deadline: float, on_event: OnEvent | None) -> Turn:
        """The turn, taken again after failures that may pass."""
        options, spent, retries = self._rig.options, Usage(), 0
        while True:
            try:
                turn = await self._take(prompt, deadline - anyio.current_time(), on_event)
                return replace(turn, usage=spent + turn.usage, retries=retries)
            except HarnessError as error:
                spent = error.usage = spent + (error.usage or Usage())
                retries += 1
                wait_s = backoff_s(options.retry_backoff_s, retries)
                late = anyio.current_time() + wait_s >= deadline
                if late or retries > options.retry_attempts or not error.kind.transient:
                    raise
            await anyio.sleep(wait_s)

    async def _take(self, prompt: str, timeout_s: float, on_event: OnEvent | None) -> Turn:
        """The turn, once."""
        resumed = bool(self._id) and self._rig.ability.resumes
        command = Command(
            self._argv(timeout_s),
            self._opening.directory,
            {**self._rig.env, **self._permissions.variables},
            self._told(prompt, resumed=resumed).encode("utf-8", "replace"),
            timeout_s + _PATIENCE_S,
            _relay(on_event) if on_event else None,
        )
        try:
            reply = read_finished(await self._rig.commands.run(command), streamed=True, blank=True)
        except CommandFailed as failure:
            raise self._error(failure.kind, failure.message, hint=failure.hint) from failure.__cause__
        except Unusable as problem:
            self._id = problem.session_id or self._id
            usage = self._meter.of_turn(self._rig.harness, problem.session_id, problem.usage, resumed=resumed)
            kind = problem.kind or FailureKind.OTHER
            raise self._error(kind, problem.message, raw=problem.raw, usage=usage) from None
        self._id = reply.session_id or self._id
        return self._answered(reply, resumed=resumed)

    def _argv(self, timeout_s: float) -> tuple[str, ...]:
        rig, given = self._rig, self._permissions
        argv = ["oneharness", "run", "--harness", rig.harness, "--mode", given.mode, "--stream", "--format", "json"]
        argv += ["--events", "--no-config", "--permit-prompts", "--timeout", str(max(1, math.floor(timeout_s)))]
        argv += ["--cwd", str(self._opening.directory), "--prompt-file", "-"]
        argv += ["--model", self._opening.model] if self._opening.model else []
        argv += ["--resume", self._id] if self._id and rig.ability.resumes else []
        return (*argv, *(("--", *given.arguments) if given.arguments else ()))

    def _told(self, prompt: str, *, resumed: bool) -> str:
        text = self._rig.options.clipped(prompt)
        if resumed or not self._said:
            return text
        return reply_prompt([*self._said, Message(Role.USER, text)], self._rig.options.ambient)

    def _answered(self, reply: HarnessReply, *, resumed: bool) -> Turn:
        events = None if reply.events is None else agent_events(reply.events)
        messages = [event.output for event in events or () if event.kind == "message" and event.output.strip()]
        harness = self._rig.harness
        usage = self._meter.of_turn(harness, self._id or None, reply.usage, resumed=resumed)
        usage = with_cache(harness, usage, reply.cached_tokens)
        return Turn((messages or [reply.text])[-1].strip(), events, usage or Usage())

    def _error(
        self, kind: FailureKind, message: str, *, hint: str | None = None, raw: str = "", usage: Usage | None = None
    ) -> HarnessError:
        hint = hint or hint_for(kind, self._rig.harness) or "Run the agent program by hand, and see that it works."
        return HarnessError(kind, message, harness=self._rig.name, hint=hint, raw=raw, usage=usage)


def _relay(on_event: OnEvent) -> Callable[[bytes], None]:
    """Hands events from the thread that reads them to the event loop's."""
    token, events = lowlevel.current_token(), Events()

    def tell(told: list[AgentEvent]) -> None:
        for event in told:
            on_event(event)

    def take(line: bytes) -> None:
        event = read_event(line)
        told = events.rest() if event is None else events.take(event)
        if told:
            from_thread.run_sync(tell, told, token=token)

    return take
