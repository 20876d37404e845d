"""An agent program that is none: a harness in this process that does what its script says, in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from runner_env.core import FailureKind, Usage
from runner_env.errors import HarnessError
from runner_env.harnesses.model import AgentEvent, HarnessSession, OnEvent, Opening, Turn

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.execution.levels import Sandbox


@dataclass(frozen=True, slots=True)
class FakeTurn:
    """What a fake agent does in one turn: waits, writes, does, says; then it may fail all the same.

    Attributes:
        text: what it says last.
        writes: files by their path relative to the session's directory (or absolute, or with `..`: nothing stops it);
            None deletes one. Folders are made as they are needed.
        does: called with the session's directory, for whatever else an agent may do (links, hooks, modes).
        events: what it reports; None: a `write` for each file, and a message for the text.
        usage: what the turn consumed.
        fails: the turn ends with a HarnessError of this kind instead of a Turn.
        message: of that error.
        delay_s: seconds before it does anything; beyond the deadline of the turn, that is a timeout.
    """

    text: str = ""
    writes: Mapping[str, str | bytes | None] = field(default_factory=dict)
    does: Callable[[Path], object] | None = None
    events: Sequence[AgentEvent] | None = None
    usage: Usage = field(default_factory=Usage)
    fails: FailureKind | None = None
    message: str = "scripted failure"
    delay_s: float = 0.0

    def reported(self) -> tuple[AgentEvent, ...]:
        """The events of the turn."""
        if self.events is not None:
            return tuple(self.events)
        written = [AgentEvent("tool_call", "write", "completed", {"path": path}) for path in self.writes]
        return (*written, *([AgentEvent("message", output=self.text)] if self.text else []))

    def carry_out(self, directory: Path) -> None:
        """Change the files."""
        for name, content in self.writes.items():
            path = directory / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        if self.does is not None:
            self.does(directory)


@dataclass(frozen=True, slots=True)
class Sent:
    """One prompt that a fake harness was sent, and the session that it was sent to."""

    opening: Opening
    session: str
    prompt: str


class FakeHarness:
    r"""A `Harness` that follows a script.

        harness = FakeHarness([FakeTurn("Done.", writes={"pipeline.yml": "version: 1\n"})])

    Args:
        script: the turns, one after the other over all sessions; or a callable that makes each from what was sent.
        name: as a real one is named.
        versions: the programs that it pretends to drive.
        unavailable: `start` raises this, as a real harness whose program is missing would.

    Attributes:
        sent: every prompt, oldest first.
        openings: every session that was started, oldest first.
        closed: whether `aclose` was called.

    Raises:
        AssertionError: more turns were asked for than the script has; from `send`.
    """

    def __init__(
        self,
        script: Sequence[FakeTurn] | Callable[[Sent], FakeTurn],
        *,
        name: str = "fake",
        versions: Mapping[str, str] | None = None,
        unavailable: HarnessError | None = None,
    ) -> None:
        self._script = script
        self._name = name
        self._versions = dict(versions or {})
        self._unavailable = unavailable
        self.sent: list[Sent] = []
        self.openings: list[Opening] = []
        self.closed = False

    @property
    def name(self) -> str:
        """See `Harness`."""
        return self._name

    @property
    def versions(self) -> Mapping[str, str]:
        """See `Harness`."""
        return self._versions

    @property
    def sandbox(self) -> Sandbox | None:
        """None: there is nothing to contain; see `Harness`."""
        return None

    async def start(self, opening: Opening) -> HarnessSession:
        """Begin a session; see `Harness`."""
        if self._unavailable is not None:
            raise self._unavailable
        self.openings.append(opening)
        return _FakeSession(self, opening, f"{self._name}-{len(self.openings)}")

    async def aclose(self) -> None:
        """Remember that it was called; see `Harness`."""
        self.closed = True

    def next_turn(self, sent: Sent) -> FakeTurn:
        """What the script has for this prompt."""
        self.sent.append(sent)
        if callable(self._script):
            return self._script(sent)
        if len(self.sent) > len(self._script):
            raise AssertionError(f"turn {len(self.sent)} was asked for; the script has {len(self._script)}")
        return self._script[len(self.sent) - 1]


class _FakeSession:
    """A session of a fake harness."""

    def __init__(self, harness: FakeHarness, opening: Opening, session: str) -> None:
        self._harness = harness
        self._opening = opening
        self._id = session
        self._waiting: anyio.CancelScope | None = None
        self._over = False

    @property
    def id(self) -> str:
        return self._id

    async def send(self, prompt: str, *, timeout_s: float, on_event: OnEvent | None = None) -> Turn:
        if self._over:
            raise self._failure(FailureKind.PROTOCOL, "the session is closed")
        turn = self._harness.next_turn(Sent(self._opening, self._id, prompt))
        await self._wait(turn.delay_s, timeout_s)
        turn.carry_out(self._opening.directory)
        for event in turn.reported():
            if on_event is not None:
                on_event(event)
        if turn.fails is not None:
            raise self._failure(turn.fails, turn.message, turn.usage)
        return Turn(turn.text, turn.reported(), turn.usage)

    async def abort(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    async def aclose(self) -> None:
        self._over = True
        await self.abort()

    async def _wait(self, delay_s: float, timeout_s: float) -> None:
        with anyio.move_on_after(timeout_s) as self._waiting:
            deadline = self._waiting.deadline
            await anyio.sleep(delay_s)
        ended, self._waiting = self._waiting, None
        if ended.cancelled_caught:
            late = anyio.current_time() >= deadline
            kind, what = (FailureKind.TIMEOUT, "did not end in time") if late else (FailureKind.OTHER, "was aborted")
            raise self._failure(kind, f"the turn {what}")

    def _failure(self, kind: FailureKind, message: str, usage: Usage | None = None) -> HarnessError:
        return HarnessError(kind, message, harness=self._harness.name, usage=usage)
