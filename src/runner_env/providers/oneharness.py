"""A provider behind oneharness, which drives many agent programs by one command line."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import from_thread, lowlevel

from runner_env.core import FailureKind, Role
from runner_env.errors import ProviderError
from runner_env.harnesses.oneharness.envelope import HarnessReply, read_event
from runner_env.harnesses.oneharness.metering import Meter
from runner_env.judging import (
    judge_prompt,
    latest_user_message,
    parse_verdict,
    reply_prompt,
    stated_verdict,
    user_prompt,
    verdict_schema,
)
from runner_env.providers import oneharness_call as calls
from runner_env.providers import oneharness_reply as replies
from runner_env.providers.commands import Call, Commands
from runner_env.providers.model import NO_OPTIONS, AssistantTurn, UserTurn
from runner_env.providers.oneharness_options import OneharnessOptions, check_role_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner_env.core import Message
    from runner_env.judging import JudgeQuery, JudgeVerdict
    from runner_env.providers.host import Host
    from runner_env.providers.model import Event, MockCall, RespondOptions, SkillRef

_RESUMES = frozenset(("claude-code", "opencode", "cursor"))
_NEVER_RESUMES = frozenset(("gemini",))
"""Harnesses that give a handle but cannot be handed it again through oneharness."""

_LONGEST_ARGUMENT = 100_000
"""Bytes of a skill that still go as an argument; the kernel takes 128 KiB."""

_PATIENCE_S = 30.0
_ROLE_TIMEOUT_S = 1800.0
_SCHEMA_TRIES = 3
_SILENT = frozenset(("codex",))
"""Harnesses that now and then report no tool call although there was one (codex 0.169 does)."""


def supports_resume(harness: str) -> bool:
    """Whether `harness` is known to continue sessions before it has given the handle of one."""
    return harness in _RESUMES


class OneharnessProvider:
    """Runs each turn on a harness through `oneharness run`.

    The skill is the harness's system prompt. A session that a harness gave the handle of is continued, and then only
    the latest user message is sent. Judge and simulated user run on one harness of their own, whatever is under test.

    Args:
        options: how oneharness is used.
        host: where it runs.

    Raises:
        OptionError: a role's arguments break the contract of one verdict.
    """

    def __init__(self, options: OneharnessOptions, host: Host) -> None:
        for name, role in (("judge", options.judge), ("simulated_user", options.simulated_user)):
            if role is not None:
                check_role_args(role.args, f"provider.{name}.args")
        self._options = options
        self._host = host
        self._commands = Commands(host)
        self._resumable: set[str] = set()
        self._meter = Meter()

    async def respond(
        self,
        platform: str,
        model: str,
        skill: SkillRef,
        messages: Sequence[Message],
        session: str | None = None,
        options: RespondOptions = NO_OPTIONS,
    ) -> AssistantTurn:
        """Have the skill say its next turn; see `Provider`."""
        fresh = session is None
        prompt = reply_prompt(messages, self._host.ambient) if fresh else latest_user_message(messages) or ""
        with _scratch() as scratch:
            mocking = _Mocking(scratch, options)
            turn = calls.Turn(
                harness=platform,
                model=model,
                system=_system(skill.instructions, scratch),
                opening=next((message.content for message in messages if message.role is Role.USER), ""),
                session=session,
                streamed=options.on_event is not None,
                extra=mocking.arguments(),
            )
            call = self._call(calls.turn_argv(self._options, turn), prompt, platform, self._options.timeout_s)
            call = replace(call, on_line=_relay(options.on_event) if options.on_event else None)
            finished = await self._commands.run(call)
            reply = replies.read_finished(finished, platform, streamed=turn.streamed)
            recorded = mocking.recorded(platform, reply.events)
        if reply.session_id is not None and platform not in _NEVER_RESUMES:
            self._resumable.add(platform)
        return AssistantTurn(
            message=reply.text.strip(),
            usage=self._meter.of_turn(platform, reply.session_id or session, reply.usage, resumed=session is not None),
            session_id=reply.session_id,
            events=None if reply.events is None else replies.tool_events(reply.events),
            mock_calls=recorded,
            history_command=calls.history_command(self._options, turn) if reply.recorded else None,
            raw=finished.stdout[: 1 << 16],
        )

    async def simulate_user(self, model: str, persona: str, messages: Sequence[Message]) -> UserTurn:
        """Have the simulated user say its next turn; see `Provider`."""
        role = self._options.simulated_user or self._options.judge
        argv = calls.role_argv(self._options, role, model, None)
        reply = await self._evaluate(argv, user_prompt(persona, messages, self._host.ambient), 1)
        return UserTurn(message=reply.text.strip(), usage=reply.usage, raw=reply.text)

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:
        """Judge the conversation; see `Provider`."""
        prompt = judge_prompt(query, messages, self._host.ambient)
        with _scratch() as scratch:
            schema = _written(scratch / "schema.json", verdict_schema(query.kind))
            argv = calls.role_argv(self._options, self._options.judge, model, schema)
            reply = await self._evaluate(argv, prompt, _SCHEMA_TRIES, blank=True)
        try:
            verdict = _verdict(query, reply, messages)
        except ProviderError as error:
            error.usage = reply.usage
            raise
        return replace(verdict, usage=reply.usage)

    def supports_resume(self, platform: str) -> bool:
        """Whether the harness is known to continue sessions, or has given the handle of one."""
        return supports_resume(platform) or platform in self._resumable

    async def aclose(self) -> None:
        """End every process; see `Provider`."""
        await self._commands.aclose()

    async def _evaluate(self, argv: tuple[str, ...], prompt: str, tries: int, *, blank: bool = False) -> HarnessReply:
        harness = argv[argv.index("--harness") + 1] if "--harness" in argv[:-1] else "judge"
        call = self._call(argv, prompt, harness, self._options.timeout_s * tries)
        if self._options.judge or self._options.simulated_user:
            # what oneharness's own configuration allows is not known here
            call = replace(call, timeout_s=max(call.timeout_s, _ROLE_TIMEOUT_S))
        return replies.read_finished(await self._commands.run(call), harness, blank=blank)

    def _call(self, argv: tuple[str, ...], prompt: str, harness: str, timeout_s: float) -> Call:
        data = prompt.encode("utf-8", "replace")
        return Call(argv, data, timeout_s + _PATIENCE_S, f"oneharness:{harness}")


@dataclass(frozen=True, slots=True)
class _Mocking:
    """The files by which tool calls are mocked and recorded."""

    scratch: Path
    options: RespondOptions

    def arguments(self) -> tuple[str, ...]:
        mocks = self.options.mocks
        if mocks is None:
            return ()
        spy = ("--spy-file", str(self._spy))
        if mocks.rules is None:
            return spy
        return ("--mock-rules", str(_written(self.scratch / "rules.json", mocks.rules)), *spy)

    def recorded(self, harness: str, events: tuple[Event, ...] | None) -> tuple[MockCall, ...] | None:
        """The recorded calls. No record at all although the harness reports tool calls is no evidence of silence."""
        if self.options.mocks is None:
            return None
        lines = self._spy.read_text("utf-8", "replace") if self._spy.is_file() else ""
        found = replies.read_spied(lines)
        reported = any(event.get("kind") == "tool_call" for event in events or ())
        if not found and (reported or harness in _SILENT):
            what = "reports tool calls" if reported else "leaves out tool calls in its reports"
            message = f"the harness {what}, and none was recorded: its hooks may not have fired"
            hint = "Check that the harness's hooks are enabled, and its version."
            context = f"oneharness:{harness}"
            raise ProviderError("mocks_not_effective", message, context=context, kind=FailureKind.PROTOCOL, hint=hint)
        return found

    @property
    def _spy(self) -> Path:
        return self.scratch / "spy.jsonl"


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="runner-env-oneharness-", ignore_cleanup_errors=True) as path:
        yield Path(path)


def _verdict(query: JudgeQuery, reply: HarnessReply, messages: Sequence[Message]) -> JudgeVerdict:
    """The verdict in the structured answer; without one of the right type there, that in the text."""
    context = "oneharness:judge"
    if reply.structured is not None:
        try:
            return stated_verdict(query, reply.structured, messages, context=context)
        except ProviderError as error:
            if error.code != "no_verdict":
                raise
    return parse_verdict(query, reply.text, messages, context=context)


def _system(instructions: str, scratch: Path) -> tuple[str, str]:
    data = instructions.encode("utf-8", "replace")
    if len(data) <= _LONGEST_ARGUMENT and b"\0" not in data:
        return "--system", data.decode()
    path = scratch / "system.md"
    path.write_bytes(data)
    return "--system-file", str(path)


def _written(path: Path, value: Any) -> Path:  # noqa: ANN401 - any JSON value
    path.write_text(json.dumps(value), "utf-8")
    return path


def _relay(on_event: Callable[[Event], None]) -> Callable[[bytes], None]:
    """Hands events from the thread that reads them to the event loop's."""
    token = lowlevel.current_token()

    def take(line: bytes) -> None:
        for event in replies.tool_events(filter(None, [read_event(line)])):
            from_thread.run_sync(on_event, event, token=token)

    return take
