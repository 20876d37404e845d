"""Who wrote which file of a contract, in one format for rules and agents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from runner_env.authoring.brief import Purpose
from runner_env.authoring.contract_files import contract_hashes
from runner_env.authoring.model import Option, Recipe
from runner_env.authoring.provenance import authored_provenance, provenance
from runner_env.authoring.takeover import take_over
from runner_env.formats.canonical import canonical
from runner_env.formats.provenance import Provenance
from runner_env.harnesses.model import AgentEvent
from runner_env.testing import FakeTurn
from runner_env.text.masking import Masker

from .conftest import CONTRACT, SCRIPT, Desk, write


def whole(record: dict[str, Any]) -> Provenance:
    """The record as its own format reads it, which raises if it is none."""
    return TypeAdapter(Provenance).validate_json(canonical(record))


def test_what_an_agent_wrote_is_the_agents(desk: Desk, target: Path) -> None:
    """B113: files with hashes before and after and their author; the runner's count is 0."""
    write(target, {".aider_fsm/bootstrap.yml": "version: 1\ncmds: [make]\n", ".aider_fsm/notes.md": "x"})
    before = contract_hashes(target)
    authored = desk.ask(FakeTurn("Done.", writes={**CONTRACT, ".aider_fsm/notes.md": None}))
    assert authored.proposal is not None
    take_over(authored.proposal, target)
    record = whole(authored_provenance([authored], before=before, after=contract_hashes(target), accepted=True))
    assert {file.path: (file.status, file.author) for file in record.files} == {
        "pipeline.yml": ("created", "agent"),
        ".aider_fsm/stages/evaluation.sh": ("created", "agent"),
        ".aider_fsm/bootstrap.yml": ("unchanged", "repository"),
        ".aider_fsm/notes.md": ("deleted", "agent"),
    }
    assert record.written_by == {"rules": 0, "agent": 3, "other": 0, "runner": 0}
    assert (record.purpose, record.author, record.accepted) == ("scaffold", "agent", True)


def test_what_nobody_proposed_has_another_author(desk: Desk, target: Path) -> None:
    """A file that came about in another way is not put down to the agent."""
    authored = desk.ask(FakeTurn(writes=CONTRACT))
    assert authored.proposal is not None
    take_over(authored.proposal, target)
    write(target, {".aider_fsm/stages/evaluation.sh": SCRIPT + "# by hand\n", ".aider_fsm/more.sh": ""})
    record = whole(authored_provenance([authored], before={}, after=contract_hashes(target), accepted=None))
    assert [file.path for file in record.files if file.author == "other"] == [
        ".aider_fsm/more.sh",
        ".aider_fsm/stages/evaluation.sh",
    ]


def test_several_rounds_are_one_story(desk: Desk, target: Path) -> None:
    """A contract that failed when it was run, and was changed then: both rounds' turns, and files of either."""
    first = desk.ask(FakeTurn(writes=CONTRACT))
    assert first.proposal is not None
    take_over(first.proposal, target)
    second = desk.ask(FakeTurn(writes={".aider_fsm/stages/evaluation.sh": SCRIPT + "#\n"}))
    assert second.proposal is not None
    take_over(second.proposal, target)
    record = whole(authored_provenance([first, second], before={}, after=contract_hashes(target), accepted=True))
    assert {file.author for file in record.files} == {"agent"}
    assert record.agent is not None
    assert [(turn.round, turn.number) for turn in record.agent.turns] == [(1, 1), (2, 1)]


def test_turns_are_told_masked_and_clipped(desk: Desk) -> None:
    """Messages and tool calls are there, without secrets, and no longer than anybody reads."""
    call = AgentEvent("tool_call", "write", "completed", {"path": "a", "content": "s3cret-value"}, "y" * 9000)
    authored = desk.ask(FakeTurn("I saw s3cret-value.", events=[call], writes=CONTRACT), model="a/b")
    masker = Masker({"KEY": "s3cret-value"})
    record = authored_provenance([authored], before={}, after={}, accepted=False, masker=masker)
    assert "s3cret-value" not in json.dumps(record)
    agent = whole(record).agent
    assert agent is not None
    assert (agent.harness, agent.model) == ("fake", "a/b")
    assert agent.turns[0].events is not None
    assert len(agent.turns[0].events[0].output) <= 4000
    assert agent.turns[0].prompt_chars == len(desk.prompts[0])


def test_refusals_and_failures_are_told(desk: Desk) -> None:
    """What was refused, what was wrong, and why there is nothing."""
    authored = desk.ask(FakeTurn(writes={"src/app.py": "x = 2\n"}), attempts=1)
    agent = whole(authored_provenance([authored], before={}, after={}, accepted=False)).agent
    assert agent is not None
    assert [(one.path, one.code) for one in agent.turns[0].refused] == [("src/app.py", "outside")]
    assert agent.reason is not None
    assert agent.reason.code == "agent_refused"


def test_a_harness_that_reports_nothing_is_believed_nothing(desk: Desk) -> None:
    """No events is not the same as none known."""
    authored = desk.ask(FakeTurn(writes=CONTRACT, events=[]))
    authored = replace(authored, attempts=tuple(replace(log, events=None) for log in authored.attempts))
    agent = whole(authored_provenance([authored], before={}, after={}, accepted=None)).agent
    assert agent is not None
    assert agent.turns[0].events is None


def test_rules_are_an_author_too() -> None:
    """The same format: command, source, amendments, and every file by its hash."""
    recipe = Recipe(Option("pytest -q", "pytest", "README.md:3", "uv run pytest"), amended=("install x",))
    record = whole(provenance(recipe, CONTRACT, accepted=None))
    assert (record.author, record.purpose, record.accepted) == ("rules", Purpose.SCAFFOLD, None)
    assert record.rules is not None
    assert (record.rules.command, record.rules.source, record.rules.amended) == (
        "pytest -q",
        "README.md:3",
        ("install x",),
    )
    assert {file.author for file in record.files} == {"rules"}
