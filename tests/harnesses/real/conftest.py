"""A real OpenCode server of our own, kept warm for many tests, and the scripted model that it asks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from real_agents import premises_below, user_environment

from runner_env.bridge import Loop
from runner_env.errors import HarnessError
from runner_env.execution.levels import Wanted
from runner_env.harnesses.model import AgentEvent, HarnessSession, Opening, Turn
from runner_env.harnesses.opencode import OpenCode
from runner_env.harnesses.options import HarnessOptions
from runner_env.testing import Reply, Rule, ScriptedModel, Tokens, ToolCall

TURN_S = 120.0
"""Generous, because the first turn in a directory takes long on a busy machine."""

SCRIPT = "#!/bin/sh\npytest -q\n"


OUTSIDE = ("src/evil.py", "../first/evil.py", ".aider_fsm/../evil.py", ".aider_fsm/good.sh")
COMMAND = "echo ran in $(basename $PWD); cat ../../evidence/record; echo x > ../../user/planted"

LOOK = ToolCall("bash", {"command": COMMAND, "description": "Look"})


def _write(path: str) -> ToolCall:
    return ToolCall("write", {"filePath": path, "content": SCRIPT})


def writes(path: str) -> Reply:
    """The model has a file written."""
    return Reply(tool_calls=[_write(path)], usage=Tokens(100, 10))


RULES = [
    Rule([Reply("A title")], tools=False),
    Rule([writes(".aider_fsm/stages/tests.sh"), Reply("Wrote it.", usage=Tokens(200, 20))], match="a scaffold"),
    Rule([Reply(status=401, message="invalid api key")], match="fault auth"),
    Rule([Reply(fault="quota")], match="fault quota"),
    Rule([Reply(fault="model_not_found")], match="fault model"),
    Rule([Reply(fault="rate_limit")], match="fault rate"),
    Rule([Reply(status=529, message="Overloaded")], match="fault 529"),
    Rule([Reply(status=500, message="internal")], match="fault 500"),
    Rule([Reply(status=500, message="internal", times=1), Reply("recovered")], match="fault once"),
    Rule([Reply("half", broken="disconnect")], match="fault cut"),
    Rule([Reply(fault="context_length")], match="fault context"),
    Rule([Reply("half", finish_reason="length")], match="fault length"),
    Rule([Reply("late", delay=600)], match="fault hang"),
    Rule([Reply("half", broken="stall")], match="fault stall"),
    Rule([Reply("half", fault="server_error", late=True)], match="fault late"),
    Rule([Reply("", broken="empty")], match="fault empty"),
    Rule([Reply("", broken="html")], match="fault html"),
    Rule([Reply(tool_calls=[*map(_write, OUTSIDE)]), Reply("Tried.")], match="write outside"),
    Rule([Reply(tool_calls=[LOOK]), Reply("Ran.")], match="a command"),
    Rule([Reply("late", delay=600, times=1), Reply("answered")], match="slow once"),
]


@dataclass
class Bench:
    """One warm harness and all that is needed to ask it."""

    root: Path
    model: ScriptedModel
    options: HarnessOptions
    loop: Loop = field(default_factory=Loop)
    made: list[OpenCode] = field(default_factory=list)

    def harness(self, **changes: Any) -> OpenCode:
        """Another harness; closed with the bench."""
        self.made.append(OpenCode(replace(self.options, **changes)))
        return self.made[-1]

    def repository(self, name: str) -> Path:
        """A git repository below the folder of copies."""
        path = self.options.premises.copies / name
        if not path.exists():
            subprocess.run(["git", "init", "-q", str(path)], check=True, timeout=30)
        return path

    def open(self, harness: OpenCode, name: str = "work", **more: Any) -> HarnessSession:
        """A session that may write below `.aider_fsm`."""
        opening = Opening(self.repository(name), name, writable=(".aider_fsm/**",), **more)
        return self.loop.run(harness.start(opening))

    def send(self, session: HarnessSession, prompt: str, timeout_s: float = TURN_S) -> tuple[Turn, list[AgentEvent]]:
        """One turn, and what was told of it while it went on."""
        told: list[AgentEvent] = []
        return self.loop.run(session.send(prompt, timeout_s=timeout_s, on_event=told.append)), told

    def fail(self, session: HarnessSession, prompt: str, timeout_s: float = TURN_S) -> HarnessError:
        """One turn that is none."""
        with pytest.raises(HarnessError) as caught:
            self.send(session, prompt, timeout_s)
        return caught.value


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Iterator[Bench]:
    """A bench whose harness runs where `auto` puts it here."""
    root = Path(os.path.realpath(tmp_path_factory.mktemp("bench")))
    with ScriptedModel(RULES, api_key="test-key") as model:
        environ = user_environment(root, model.url, programs)
        options = HarnessOptions(premises_below(root), environ, wanted=Wanted.of(("auto", "host")), retry_attempts=1)
        made = Bench(root, model, options)
        yield made
        for harness in made.made:
            made.loop.run(harness.aclose())
        made.loop.close()


@pytest.fixture(scope="module")
def warm(bench: Bench) -> OpenCode:
    """The one server that the tests of a module share."""
    return bench.harness()
