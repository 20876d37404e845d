"""The agent program of a session: made when it is first needed, kept warm, ended with the session."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from runner_env.bridge import Loop
from runner_env.errors import EvidenceError, HarnessError
from runner_env.execution.levels import Wanted
from runner_env.harnesses.options import RECOVER_ATTEMPTS, RECOVER_BACKOFF_S, HarnessOptions, Premises
from runner_env.harnesses.table import make_harness
from runner_env.runs.options import operator_wish
from runner_env.targets.temporary import abandoned, held_directory, remove_abandoned

if TYPE_CHECKING:
    from runner_env.execution.levels import Sandbox
    from runner_env.harnesses.model import Harness
    from runner_env.runs.inputs import SessionInputs

_T = TypeVar("_T")
_PREFIX = "desk-"


class Desk:
    """Where an agent works for a session.

    Args:
        inputs: what the session is about; agents may not see its repository.
    """

    def __init__(self, inputs: SessionInputs) -> None:
        self._inputs = inputs
        self._held = ExitStack()
        self._place: Path | None = None
        self._loop: Loop | None = None
        self._harness: Harness | None = None

    @property
    def copies(self) -> Path:
        """The folder below which every copy of the repository lies that an agent works in.

        Raises:
            EvidenceError: it cannot be made.
        """
        return self._folder("copies")

    @property
    def name(self) -> str:
        """Of the harness; what was asked for while none is made."""
        return self._harness.name if self._harness else self._inputs.options.agent.harness

    @property
    def sandbox(self) -> Sandbox | None:
        """How the agent program is contained; None while that is not known, or where it runs elsewhere."""
        return self._harness.sandbox if self._harness else None

    def lacking(self) -> HarnessError | None:
        """What is missing for an agent to work here; None if nothing is known to be.

        Raises:
            OptionError: there is no such harness.
            EvidenceError: its folders cannot be made.
        """
        try:
            self._made()
        except HarnessError as error:
            return error
        return None

    def work(self, task: Callable[[Harness], Coroutine[Any, Any, _T]]) -> _T:
        """Carry out what a harness is needed for.

        Raises:
            HarnessError: there is none, or the task raises it.
            asyncio.CancelledError: `stop` was called.
        """
        harness = self._made()
        if self._loop is None:
            self._loop = Loop()
        return self._loop.run(task(harness))

    def stop(self) -> None:
        """Cancel the task that is under way. Safe in a signal handler."""
        if self._loop is not None:
            self._loop.cancel()

    def close(self) -> None:
        """End the program and remove its folders. Idempotent."""
        if self._loop is not None:
            if self._harness is not None:
                self._loop.run(self._harness.aclose())
            self._loop.close()
        self._loop = self._harness = self._place = None
        self._held.close()

    def _made(self) -> Harness:
        if self._harness is None:
            self._harness = make_harness(self._told())
        return self._harness

    def _told(self) -> HarnessOptions:
        agent, settings = self._inputs.options.agent, self._inputs.settings
        level, _ = operator_wish(self._inputs.options, settings)
        recover, backoff = agent.session_recover_attempts, agent.session_recover_backoff_seconds
        return HarnessOptions(
            premises=self._premises(),
            environ=settings.environ,
            name=agent.harness,
            url=agent.url,
            pass_env=self._inputs.options.pass_env,
            wanted=Wanted.of((level, "host")),  # an agent without a network reaches no model
            retry_attempts=agent.retry_attempts,
            retry_backoff_s=agent.retry_backoff_seconds,
            session_recover_attempts=RECOVER_ATTEMPTS if recover is None else recover,
            session_recover_backoff_s=RECOVER_BACKOFF_S if backoff is None else backoff,
            context_length=agent.context_length,
            max_prompt_chars=agent.max_prompt_chars,
            ambient=self._inputs.ambient,
        )

    def _premises(self) -> Premises:
        hidden = tuple(path for path in (self._inputs.settings.home, self._inputs.root) if path.exists())
        return Premises(self.copies, self._folder("scratch"), hidden)

    def _folder(self, name: str) -> Path:
        """A folder of this desk's place, which is made, and what lost sessions left is removed, at the first call."""
        base = self._inputs.settings.agents_dir
        try:
            if self._place is None:
                base.mkdir(parents=True, mode=0o700, exist_ok=True)
                for lost in abandoned(_PREFIX, base):
                    remove_abandoned(lost)
                self._place = self._held.enter_context(held_directory(_PREFIX, base))
            folder = self._place / name
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise EvidenceError("agent_folder", f"{error.filename} cannot be made: {error.strerror}.") from error
        return folder
