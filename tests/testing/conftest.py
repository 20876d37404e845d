"""A plain HTTP client for the scripted model."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from runner_env.testing import Answerer, Reply, Rule, ScriptedModel


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @property
    def events(self) -> list[Any]:
        """The events of a streamed answer, which must end with [DONE]."""
        lines = [line.removeprefix("data: ") for line in self.text.split("\n\n") if line]
        assert lines[-1] == "[DONE]"
        return [json.loads(line) for line in lines[:-1]]


Ask = Callable[..., Answer]


@pytest.fixture
def ask() -> Ask:
    """`ask(server, "user text" or messages, path=…, key=…, **body)` makes one real request."""

    def request(
        server: ScriptedModel,
        said: str | list[dict[str, Any]] = "hello",
        *,
        path: str = "/chat/completions",
        key: str = "",
        **more: object,
    ) -> Answer:
        messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
        return send(server, "POST", path, json.dumps({"model": "any", "messages": messages, **more}).encode(), key)

    return request


def send(server: ScriptedModel, method: str, path: str, body: bytes | None = None, key: str = "") -> Answer:
    """Make one real request."""
    host, _, prefix = server.url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        connection.request(method, f"/{prefix}{path}", body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()


@pytest.fixture
def raw() -> Callable[..., Answer]:
    """`raw(server, method, path, body=None, key="")`: any request."""
    return send


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedModel]]:
    """`serve(script, api_key=None)` starts a server that ends with the test."""
    servers: list[ScriptedModel] = []

    def start(script: list[Rule | Reply] | Answerer, **options: object) -> ScriptedModel:
        server = ScriptedModel(script, **options)  # type: ignore[arg-type]
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
