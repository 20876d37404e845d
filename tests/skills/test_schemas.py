"""The published schemas say what the loaders do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner_env.skills.schemas import NAMES, skill_schema


@pytest.mark.parametrize("name", NAMES)
def test_the_published_file_is_up_to_date(name: str) -> None:
    """`schemas/skill-<name>.schema.json` is what the models generate."""
    path = Path(__file__).parents[2] / "schemas" / f"skill-{name}.schema.json"
    assert json.loads(path.read_text("utf-8")) == skill_schema(name), "run: make generate"


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("case", ["evals", "input", "skill"]),
        ("report", ["passed", "runs", "summary"]),
        ("validation", ["findings", "valid"]),
        ("error", ["code", "message"]),
        ("config", []),
    ],
)
def test_required_keys(name: str, required: list[str]) -> None:
    """What is required is what the reference tool requires; all else of ours is optional."""
    assert sorted(skill_schema(name).get("required", [])) == required


def test_short_forms_are_in_the_schema() -> None:
    """An editor accepts text for a stub, a list of texts, and text for a matcher."""
    definitions = skill_schema("case")["$defs"]
    stub = definitions["MockFile"]["properties"]["stub"]["anyOf"]
    assert [option.get("type", "StubFile") for option in stub] == ["string", "StubFile", "array", "null"]
    comparator = definitions["NumericFile"]["properties"]["comparator"]
    assert ">=" in comparator["enum"]
