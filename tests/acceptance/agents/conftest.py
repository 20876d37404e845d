"""A user with a real OpenCode whose model is scripted, and targets without a contract or with a broken one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from real_agents import user_environment

from runner_env.testing import ChatRequest, Reply, ScriptedModel, Tokens, ToolCall

METRICS_KEYS = "  metrics_path: .aider_fsm/metrics.json\n  required_keys: [ok, score]\n"


@dataclass
class User:
    """Someone at a machine with OpenCode.

    Attributes:
        root: where targets lie.
        model: whom the agent asks; and the targets, where they ask a model.
        turns: what the model has the agent write, turn for turn; None is a turn in which it only talks.
        prompts: what the agent was told, turn for turn.
        script: answers in place of `turns`, if it is given.
    """

    root: Path
    model: ScriptedModel
    turns: list[Mapping[str, str] | None] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    script: Callable[[ChatRequest], Reply] | None = None

    def target(self, files: Mapping[str, str]) -> Path:
        """A repository with these files."""
        root = self.root / "target"
        write(root, files)
        return root

    def answer(self, request: ChatRequest) -> Reply:
        """What the model says: in a first step it writes all files of the turn, in the next it is done."""
        if not request.tools:
            return Reply("FINAL: 4")
        if not request.step:
            self.prompts.append(request.last_user)
        if self.script is not None:
            return self.script(request)
        if request.step:
            return Reply("Done.", usage=Tokens(100, 5))
        files = self.turns.pop(0) if self.turns else None
        if files is None:
            return Reply("I would suggest to look at the README.", usage=Tokens(100, 5))
        calls = [ToolCall("write", {"filePath": path, "content": text}) for path, text in files.items()]
        return Reply(tool_calls=calls, usage=Tokens(100, 50))


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files of a target."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def tree(root: Path) -> dict[str, str]:
    """Every file of a target but what runs published."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and "artifacts" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in files}


def new_user(root: Path) -> User:
    """A user at an empty place; the model runs until it is stopped."""
    root.mkdir()

    def answer(request: ChatRequest) -> Reply:
        return made.answer(request)

    made = User(root, ScriptedModel(answer, api_key="test-key"))
    made.model.start()
    return made


@pytest.fixture
def user(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., User]]:
    """`user(*turns)`: OpenCode is on PATH and set up; its model does these turns."""
    made = new_user(Path(os.path.realpath(tmp_path)) / "user-of-agents")
    for name, value in user_environment(made.root, made.model.url, programs).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_BASE_URL", made.model.url)
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")

    def with_turns(*turns: Mapping[str, str] | None) -> User:
        made.turns[:] = turns
        return made

    yield with_turns
    made.model.stop()


@dataclass
class Elsewhere:
    """An OpenCode server that somebody else runs.

    Attributes:
        user: whose model it asks.
        url: where it listens.
        process: that it is.
    """

    user: User
    url: str
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Iterator[Elsewhere]:
    """A server that asks for the name `me` and the password `pw`, for all tests of a module."""
    made = new_user(Path(os.path.realpath(tmp_path_factory.mktemp("elsewhere"))) / "user-of-agents")
    login = {"OPENCODE_SERVER_USERNAME": "me", "OPENCODE_SERVER_PASSWORD": "pw"}
    environ = {**user_environment(made.root, made.model.url, programs), **login}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [str(programs / "opencode"), "serve", "--hostname", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        argv, env=environ, cwd=made.root, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = next((line for line in process.stdout if "listening" in line), "")
    yield Elsewhere(made, line.split()[-1], process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    made.model.stop()
