"""A real OpenCode server, kept warm for many tests, whose model does what a test has it do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner_env.authoring.agent import write_contract
from runner_env.authoring.authored import Authored, Recorded
from runner_env.authoring.brief import Brief, Purpose
from runner_env.authoring.copy import AgentCopy
from runner_env.bridge import Loop
from runner_env.execution.levels import Wanted
from runner_env.harnesses.opencode import OpenCode
from runner_env.harnesses.options import HarnessOptions, Premises
from runner_env.targets.removal import remove_tree
from runner_env.testing import Reply, ScriptedModel, ToolCall
from runner_env.testing.wire import ChatRequest
from tests.authoring.conftest import SOURCES, write
from tests.harnesses.real.conftest import user_environment

TURN_S = 150.0
"""Generous, because the first turn in a directory takes long on a busy machine."""

Turns = Sequence[Sequence[Reply]]
"""What the model answers in each turn: to the prompt, to the first round of tool results, and so on."""


def writes(path: object, content: str) -> ToolCall:
    """The model has a file written."""
    return ToolCall("write", {"filePath": str(path), "content": content})


def runs(command: str) -> ToolCall:
    """The model has a command run."""
    return ToolCall("bash", {"command": command, "description": "work"})


@dataclass
class Studio:
    """A warm agent, a target in the place that its box hides, and a directory outside.

    Attributes:
        root: holds everything.
        harness: the agent.
        loop: on which it lives.
        model: whom it asks.
        turns: what the model does in the test that runs.
    """

    root: Path
    loop: Loop = field(default_factory=Loop)
    turns: Turns = ()
    harness: OpenCode | None = None
    model: ScriptedModel | None = None
    recorded: list[Recorded] = field(default_factory=list)

    @property
    def target(self) -> Path:
        """The target of this test."""
        return self.root / "targets/demo"

    @property
    def canary(self) -> Path:
        """A directory outside of target and copies."""
        return self.root / "canary"

    def answer(self, request: ChatRequest) -> Reply:
        """The model's next answer."""
        if not request.tools:
            return Reply("A title")
        turn = self.turns[min(request.turn, len(self.turns)) - 1]
        return turn[min(request.step, len(turn) - 1)]

    def ask(self, plan: Callable[[Path], Turns], purpose: Purpose = Purpose.SCAFFOLD, **more: Any) -> Authored:
        """Have the agent do what `plan` makes of the directory that it works in."""
        assert self.harness is not None
        self.recorded.clear()
        brief = Brief(purpose, **more.pop("brief", {}))
        with AgentCopy.make(self.target, self.root / "copies") as copy:
            self.turns = plan(copy.root)
            more = {"model": "local/scripted", "timeout_s": TURN_S, **more}
            work = write_contract(self.harness, brief, copy, self.target, record=self.recorded.append, **more)
            return self.loop.run(work)


@pytest.fixture(scope="module")
def warm_studio(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Iterator[Studio]:
    """One server for the tests of a module."""
    root = Path(os.path.realpath(tmp_path_factory.mktemp("studio")))
    for name in ("copies", "scratch", "targets", "canary"):
        (root / name).mkdir()
    studio = Studio(root)
    with ScriptedModel(studio.answer, api_key="test-key") as model:
        premises = Premises(root / "copies", root / "scratch", (root / "targets",))
        environ = user_environment(root, model.url, programs)
        options = HarnessOptions(premises, environ, wanted=Wanted.of(("auto", "host")), retry_attempts=1)
        studio.harness, studio.model = OpenCode(options), model
        yield studio
        studio.loop.run(studio.harness.aclose())
        studio.loop.close()


@pytest.fixture
def studio(warm_studio: Studio) -> Studio:
    """The server, and a fresh target without a contract."""
    for folder in (warm_studio.target, warm_studio.canary):
        if folder.exists():
            remove_tree(folder)
    warm_studio.canary.mkdir()
    (warm_studio.canary / "keep.txt").write_text("kept")
    write(warm_studio.target, SOURCES)
    return warm_studio
