"""What a skills repository amounts to as a contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.contract import StageName
from runner_env.errors import DefinitionError
from runner_env.skills.repository import case_paths, is_skills_repository, skills_contract

Write = Callable[[str, str], Path]
CASE = "skill: ../skills/greeter\ninput: hi\nevals: [{type: boolean, criterion: a}]\n"


def test_where_cases_are_looked_for(tmp_path: Path, write: Write) -> None:
    """The folder `cases`, then files of their own name anywhere, sorted; hidden and foreign folders are left out."""
    for name in ("cases/a.yaml", "cases/b.skilltest.yaml", "x/z.skilltest.yml", "x/y/a.skilltest.yaml", "x/other.yaml"):
        write(name, CASE)
    for name in (".git/a.skilltest.yaml", "node_modules/m/a.skilltest.yaml", "top.skilltest.yaml"):
        write(name, CASE)
    assert case_paths(tmp_path) == ["cases", "top.skilltest.yaml", "x/z.skilltest.yml", "x/y/a.skilltest.yaml"]


def test_what_makes_one(tmp_path: Path, write: Write) -> None:
    """The config in its usual place does."""
    write("conf/skilltest.yaml", "")
    assert not is_skills_repository(tmp_path)
    write("skilltest.yaml", "")
    assert is_skills_repository(tmp_path)


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ("provider: {kind: scripted}\n", ()),
        ("provider: {kind: command, command: [x]}\nplatforms: [claude-code]\n", ()),
        ("provider: {kind: oneharness, judge_harness: opencode}\nplatforms: [codex]\n", ("OPENAI_API_KEY",)),
        ("platforms: [goose]\n", ("ANTHROPIC_API_KEY",)),
        ("provider: {kind: scripted}\njudge: {kind: api, vendor: anthropic}\n", ("ANTHROPIC_API_KEY",)),
        ("provider: {kind: scripted}\njudge: {kind: api, vendor: openai, api_key_env: MINE_KEY}\n", ("MINE_KEY",)),
    ],
)
def test_which_keys_it_asks_for(
    tmp_path: Path, write: Write, skill_folder: Callable[..., str], config: str, asked: tuple[str, ...]
) -> None:
    """Those of its agent programs, its judge's among them, and of an API judge; nothing for a command of its own."""
    skill_folder()
    write("cases/a.yaml", CASE)
    write("skilltest.yaml", config)
    contract = skills_contract(tmp_path)
    assert contract.security.secrets == asked
    assert list(contract.stages) == [StageName.ROLLOUT, StageName.EVALUATION]


def test_without_cases_it_is_none(tmp_path: Path, write: Write) -> None:
    """A config alone has nothing to run."""
    write("skilltest.yaml", "provider: {kind: scripted}\n")
    with pytest.raises(DefinitionError) as caught:
        skills_contract(tmp_path)
    assert [finding.code for finding in caught.value.findings] == ["no_cases"]
