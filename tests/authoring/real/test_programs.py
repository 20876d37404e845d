"""Claude Code and Codex behind the same fence: what their own rules let through is refused by ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from runner_env.authoring.agent import write_contract
from runner_env.authoring.authored import Authored
from runner_env.authoring.brief import Brief, Purpose
from runner_env.authoring.copy import AgentCopy
from runner_env.harnesses.table import make_harness
from runner_env.testing import Reply, ScriptedModel, ToolCall
from runner_env.testing.wire import ChatRequest
from tests.authoring.conftest import CONTRACT, SOURCES, listing, write
from tests.real_agents import Lab

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(400)]

BOTH = pytest.mark.parametrize("harness", ["claude-code", "codex"])
EVIL = {
    "tests/test_app.py": "def test_x(): pass\n",
    ".aider_fsm/metrics.json": '{"ok": true, "score": 1.0}\n',
    ".aider_fsm/x.pth": "import os\n",
    ".git/hooks/pre-commit": "touch pwned\n",
    "sitecustomize.py": "print('evil')\n",
}


def writes(harness: str, root: Path, name: str, text: str) -> ToolCall:
    """The call by which an agent of that harness writes a file."""
    if harness == "codex":
        command = f"mkdir -p {(root / name).parent} && cat > {root / name} <<'END'\n{text}END\n"
        return ToolCall("exec_command", {"cmd": command})
    return ToolCall("Write", {"file_path": str(root / name), "content": text})


def ask(root: Path, programs: Path, harness: str, plan: Callable[[Path], Sequence[Sequence[Reply]]]) -> Authored:
    """Have that program work on the target in `root`, whose model does what is planned for each turn."""
    target = root / "targets/demo"
    write(target, SOURCES)
    turns: list[Sequence[Reply]] = []

    def answer(request: ChatRequest) -> Reply:
        if not request.tools:
            return Reply("A title")
        turn = turns[min(request.turn, len(turns)) - 1]
        return turn[min(request.step, len(turn) - 1)]

    async def work(copy: AgentCopy) -> Authored:
        made = make_harness(lab.options(f"oneharness:{harness}"))
        brief = Brief(Purpose.SCAFFOLD)
        try:
            return await write_contract(
                made, brief, copy, target, record=lambda _: None, model="scripted", timeout_s=90
            )
        finally:
            await made.aclose()

    with ScriptedModel(answer, api_key="test-key") as model:
        lab = Lab(root, programs, model)
        with AgentCopy.make(target, root / "copies") as copy:
            turns += plan(copy.root)
            return asyncio.run(work(copy))


@BOTH
def test_only_the_contract_gets_through(tmp_path: Path, programs: Path, harness: str) -> None:
    """A contract among edits of tests, metrics, hooks and loaded files is proposed, and nothing else."""

    def plan(root: Path) -> Sequence[Sequence[Reply]]:
        calls = [writes(harness, root, name, text) for name, text in {**EVIL, **CONTRACT}.items()]
        return [[*(Reply(tool_calls=[call]) for call in calls), Reply("Done.")], [Reply("Fine without.")]]

    authored = ask(tmp_path, programs, harness, plan)
    assert authored.proposal is not None, authored.reason
    assert set(authored.proposal.files) == set(CONTRACT)
    assert {one.path for one in authored.refused} >= {".aider_fsm/metrics.json", ".aider_fsm/x.pth"}
    assert listing(tmp_path / "targets/demo") == SOURCES


@BOTH
def test_a_lazy_one_is_made_to_work(tmp_path: Path, programs: Path, harness: str) -> None:
    """It talks, is told so in the same conversation, and writes."""

    def plan(root: Path) -> Sequence[Sequence[Reply]]:
        calls = [Reply(tool_calls=[writes(harness, root, name, text)]) for name, text in CONTRACT.items()]
        return [[Reply("I would write a contract.")], [*calls, Reply("Done.")]]

    authored = ask(tmp_path, programs, harness, plan)
    assert authored.proposal is not None, authored.reason
    assert [bool(log.changed) for log in authored.attempts] == [False, True]
    assert len({log.session for log in authored.attempts}) == 1
