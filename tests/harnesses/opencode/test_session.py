"""Sessions on a server that misbehaves: what is sent, what is repeated, and how it ends."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.bridge import blocking
from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.model import Opening, Turn
from runner_env.harnesses.opencode import OpenCode
from runner_env.harnesses.opencode import turn as turn_module
from runner_env.harnesses.opencode.client import Access, Client
from runner_env.harnesses.opencode.session import OpenCodeSession
from runner_env.harnesses.options import HarnessOptions
from tests.harnesses.opencode.fake_server import FakeServer

Options = Callable[..., HarnessOptions]
PROMPT = "/session/ses_1/prompt_async"


def ask(server: FakeServer, options: Options, prompt: str = "hello", timeout_s: float = 20, **more: object) -> Turn:
    """One turn on that server."""

    async def turn() -> Turn:
        async with server.running():
            environ = {"OPENCODE_SERVER_PASSWORD": "pw"}
            given = options(environ, url=server.url, retry_backoff_s=0.01, **more)
            async with OpenCode(given) as harness:
                opening = Opening(given.premises.copies, "a title", writable=(".aider_fsm/**",))
                session = await harness.start(opening)
                return await session.send(prompt, timeout_s=timeout_s)

    return blocking(turn())


def fail(server: FakeServer, options: Options, **more: object) -> HarnessError:
    """One turn that is none."""
    with pytest.raises(HarnessError) as caught:
        ask(server, options, **more)  # type: ignore[arg-type]
    return caught.value


def test_each_call_has_the_password_and_the_directory(options: Options) -> None:
    """B120: HTTP Basic, user `opencode` by default; a session without the header would be in another directory."""
    server = FakeServer()
    assert ask(server, options).text == "answer"
    basic = f"Basic {b64encode(b'opencode:pw').decode()}"
    assert {headers.get("authorization") for _, _, headers, _ in server.calls} == {basic}
    without = {path for _, path, headers, _ in server.calls if "x-opencode-directory" not in headers}
    assert without == {"/global/health"}


def test_the_session_has_a_title_and_rules(options: Options) -> None:
    """Everything is denied but looking, and writing what is writable."""
    server = FakeServer()
    ask(server, options)
    body = server.said("/session")[0]
    rules = {(rule["permission"], rule["pattern"]): rule["action"] for rule in body["permission"]}
    assert body["title"] == "a title"
    assert next(iter(rules)) == ("*", "*")
    assert rules["*", "*"] == "deny"
    assert rules["edit", ".aider_fsm/**"] == "allow"
    assert ("bash", "*") not in rules


@pytest.mark.parametrize("path", ["/session", "/session/ses_1/message", PROMPT, "/event", "/config/providers"])
@pytest.mark.parametrize("fault", [(503, "busy"), (429, "slow down"), (200, "")], ids=["503", "429", "empty"])
def test_a_fault_of_the_server_that_passes_is_repeated(options: Options, path: str, fault: tuple[int, str]) -> None:
    """B121: one 503, one 429, one 200 without a body; then all is well."""
    server = FakeServer({path: deque([fault])})
    assert ask(server, options).text == "answer"


def test_a_fault_that_stays_ends_with_its_kind(options: Options) -> None:
    """After as many repetitions as allowed."""
    server = FakeServer({PROMPT: deque([(503, "busy")] * 9)})
    error = fail(server, options, retry_attempts=2)
    assert error.kind is FailureKind.OVERLOADED
    assert len(server.said(PROMPT)) == 3
    assert "busy" in error.raw


def test_a_refusal_is_not_repeated(options: Options) -> None:
    """A 400 will be one the next time too."""
    server = FakeServer({PROMPT: deque([(400, "no such agent")] * 9)})
    assert fail(server, options).kind is FailureKind.PROTOCOL
    assert len(server.said(PROMPT)) == 1


def test_a_context_length_that_is_not_known_is_left_out(options: Options) -> None:
    """B122: sent again without it, once."""
    server = FakeServer(refused_fields=("contextLength",))
    assert ask(server, options, context_length=8192).text == "answer"
    assert [body.get("contextLength") for body in server.said(PROMPT)] == [8192, None]


def test_a_long_prompt_loses_its_middle(options: Options) -> None:
    """B122: 500 characters, of which 120 may be sent."""
    server = FakeServer()
    ask(server, options, prompt="a" * 250 + "b" * 250, max_prompt_chars=120)
    sent = server.said(PROMPT)[0]["parts"][0]["text"]
    assert len(sent) == 120
    assert sent.startswith("aaa")
    assert sent.endswith("bbb")
    assert "omitted" in sent


def test_what_waits_for_a_person_is_refused_at_once(options: Options) -> None:
    """A permission that is asked for would otherwise keep the session busy for ever."""
    server = FakeServer(asks=True)
    assert ask(server, options).text == "answer"
    assert server.said("/permission/per_1/reply") == [{"reply": "reject"}]


def test_a_turn_whose_end_is_not_told_is_noticed(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """When events stay out, the server is asked."""
    monkeypatch.setattr(turn_module, "_SILENCE_S", 0.1)
    assert ask(FakeServer(silent=True), options).text == "answer"


class Mortal:
    """A server of our own that dies, and then another one in its place.

    Attributes:
        died: see `Server`.
    """

    version = ""

    def __init__(self, first: FakeServer, second: FakeServer) -> None:
        self._rest = [second, first]
        self._clients: list[Client] = []
        self.died = True

    async def client(self) -> Client:
        """See `Server`."""
        if self.died:
            self._clients.append(Client(Access(self._rest.pop().url), {}))
            self.died = False
        return self._clients[-1]

    async def aclose(self) -> None:
        """See `Server`."""
        for client in self._clients:
            await client.aclose()


def test_a_conversation_that_is_lost_with_its_server_begins_anew(options: Options) -> None:
    """B123: the server died between two turns; the one in its place, which does not know the session, makes another."""
    first, second = FakeServer(), FakeServer({"/session/ses_1": deque([(404, "no such session")])})

    async def turn() -> Turn:
        async with first.running(), second.running():
            given = options()
            server = Mortal(first, second)
            session = OpenCodeSession(server, Opening(given.premises.copies, "x"), None, given)
            await session.open(await server.client())
            await session.send("hello", timeout_s=20)
            server.died = True
            turn = await session.send("hello again", timeout_s=20)
            await server.aclose()
            return turn

    assert blocking(turn()).text == "answer"
    assert len(second.said("/session")) == len(second.said(PROMPT)) == 1


def test_a_server_that_is_not_there_is_named(options: Options, tmp_path: Path) -> None:
    """B123: kind `connection`, with the URL; nothing is started instead."""
    given = options(url="http://127.0.0.1:9")

    async def start() -> None:
        async with OpenCode(given) as harness:
            await harness.start(Opening(tmp_path, "x"))

    with pytest.raises(HarnessError) as caught:
        blocking(start())
    assert caught.value.kind is FailureKind.CONNECTION
    assert "http://127.0.0.1:9" in (caught.value.hint or "")
