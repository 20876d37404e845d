"""Plans: everything is checked before anything is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import DefinitionError
from runner_env.skills.config import Config
from runner_env.skills.plan import load_plan

Write = Callable[[str, str], Path]
CASE = "skill: ../skills/greeter\ninput: hi\nevals: [{type: boolean, criterion: a}]\n"


def test_the_matrix(
    tmp_path: Path, write: Write, config: Callable[..., Config], skill_folder: Callable[..., str]
) -> None:
    """Trials are in the order case, platform, model, repeat, each with an id of its own; equal names are told apart."""
    skill_folder()
    write("a/c.yaml", CASE)
    write("b/c.yaml", CASE)
    made = config("platforms: [p, q]\nmodels: [m]\nrepeat: 2\n")
    plan = load_plan(made, ["a/c.yaml", "b/c.yaml"], [], tmp_path)
    ids = [trial.id for trial in plan.trials]
    assert ids == [
        "c[p/m]", "c[p/m]#2", "c[q/m]", "c[q/m]#2", "c#2[p/m]", "c#2[p/m]#2", "c#2[q/m]", "c#2[q/m]#2"
    ]  # fmt: skip
    assert [planned.skill.path for planned in plan.cases] == ["a/../skills/greeter", "b/../skills/greeter"]


def test_the_limit_of_turns(
    tmp_path: Path, write: Write, config: Callable[..., Config], skill_folder: Callable[..., str]
) -> None:
    """A case's own limit wins over the config's, whichever is larger."""
    skill_folder()
    write("c/a.yaml", CASE + "user: {persona: p, max_turns: 9}\n")
    write("c/b.yaml", CASE + "user: {persona: p}\n")
    plan = load_plan(config("max_turns: 3\n"), ["c"], [], tmp_path)
    assert [planned.max_turns for planned in plan.cases] == [9, 3]


def test_all_problems_at_once(tmp_path: Path, write: Write, config: Callable[..., Config]) -> None:
    """Missing skills and unknown mocks of all cases are told together, before anything is paid for."""
    write("c/a.yaml", CASE)
    write("c/b.yaml", CASE.replace("[{", "[{type: called, mock: ghost}, {"))
    with pytest.raises(DefinitionError) as caught:
        load_plan(config(), ["c"], [], tmp_path)
    assert [finding.code for finding in caught.value.findings] == ["unreadable", "unknown_mock"]
    assert str(caught.value.findings[0].where).startswith("c/a.yaml:1")
    assert "c/../skills/greeter/SKILL.md" in caught.value.findings[0].message
