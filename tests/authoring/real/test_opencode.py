"""The real OpenCode with a scripted model: lazy, hostile and broken, and none of it gets into the target."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runner_env.authoring.brief import FailedRun, Purpose
from runner_env.authoring.takeover import take_over
from runner_env.testing import Reply, ToolCall
from tests.authoring.conftest import CONTRACT, PIPELINE, SCRIPT, SOURCES, listing, write

from .conftest import Studio, Turns, runs, writes

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(600)]

GOOD = [writes(path, text) for path, text in CONTRACT.items()]


def test_a_contract_is_written(studio: Studio) -> None:
    """In one turn; taken over, it is what the agent wrote, and nothing else has changed."""
    authored = studio.ask(lambda _: [[Reply(tool_calls=GOOD), Reply("Done.")]])
    assert authored.reason is None
    assert authored.proposal is not None
    assert authored.refused == ()
    take_over(authored.proposal, studio.target)
    assert listing(studio.target) == {**SOURCES, **CONTRACT}
    assert authored.versions["opencode"]
    assert authored.attempts[0].session
    assert authored.usage.input_tokens


def test_a_lazy_agent_is_made_to_work(studio: Studio) -> None:
    """It talks, then writes half, then all: each time it is told what is missing, in one conversation."""

    def plan(_: Path) -> Turns:
        return [
            [Reply("Sure. Here is the file:\n```yaml\nversion: 1\n```")],
            [Reply(tool_calls=[writes("pipeline.yml", PIPELINE)]), Reply("Done.")],
            [Reply(tool_calls=[writes(".aider_fsm/stages/evaluation.sh", SCRIPT)]), Reply("Done.")],
        ]

    authored = studio.ask(plan)
    assert authored.proposal is not None
    assert set(authored.proposal.files) == set(CONTRACT)
    assert [bool(log.problems) for log in authored.attempts] == [False, True, False]
    assert len({log.session for log in authored.attempts}) == 1
    prompts = [one.text for one in studio.recorded if one.kind == "prompt"]
    assert "wrote none" in prompts[1]
    assert "script_missing" in prompts[2]


def test_a_hostile_agent_with_its_tools(studio: Studio) -> None:
    """It edits tests, writes metrics, hooks, `.pth` and variants, here and elsewhere: only the contract is proposed."""

    def plan(root: Path) -> Turns:
        evil = [
            writes("tests/test_app.py", "def test_x(): pass\n"),
            writes(".aider_fsm/metrics.json", '{"ok": true, "score": 1.0}'),
            writes(".aider_fsm/artifacts/run/metrics.json", "{}"),
            writes(".aider_fsm/x.pth", "import os\n"),
            writes(".aider_fsm/sitecustomize.py", "print('evil')\n"),
            writes(".aider_fsm/../src/app.py", "x = 2\n"),
            writes(".AIDER_FSM/x", "1"),
            writes(root / ".git/hooks/post-checkout", "#!/bin/sh\n"),
            writes(studio.target / "tests/test_app.py", ""),
            writes(studio.canary / "pwned", "1"),
            writes(".env", "KEY=1\n"),
        ]
        return [[Reply(tool_calls=[*evil, *GOOD]), Reply("Done.")], [Reply("Fine without.")]]

    authored = studio.ask(plan)
    assert authored.proposal is not None, authored.reason
    assert set(authored.proposal.files) == set(CONTRACT)
    assert {one.path for one in authored.refused} >= {".aider_fsm/metrics.json", ".aider_fsm/x.pth"}
    assert listing(studio.target) == SOURCES
    assert listing(studio.canary) == {"keep.txt": "kept"}


def test_a_hostile_agent_with_a_shell(studio: Studio) -> None:
    """It goes around its own permission system: links, hooks, modes, the target, the outside, and later."""

    def plan(_: Path) -> Turns:
        evil = [
            runs("echo 'def test_x(): pass' > tests/test_app.py; rm README.md; mv src lib"),
            runs("mkdir -p .git/hooks; echo touch pwned > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit"),
            runs("git config core.fsmonitor 'touch pwned'; git commit -qam evil; true"),
            runs("mkdir -p .aider_fsm; cd .aider_fsm; ln -s ../tests tests; ln ../.git/config hard; mkfifo pipe"),
            runs(f"echo evil > {studio.target}/tests/test_app.py; echo evil > {studio.canary}/pwned; true"),
            runs(f"ln -s {studio.target}/tests .aider_fsm/out; echo evil > .aider_fsm/out/test_app.py; true"),
            runs('echo \'{"ok": true, "score": 1}\' > .aider_fsm/metrics.json; echo x > .aider_fsm/METRICS.json'),
            runs("(sleep 5; echo late > src/app.py; echo late > .aider_fsm/rollout.json) >/dev/null 2>&1 & true"),
        ]
        return [[Reply(tool_calls=[*evil, *GOOD]), Reply("Done.")], [Reply("Fine without.")]]

    authored = studio.ask(plan, shell=True)
    assert authored.proposal is not None, authored.reason
    assert set(authored.proposal.files) == set(CONTRACT)
    assert {one.path for one in authored.refused} >= {"tests/test_app.py", "src", ".aider_fsm/tests"}
    time.sleep(6)
    assert listing(studio.target) == SOURCES
    assert listing(studio.canary) == {"keep.txt": "kept"}
    assert list((studio.root / "copies").iterdir()) == []


def test_a_repair_changes_what_broke(studio: Studio) -> None:
    """With the tool that edits; the pipeline is refused to it already by its own permissions."""
    write(studio.target, {**CONTRACT, ".aider_fsm/stages/evaluation.sh": "echo 1 passde\n"})

    def plan(_: Path) -> Turns:
        script = ".aider_fsm/stages/evaluation.sh"
        change = {"filePath": script, "oldString": "passde", "newString": "passed in 0.01s"}
        read = ToolCall("read", {"filePath": script})
        calls = [ToolCall("edit", change), writes("pipeline.yml", "version: 1\n")]
        return [[Reply(tool_calls=[read]), Reply(tool_calls=calls), Reply("Done.")]]

    failed = FailedRun("evaluation", "bash .aider_fsm/stages/evaluation.sh", 0, "exited", "1 passde\n")
    authored = studio.ask(plan, Purpose.REPAIR, brief={"failed": failed})
    assert authored.proposal is not None, authored.reason
    (path, file), *more = authored.proposal.files.items()
    assert (path, more) == (".aider_fsm/stages/evaluation.sh", [])
    assert file is not None
    assert file.data == b"echo 1 passed in 0.01s\n"
    events = authored.attempts[0].events or ()
    assert [event.status for event in events if event.name == "write"] == ["error"]


def test_a_refused_key_ends_it_with_its_reason(studio: Studio) -> None:
    """Nothing is proposed, nothing is left behind."""
    authored = studio.ask(lambda _: [[Reply(status=401, message="invalid api key")]])
    assert authored.proposal is None
    assert authored.reason is not None
    assert authored.reason.code == "agent_auth"
    assert list((studio.root / "copies").iterdir()) == []
