"""A provider behind a command that speaks the JSON protocol (docs/protocol.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_env.errors import OptionError, ProviderError
from runner_env.providers import protocol
from runner_env.providers.commands import Call, Commands
from runner_env.providers.model import NO_OPTIONS
from runner_env.providers.seats import Seats
from runner_env.text.jsontext import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_env.core import Message
    from runner_env.judging.query import JudgeQuery, JudgeVerdict
    from runner_env.providers.host import Host
    from runner_env.providers.model import AssistantTurn, RespondOptions, SkillRef, UserTurn

TIMEOUT_S = 600.0


class CommandProvider:
    """Asks a command: one process for each request, or, once the provider has announced it, processes that stay.

    A reply announces two abilities by a field that is true, from then on for this provider: `persistent` (it answers
    one line of standard input after the other until that ends) and `resume` (it continues the session whose
    `session_id` it gave).

    Args:
        argv: program and arguments; the program is looked up in the PATH of `host.env`.
        host: where it runs.
        timeout_s: seconds for each request.

    Raises:
        OptionError: `argv` is empty.
    """

    def __init__(self, argv: Sequence[str], host: Host, *, timeout_s: float = TIMEOUT_S) -> None:
        if not argv:
            raise OptionError("provider_command_empty", "The provider command is empty.", hint="Name a program.")
        self._argv = tuple(argv)
        self._host = host
        self._timeout_s = timeout_s
        self._commands = Commands(host)
        self._seats = Seats(self._argv, host)
        self._persistent = False
        self._resumes = False
        self._requests = 0

    async def respond(
        self,
        platform: str,
        model: str,
        skill: SkillRef,
        messages: Sequence[Message],
        session: str | None = None,
        options: RespondOptions = NO_OPTIONS,
    ) -> AssistantTurn:
        """Ask for the assistant's turn; see `Provider`."""
        request = protocol.respond_request((platform, model), skill, messages, session, options.mocks)
        reply, text = await self._ask("respond", request)
        return protocol.assistant_turn(reply, text, options.mocks)

    async def simulate_user(self, model: str, persona: str, messages: Sequence[Message]) -> UserTurn:
        """Ask for the user's turn; see `Provider`."""
        return protocol.user_turn(*await self._ask("user", protocol.user_request(model, persona, messages)))

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:
        """Ask for a judgement; see `Provider`."""
        return protocol.judgement(query, *await self._ask("judge", protocol.judge_request(model, query, messages)))

    def supports_resume(self, platform: str) -> bool:  # noqa: ARG002 - a command announces it for all platforms
        """Whether the provider has announced that it continues sessions."""
        return self._resumes

    async def aclose(self) -> None:
        """End every process; see `Provider`."""
        await self._seats.aclose()
        await self._commands.aclose()

    async def _ask(self, op: str, request: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        if self._persistent:
            reply, text = await self._ask_persistent(op, request)
        else:
            text = await self._ask_once(op, one_line(request))
            reply = protocol.read_reply(op, text)
        self._persistent = self._persistent or reply.get("persistent") is True
        self._resumes = self._resumes or reply.get("resume") is True
        return reply, text

    async def _ask_once(self, op: str, line: bytes) -> str:
        finished = await self._commands.run(Call(self._argv, line + b"\n", self._timeout_s, op))
        if finished.exit_code != 0:
            message = f"provider exited with exit status: {finished.exit_code}: {finished.stderr}"
            raise ProviderError("provider_exit", message, context=op, raw=finished.stdout[: 1 << 16])
        return finished.stdout

    async def _ask_persistent(self, op: str, request: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        self._requests += 1
        number = self._requests
        line = one_line({**request, "id": number})
        async with self._seats.taken(request.get("session"), op) as seat:
            text = await seat.exchange(line, self._timeout_s, op)
            reply = protocol.read_reply(op, text)
            if reply.get("id") != number:
                raise protocol.bad_reply(op, f"the reply must carry the `id` of its request, {number}", text)
            self._seats.remember(reply.get("session_id"), seat)
        return reply, text
