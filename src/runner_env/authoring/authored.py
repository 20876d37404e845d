"""What came of asking an agent, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from runner_env.core import Finding, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.authoring.brief import Purpose, Refused
    from runner_env.authoring.proposal import Proposal
    from runner_env.core import FailureKind
    from runner_env.harnesses.model import AgentEvent


@dataclass(frozen=True, slots=True)
class Recorded:
    """Something to be kept as evidence, before anybody draws a conclusion from it.

    Attributes:
        attempt: the turn, from 1; 0 before the first.
        kind: what it is: the prompt as it is sent, an event and the answer as the harness gives them, a failure in the
            program's own words, a file as the agent left it in its copy, or why a change was refused.
        name: the path of a `file` or `refused`, the tool of an `event`; else empty.
        text: its content; an event as JSON, a file with what is not UTF-8 as surrogates.
    """

    attempt: int
    kind: Literal["prompt", "event", "reply", "failure", "file", "refused"]
    name: str
    text: str


Recorder = Callable[[Recorded], None]


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """One turn of an agent.

    Attributes:
        number: from 1.
        prompt_sha256: of what it was sent.
        prompt_chars: how long that was.
        session: the harness's handle of the conversation; empty if it has none.
        duration_s: seconds the turn took.
        text: what it said last.
        events: what it did, as its harness reports it; None: it reports nothing.
        usage: of this turn.
        retries: calls to the model that were repeated.
        changed: the files of the contract that differ from the target's after the turn.
        refused: what it changed in this turn and must not.
        problems: what was wrong with the contract then.
        failure_kind: why it was no usable turn; None if it was one.
        failure: the same in words.
    """

    number: int
    prompt_sha256: str
    prompt_chars: int
    session: str = ""
    duration_s: float = 0.0
    text: str = ""
    events: tuple[AgentEvent, ...] | None = None
    usage: Usage = field(default_factory=Usage)
    retries: int = 0
    changed: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    problems: tuple[Finding, ...] = ()
    failure_kind: FailureKind | None = None
    failure: str = ""

    @property
    def serious(self) -> tuple[str, ...]:
        """The refused paths that are more than what tools leave behind."""
        return tuple(one.path for one in self.refused if not one.quiet)


@dataclass(frozen=True, slots=True)
class Authored:
    """What an agent wrote, and what is known about how.

    Attributes:
        purpose: what it was asked for.
        harness: the agent program, as `--harness` names it.
        versions: of the programs behind it.
        model: that was asked for; empty: the harness's own choice.
        proposal: the change to take over; None if there is none that could be run.
        attempts: its turns, oldest first.
        reason: why there is no proposal; None if there is one. Its code begins with `agent_`.
    """

    purpose: Purpose
    harness: str
    versions: Mapping[str, str]
    model: str
    proposal: Proposal | None
    attempts: tuple[AttemptLog, ...]
    reason: Finding | None = None

    @property
    def usage(self) -> Usage:
        """Of all turns."""
        return Usage.total(attempt.usage for attempt in self.attempts)

    @property
    def duration_s(self) -> float:
        """Seconds that the turns took."""
        return sum(attempt.duration_s for attempt in self.attempts)

    @property
    def refused(self) -> tuple[Refused, ...]:
        """All that was refused, each path once, the last time it was."""
        return tuple({one.path: one for attempt in self.attempts for one in attempt.refused}.values())
