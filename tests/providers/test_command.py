"""Providers behind commands: real processes, one for each request or one that stays."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from runner_env.bridge import blocking
from runner_env.core import FailureKind, Message, UsageSource
from runner_env.errors import ProviderError
from runner_env.providers import JudgeQuery, MockCall, MockRules, RespondOptions, SkillRef
from runner_env.providers.command import CommandProvider

SKILL = SkillRef("greeter", "skills/greeter", "Greet.")
HI = [Message.user("hi")]
BOOLEAN = JudgeQuery.boolean("greets")

ECHO = """
request = json.loads(sys.stdin.readline())
print(json.dumps({"message": json.dumps(request), "session_id": "s-1", "resume": True}))
"""

STAYING = """
for line in sys.stdin:
    request = json.loads(line)
    session = request.get("session") or "s-%d" % os.getpid()
    reply = {"message": str(os.getpid()), "persistent": True, "resume": True, "session_id": session}
    if "id" in request:
        reply["id"] = request["id"]
    print(json.dumps(reply) + "\\n", flush=True)
"""


def used(provider: CommandProvider, use: Callable[[CommandProvider], Awaitable[Any]]) -> Any:
    """What `use` returns; the provider is closed afterwards."""

    async def run() -> Any:
        try:
            return await use(provider)
        finally:
            await provider.aclose()

    return blocking(run())


def failure(provider: CommandProvider) -> ProviderError:
    """The error of one judgement."""
    with pytest.raises(ProviderError) as caught:
        used(provider, lambda p: p.judge("m", BOOLEAN, HI))
    return caught.value


def test_requests_are_those_of_the_protocol(kitchen: Any) -> None:
    """Each request has its published fields, `session` and `mocks` only when there is something to say."""

    async def use(provider: CommandProvider) -> list[Any]:
        first = await provider.respond("p", "m", SKILL, HI)
        assert provider.supports_resume("p")
        second = await provider.respond("p", "m", SKILL, HI, first.session_id)
        user = await provider.simulate_user("jm", "terse", HI)
        return [json.loads(turn.message) for turn in (first, second, user)]

    first, second, user = used(CommandProvider(kitchen.python(ECHO), kitchen.host()), use)
    skill = {"name": "greeter", "path": "skills/greeter", "instructions": "Greet."}
    messages = [{"role": "user", "content": "hi"}]
    assert first == {"op": "respond", "platform": "p", "model": "m", "skill": skill, "messages": messages}
    assert second == {**first, "session": "s-1"}
    assert user == {"op": "user", "model": "jm", "persona": "terse", "messages": messages}


def test_replies_are_read_whole(kitchen: Any) -> None:
    """Done, usage, session, events and recorded calls arrive; unknown keys are ignored; half emoji do no harm."""
    reply = {
        "message": "x \ud83d",
        "done": True,
        "usage": {"input_tokens": 0, "cost_usd": 0.5, "cached": 9},
        "session_id": "s",
        "events": [{"kind": "tool_call"}],
        "mock_calls": [{"tool": "Bash", "input": {"command": "ls"}, "action": "deny", "rule": 0}],
        "other": 1,
    }
    provider = CommandProvider(kitchen.python(f"print({json.dumps(json.dumps(reply, indent=1))})"), kitchen.host())
    turn = used(provider, lambda p: p.respond("p", "m", SKILL, HI, None, RespondOptions(MockRules(None))))
    assert (turn.message, turn.done, turn.session_id) == ("x \ufffd", True, "s")
    assert turn.usage is not None
    assert (turn.usage.input_tokens, turn.usage.output_tokens, turn.usage.cost_usd) == (0, None, 0.5)
    assert turn.usage.source is UsageSource.CLAIMED
    assert turn.events == ({"kind": "tool_call", "index": 0},)
    assert turn.mock_calls == (MockCall("Bash", {"command": "ls"}, "deny", 0),)
    assert not provider.supports_resume("p")


@pytest.mark.parametrize(
    ("body", "code", "kind", "says"),
    [
        ("sys.stderr.write('boom'); sys.exit(7)", "provider_exit", None, "7: boom"),
        ("pass", "protocol", FailureKind.PROTOCOL, "no output"),
        ("print('not json')", "protocol", FailureKind.PROTOCOL, "got: not json"),
        ("print('{}'); print('{}')", "protocol", FailureKind.PROTOCOL, "not valid JSON"),
        ("print('[1]')", "protocol", FailureKind.PROTOCOL, "object"),
        ('print(\'{"reason": "x"}\')', "protocol", FailureKind.PROTOCOL, "bool"),
        ('print(\'{"value": true, "reason": null}\')', "protocol", FailureKind.PROTOCOL, "`reason` must be a string"),
        ("print('{\"value\": 1}')", "protocol", FailureKind.PROTOCOL, "bool"),
        ("print('{\"value\": NaN}')", "protocol", FailureKind.PROTOCOL, "NaN"),
        ('print(\'{"value": true, "usage": {"input_tokens": -1}}\')', "protocol", FailureKind.PROTOCOL, "usage"),
        ("print('[' * 100000)", "protocol", FailureKind.PROTOCOL, "nested"),
        ("os.kill(os.getpid(), 9)", "provider_exit", None, "137"),
    ],
)
def test_every_broken_reply_says_what_broke(
    kitchen: Any, body: str, code: str, kind: FailureKind | None, says: str
) -> None:
    """A failed process or a reply outside the protocol is a classified error with the request's name."""
    error = failure(CommandProvider(kitchen.python(body), kitchen.host()))
    assert (error.code, error.kind, error.context) == (code, kind, "judge")
    assert says in error.message


def test_a_program_that_is_not_there(kitchen: Any) -> None:
    """W12: a missing program has the kind `spawn` and is named."""
    error = failure(CommandProvider(["./no-such-bin"], kitchen.host()))
    assert error.kind is FailureKind.SPAWN
    assert "no-such-bin" in error.message


def test_mocks_need_a_provider_that_mocks(kitchen: Any) -> None:
    """A provider that was sent mocks and reports no calls did not mock: an error, not an empty record."""
    provider = CommandProvider(kitchen.python('print(\'{"message": "x"}\')'), kitchen.host())
    with pytest.raises(ProviderError, match="mock_calls"):
        used(provider, lambda p: p.respond("p", "m", SKILL, HI, None, RespondOptions(MockRules({"rules": []}))))


def test_megabytes_in_any_order_block_nothing(kitchen: Any) -> None:
    """W3: a provider that prints megabytes before it reads megabytes, or reads nothing at all, is no deadlock."""
    big = [Message.user("x" * 3_000_000)]
    first = kitchen.python("sys.stdout.write(' ' * 3_000_000); sys.stdout.flush()\n" + ECHO, "first.py")
    turn = used(CommandProvider(first, kitchen.host()), lambda p: p.respond("p", "m", SKILL, big))
    assert len(turn.message) > 3_000_000
    deaf = kitchen.python("print(json.dumps({'message': 'x' * 3_000_000}))", "deaf.py")
    turn = used(CommandProvider(deaf, kitchen.host()), lambda p: p.respond("p", "m", SKILL, big))
    assert turn.message == "x" * 3_000_000


def test_endless_output_is_cut(kitchen: Any) -> None:
    """A provider that never stops printing is ended at the limit, with a clear error."""
    error = failure(CommandProvider(["sh", "-c", "yes"], kitchen.host()))
    assert error.code == "reply_too_large"


def alive(pid: int) -> bool:
    """Whether a process lives; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


HANGING = """
child = os.fork()
if child == 0:
    time.sleep(300)
open("pids", "w").write("%d %d" % (os.getpid(), child))
os.rename("pids", "ready")
time.sleep(300)
"""


def test_a_timeout_ends_the_whole_tree(kitchen: Any) -> None:
    """W4: a provider that hangs is ended with all its children when its time is up."""
    error = failure(CommandProvider(kitchen.python(HANGING), kitchen.host(), timeout_s=1.0))
    assert error.kind is FailureKind.TIMEOUT
    pids = (kitchen.root / "ready").read_text().split()
    assert not any(alive(int(pid)) for pid in pids)


def test_a_cancelled_call_leaves_nothing_behind(kitchen: Any) -> None:
    """W4: cancelling a call ends its process tree before the cancellation is through."""

    async def use(provider: CommandProvider) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(provider.judge, "m", BOOLEAN, HI)
            while not (kitchen.root / "ready").exists():  # noqa: ASYNC110 - another process makes it
                await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()
        pids = (kitchen.root / "ready").read_text().split()
        assert not any(alive(int(pid)) for pid in pids)

    used(CommandProvider(kitchen.python(HANGING), kitchen.host()), use)


def test_a_call_that_failed_does_not_spoil_the_next(kitchen: Any) -> None:
    """The box of a failed call serves the next one."""
    body = "sys.exit(3) if not os.path.exists('flag') and not open('flag', 'w').close() else print('{\"value\": true}')"

    async def use(provider: CommandProvider) -> Any:
        with pytest.raises(ProviderError):
            await provider.judge("m", BOOLEAN, HI)
        return await provider.judge("m", BOOLEAN, HI)

    assert used(CommandProvider(kitchen.python(body), kitchen.host()), use).value is True


def test_an_announced_provider_stays(kitchen: Any) -> None:
    """After `persistent` one process answers request after request, and ends when the provider is closed."""

    async def use(provider: CommandProvider) -> list[int]:
        return [int((await provider.respond("p", "m", SKILL, HI)).message) for _ in range(4)]

    pids = used(CommandProvider(kitchen.python(STAYING), kitchen.host()), use)
    assert pids[0] != pids[1] == pids[2] == pids[3]
    assert not any(map(alive, pids))


def test_a_session_stays_with_its_process(kitchen: Any) -> None:
    """Conversations side by side: each is continued by the process that began it, which may keep it in memory."""

    async def converse(provider: CommandProvider) -> set[str]:
        turn = await provider.respond("p", "m", SKILL, HI)
        home = turn.message
        seen = set()
        for _ in range(4):
            turn = await provider.respond("p", "m", SKILL, HI, turn.session_id)
            seen.add(turn.message)
        assert seen == {home}
        return seen

    async def use(provider: CommandProvider) -> None:
        await provider.respond("p", "m", SKILL, HI)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(converse, provider)

    used(CommandProvider(kitchen.python(STAYING), kitchen.host()), use)


FIRST_STAYS = """
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        print(json.dumps({"value": True, "persistent": True}), flush=True)
        continue
    number = request["id"]
"""


@pytest.mark.parametrize(
    ("then", "code", "says"),
    [
        ("print(json.dumps({'value': True, 'id': 99}), flush=True)", "protocol", "`id`"),
        ("print(json.dumps({'value': True}), flush=True)", "protocol", "`id`"),
        ("print('nonsense', flush=True)", "protocol", "not valid JSON"),
        ("sys.stderr.write('gone'); sys.exit(4)", "provider_exit", "gone"),
        ("time.sleep(300)", "timeout", "did not answer"),
        ("sys.stdout.write('x' * (70 << 20)); sys.stdout.flush(); time.sleep(300)", "reply_too_large", "MiB"),
    ],
)
def test_a_staying_process_that_fails_is_replaced(kitchen: Any, then: str, code: str, says: str) -> None:
    """A reply out of turn, no reply, too large a reply or an end: that call fails, the next has a fresh process."""
    marked = f"    if not os.path.exists('flag'):\n        open('flag', 'w').close()\n        {then}\n"
    good = "    print(json.dumps({'value': True, 'id': number}), flush=True)\n"

    async def use(provider: CommandProvider) -> Any:
        await provider.judge("m", BOOLEAN, HI)
        with pytest.raises(ProviderError) as caught:
            await provider.judge("m", BOOLEAN, HI)
        assert caught.value.code == code
        assert says in caught.value.message
        return await provider.judge("m", BOOLEAN, HI)

    argv = kitchen.python(FIRST_STAYS + marked + good)
    assert used(CommandProvider(argv, kitchen.host(), timeout_s=4), use).value is True


def test_a_staying_process_takes_megabytes(kitchen: Any) -> None:
    """W3 in persistent mode: megabytes both ways, printed before the request is read, block nothing."""
    body = "sys.stdout.write(' ' * 3_000_000); sys.stdout.flush()\n" + STAYING.replace(
        "str(os.getpid())", "'y' * len(line)"
    )

    async def use(provider: CommandProvider) -> int:
        big = [Message.user("x" * 3_000_000)]
        await provider.respond("p", "m", SKILL, big)
        return len((await provider.respond("p", "m", SKILL, big)).message)

    assert used(CommandProvider(kitchen.python(body), kitchen.host()), use) > 3_000_000


def test_calls_run_side_by_side(kitchen: Any) -> None:
    """W1: several calls are under way at once; each sees the others begin before it ends."""
    body = """
    request = json.loads(sys.stdin.readline())
    open("began-%d" % os.getpid(), "w").close()
    deadline = time.time() + 60
    while len([name for name in os.listdir() if name.startswith("began-")]) < 3 and time.time() < deadline:
        time.sleep(0.01)
    print(json.dumps({"value": time.time() < deadline}))
    """
    values: list[object] = []

    async def ask(provider: CommandProvider) -> None:
        values.append((await provider.judge("m", BOOLEAN, HI)).value)

    async def use(provider: CommandProvider) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask, provider)

    used(CommandProvider(kitchen.python(body), kitchen.host()), use)
    assert values == [True, True, True]


def test_closing_ends_a_process_that_ignores_its_end(kitchen: Any) -> None:
    """A staying process that does not end when its input does is killed."""
    body = STAYING + "\nif 'id' in request:\n    open('asked', 'w').close()\n    time.sleep(300)\n"

    async def use(provider: CommandProvider) -> int:
        await provider.respond("p", "m", SKILL, HI)
        return int((await provider.respond("p", "m", SKILL, HI)).message)

    pid = used(CommandProvider(kitchen.python(body), kitchen.host()), use)
    assert (kitchen.root / "asked").exists()
    assert not alive(pid)
