"""Running a provider's commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.errors import ProviderError
from runner_env.execution import Box
from runner_env.harnesses import commands
from runner_env.harnesses.commands import Command, CommandFailed, Finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_env.providers.host import Host


@dataclass(frozen=True, slots=True)
class Call:
    """One command.

    Attributes:
        argv: program and arguments.
        stdin: all that it can read.
        timeout_s: seconds after which it and all it started is ended.
        context: who is asked, for errors.
        on_line: called in another thread with each line of standard output as it comes.
    """

    argv: tuple[str, ...]
    stdin: bytes
    timeout_s: float
    context: str
    on_line: Callable[[bytes], object] | None = None


class Commands:
    """Runs commands side by side.

    Args:
        host: where they run.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._commands = commands.Commands(lambda: Box.open(wait=False))

    async def run(self, call: Call) -> Finished:
        """Run one command to its end, and end all that it started.

        Raises:
            ProviderError: it could not be started, took too long, wrote too much, or the box was lost.
        """
        host = self._host
        command = Command(call.argv, host.cwd, host.env, call.stdin, call.timeout_s, call.on_line)
        try:
            return await self._commands.run(command)
        except CommandFailed as failure:
            raise provider_error(failure, call.context) from failure.__cause__

    async def aclose(self) -> None:
        """End every box. Idempotent."""
        await self._commands.aclose()


def provider_error(failure: CommandFailed, context: str) -> ProviderError:
    """What it means to the provider that its command failed."""
    if failure.code == "spawn":
        # the harness behind the program, which some contexts name, is not to blame
        context = context.partition(":")[0]
    return ProviderError(failure.code, failure.message, context=context, kind=failure.kind, hint=failure.hint)
