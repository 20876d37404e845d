"""Cases in code are what stands in a case file."""

from __future__ import annotations

from pathlib import Path

import pytest

import runner_env.skills
from runner_env.errors import DefinitionError, OptionError
from runner_env.skills import (
    TestCase,
    anything,
    boolean,
    called,
    contains,
    deny,
    matching,
    not_called,
    numeric,
    rewrite,
    spy,
    stub,
    user,
)
from runner_env.skills.case import case_of
from runner_env.skills.mocks import for_case
from runner_env.skills.values import BooleanEval, CallsEval, Comparator, Matcher, NumericEval


def test_every_builder_is_a_part_of_a_case(tmp_path: Path) -> None:
    """What the builders make is read as a case with the same meaning."""
    push = deny("no", name="push", contains="git push")
    case = TestCase(
        skill="skills/greeter",
        input="hi",
        name="all",
        user=user("a patient", done_when="over", max_turns=2),
        mocks=[
            push,
            stub("out", exit_code=3, name="st", tool="Bash"),
            stub(responses=["a", {"output": "b", "exit_code": 1}], name="seq", tool="Bash"),
            rewrite({"command": "true"}, name="re", input={"command": matching("^rm")}),
            spy("watch", input={"command": contains("ls"), "path": anything()}),
        ],
        evals=[
            boolean("a", expected=False, name="n"),
            numeric("b", min=0, max=10, threshold=5, comparator=">"),
            called(push, times=2, where={"command": contains("x")}),
            not_called("watch"),
        ],
        spy=True,
    )
    made = case_of(case.as_mapping(), cwd=tmp_path)
    assert made.evals == (
        BooleanEval("a", expected=False, name="n"),
        NumericEval("b", 0.0, 10.0, 5.0, Comparator.GT),
        CallsEval("push", times=2, where={"command": Matcher(contains="x")}),
        CallsEval("watch", negated=True),
    )
    assert [mock.name for mock in for_case(made, ())] == ["push", "st", "seq", "re", "watch"]
    assert [len(mock.stub) for mock in made.mocks] == [0, 1, 2, 0, 0]
    assert made.user is not None
    assert (made.user.max_turns, made.spy) == (2, True)


def test_a_mistake_is_found_before_anything_runs(tmp_path: Path) -> None:
    """A case in code is checked as a file is."""
    with pytest.raises(DefinitionError):
        case_of(TestCase("s", " ", [boolean("a")]).as_mapping(), cwd=tmp_path)
    with pytest.raises(OptionError, match="needs a name"):
        called(spy(tool="Bash"))


def test_every_public_name_is_there() -> None:
    """`runner_env.skills` has what it says it has."""
    assert all(getattr(runner_env.skills, name) is not None for name in runner_env.skills.__all__)
    assert dir(runner_env.skills) == runner_env.skills.__all__
    with pytest.raises(AttributeError):
        runner_env.skills.nothing  # noqa: B018
