"""Stated commands as variables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from runner_env.contract import variables as v
from runner_env.hints import Hint, Purpose
from runner_env.runs.advice import MAX_BYTES, hint_variables

SHOW = (
    """python3 -c 'import json, os; json.dump(dict(os.environ), open("seen-" + os.environ["AIDER_FSM_STAGE"], "w"))'"""
)


def hint(command: str, **more: Any) -> Hint:
    """A hint of which only the command matters."""
    return Hint(command, Purpose.TEST, "README.md:1", "", 0.9, **more)


def test_commands_and_their_anchors() -> None:
    """Section 4.6: texts, folder and variables before the command, and the words by which they are recognised."""
    made = hint_variables((hint("pytest -q"), hint("make check", workdir="a b", env={"N": "1 2"})))
    assert json.loads(made[v.AIDER_FSM_HINTS_JSON]) == ["pytest -q", "cd 'a b' && N='1 2' make check"]
    assert json.loads(made[v.AIDER_FSM_HINT_ANCHORS_JSON])[0] == "pytest"
    assert hint_variables(()) == {}


def test_they_always_fit_into_the_environment() -> None:
    """A repository with monstrous commands cannot keep stages from being started: the least sure are left out."""
    made = hint_variables([hint(f"run {number} " + "x" * 30_000) for number in range(9)])
    assert len(made[v.AIDER_FSM_HINTS_JSON]) <= MAX_BYTES
    assert len(json.loads(made[v.AIDER_FSM_HINTS_JSON])) == 2
    assert hint_variables([hint("x" * (2 * MAX_BYTES))]) == {}


def test_the_model_stages_get_them(project: Callable[..., Any], scored: Callable[..., Any]) -> None:
    """Rollout and evaluation see them, other stages do not; what the contract or the caller sets is stronger."""
    good = scored()["run_cmds"][0]
    made = project(
        files={"README.md": "# Demo\n\n## Tests\n\n```\npytest -q\n```\n", "tests/test_x.py": "def test_x(): pass\n"},
        tests={"cmds": [SHOW]},
        evaluation=scored(f"{SHOW} && {good}"),
    )
    assert made.evaluate().ok
    seen = json.loads(made.read("seen-evaluation"))
    assert json.loads(seen[v.AIDER_FSM_HINTS_JSON])[0] == "pytest -q"
    assert json.loads(seen[v.AIDER_FSM_HINT_ANCHORS_JSON]) == ["pytest"]
    assert v.AIDER_FSM_HINTS_JSON not in json.loads(made.read("seen-tests"))
    assert v.AIDER_FSM_REQUIRE_HINTS not in seen
    assert made.evaluate(env_overrides={v.AIDER_FSM_HINTS_JSON: "[]"}).ok
    assert json.loads(made.read("seen-evaluation"))[v.AIDER_FSM_HINTS_JSON] == "[]"
