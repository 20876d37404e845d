"""The harness: which programs it needs, what they can do, where they run."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import anyio

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.commands import Command, CommandFailed, Commands, Finished
from runner_env.harnesses.footprints import FOOTPRINTS, ONEHARNESS, footprint_of
from runner_env.harnesses.host import AgentHost
from runner_env.harnesses.oneharness.listing import Ability, read_detected, read_listing, read_version
from runner_env.harnesses.oneharness.session import OneharnessSession, Rig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.execution.levels import Sandbox
    from runner_env.harnesses.model import HarnessSession, Opening
    from runner_env.harnesses.options import HarnessOptions

_ASKING_S = 60.0


class Oneharness:
    """An agent program, driven by oneharness: one process a turn, in a box that contains it.

    Args:
        options: which, and where it runs.
        harness: the agent program as oneharness names it.
    """

    def __init__(self, options: HarnessOptions, harness: str) -> None:
        self._options = options
        self._harness = harness
        self._footprint = footprint_of(harness)
        self._host = AgentHost(options, (ONEHARNESS, self._footprint), self.name)
        self._commands = Commands(self._host.open_box)
        self._versions: dict[str, str] = {}
        self._ability: Ability | None = None
        self._preparing = anyio.Lock()
        self._sessions: list[OneharnessSession] = []

    @property
    def name(self) -> str:
        """`oneharness:` and the agent program; see `Harness`."""
        return f"oneharness:{self._harness}"

    @property
    def versions(self) -> Mapping[str, str]:
        """Of oneharness and of the agent program; see `Harness`."""
        return MappingProxyType(self._versions)

    @property
    def sandbox(self) -> Sandbox | None:
        """How the programs are contained; see `Harness`."""
        return self._host.sandbox

    async def start(self, opening: Opening) -> HarnessSession:
        """Begin a session; no process runs between its turns. See `Harness`."""
        known = (self._footprint,) if self._harness in FOOTPRINTS else ()
        self._host.check(ONEHARNESS, *known)
        async with self._preparing:
            ability = self._ability or await self._prepare()
        sandbox = self._host.sandbox
        contained = sandbox is not None and sandbox.level != "none"
        rig = Rig(self._harness, self.name, ability, self._options, self._commands, self._host.environment(), contained)
        session = OneharnessSession(rig, opening)
        self._sessions.append(session)
        return session

    async def aclose(self) -> None:
        """End everything; see `Harness`."""
        with anyio.CancelScope(shield=True):
            for session in self._sessions:
                await session.aclose()
            await self._commands.aclose()

    async def _prepare(self) -> Ability:
        """Find out what is installed; once."""
        listed = await self._ask("list", "--format", "json")
        try:
            abilities = read_listing(listed.stdout)
        except ValueError as problem:
            raise self._error(FailureKind.PROTOCOL, f"`oneharness list` cannot be read: {problem}") from None
        self._versions["oneharness"] = version = read_version((await self._ask("--version")).stdout)
        ability = abilities.get(self._harness)
        if ability is None:
            message = f"oneharness {version} cannot drive {self._harness!r}, but {', '.join(abilities) or 'nothing'}."
            raise self._error(FailureKind.SPAWN, message)
        self._host.check(replace(self._footprint, program=ability.program))
        detected = await self._ask("detect", "--harness", self._harness, "--no-config", "--format", "json")
        self._versions[self._harness] = read_detected(detected.stdout)
        self._ability = ability
        return ability

    async def _ask(self, *arguments: str) -> Finished:
        argv = (ONEHARNESS.program, *arguments)
        command = Command(argv, self._options.premises.copies, self._host.environment(), b"", _ASKING_S)
        try:
            return await self._commands.run(command)
        except CommandFailed as failure:
            raise self._error(failure.kind, failure.message) from failure.__cause__

    def _error(self, kind: FailureKind, message: str) -> HarnessError:
        hint = f"Check the installation of oneharness ({ONEHARNESS.install})."
        return HarnessError(kind, message, harness=self.name, hint=hint)
