"""The table of variable names."""

from __future__ import annotations

from runner_env.contract import VARIABLES, StageName, variables, variables_markdown


def test_every_constant_is_in_the_table_and_names_itself() -> None:
    """A name that other rooms can use is documented, and documented names have a constant."""
    constants = {name for name, value in vars(variables).items() if name == value}
    assert constants == {variable.name for variable in VARIABLES}


def test_no_variable_stands_twice_in_one_direction() -> None:
    """One row for each name and direction."""
    rows = [(variable.name, variable.direction) for variable in VARIABLES]
    assert len(rows) == len(set(rows))


def test_the_model_endpoint_is_for_the_model_stages_only() -> None:
    """The key and address of the model reach rollout, evaluation and benchmark, and no other stage."""
    granted = {
        v.stages for v in VARIABLES if v.direction == "injected" and v.name.startswith(("OPENAI_API_", "OPENAI_BASE_"))
    }
    assert granted == {(StageName.ROLLOUT, StageName.EVALUATION, StageName.BENCHMARK)}


def test_the_page_has_a_row_for_each() -> None:
    """The docs page is made from the table."""
    page = variables_markdown()
    assert page.count("\n| `") == len(VARIABLES)
    assert "| `AIDER_FSM_STAGE` | all |" in page
