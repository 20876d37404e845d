"""The boundary to agent programs: what is asked of one, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from runner_env.core import Usage

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.execution.levels import Sandbox


@dataclass(frozen=True, slots=True)
class Opening:
    """What a session is to be.

    Attributes:
        directory: where the agent works: absolute, resolved, the root of a git repository.
        title: names the session for people.
        model: as the harness names models (`provider/model` for OpenCode); empty: the harness's own choice.
        writable: the files that the agent is to write, as globs relative to `directory`. A harness hands them to the
            agent's own permission system as far as that has one; it is a first fence, never the last.
        shell: whether the agent may run commands.
    """

    directory: Path
    title: str
    model: str = ""
    writable: tuple[str, ...] = ()
    shell: bool = False


EVENT_CHARS = 16_384
"""How much is kept of what a tool gave back, or of a message."""


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """Something that an agent did, as the harness reports it: a claim.

    Attributes:
        kind: what it did.
        name: of the tool; empty for messages.
        status: `completed`, `error`, or empty if the harness does not say.
        input: what the tool was called with.
        output: what the tool gave back, or the text of a message; clipped to `EVENT_CHARS`.
    """

    kind: Literal["message", "tool_call"]
    name: str = ""
    status: str = ""
    input: Mapping[str, object] = field(default_factory=dict)
    output: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of an agent that ended well, which does not mean that it did anything.

    Attributes:
        text: what it said last; empty if it said nothing.
        events: what it did in this turn, oldest first; None: the harness does not report it.
        usage: of this turn alone.
        retries: how often a call to the model was repeated, as far as that is known.
    """

    text: str
    events: tuple[AgentEvent, ...] | None = None
    usage: Usage = field(default_factory=Usage)
    retries: int = 0


OnEvent = Callable[[AgentEvent], None]


class HarnessSession(Protocol):
    """One conversation with an agent in one directory. For one task at a time; `abort` may come from another."""

    @property
    def id(self) -> str:
        """The harness's own handle of the session; empty until it has given one."""

    async def send(self, prompt: str, *, timeout_s: float, on_event: OnEvent | None = None) -> Turn:
        """Have the agent take one turn.

        Args:
            prompt: what it is told.
            timeout_s: seconds after which the turn is aborted, all retries included.
            on_event: called with each event as it happens, as far as the harness streams them.

        Raises:
            HarnessError: no usable turn, within `timeout_s` and a few seconds of grace; its `kind` says why.
        """

    async def abort(self) -> None:
        """End the turn that is under way; `send` raises then. Does nothing where there is none."""

    async def aclose(self) -> None:
        """End the session. Idempotent; never raises for a harness that is dead."""


class Harness(Protocol):
    """An agent program: found by name, started once, asked for any number of sessions. Lives on one event loop."""

    @property
    def name(self) -> str:
        """As `--harness` names it: `opencode`, or `oneharness:codex`."""

    @property
    def versions(self) -> Mapping[str, str]:
        """The programs behind it and their versions, as far as they are known by now."""

    @property
    def sandbox(self) -> Sandbox | None:
        """How its programs are contained; None while none was started, and for what runs elsewhere."""

    async def start(self, opening: Opening) -> HarnessSession:
        """Begin a session; what it needs is started if it does not run yet, and stays warm until `aclose`.

        Raises:
            HarnessError: kind `spawn` if a program is missing (the hint says how to install it), or another one.
        """

    async def aclose(self) -> None:
        """End every session and everything that was started. Idempotent; never raises for what is dead already."""
