"""The published JSON Schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner_env.contract import contract_schemas

FOLDER = Path(__file__).parents[2] / "schemas"
NAMES = ("pipeline", "bootstrap", "actions")


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_the_generated_ones(name: str) -> None:
    """What editors are pointed to is what the loader checks."""
    generated = json.dumps(contract_schemas()[name], indent=2, sort_keys=False) + "\n"
    assert (FOLDER / f"{name}.schema.json").read_text("utf-8") == generated


@pytest.mark.parametrize("name", NAMES)
def test_each_names_itself_and_describes_every_key(name: str) -> None:
    """Editors show a description for every key, and unknown keys are marked."""
    schema = contract_schemas()[name]
    assert schema["$id"] == f"runner-env/{name}@1"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    objects = [part for part in (schema, *schema["$defs"].values()) if "description" in part and "properties" in part]
    assert objects
    for part in objects:
        assert part["additionalProperties"] is False
        assert all(key.get("description") for key in part["properties"].values())


def test_aliases_are_in_the_schema() -> None:
    """Singular keys, the other names and the leniencies of a bootstrap are known to editors."""
    schemas: dict[str, Any] = dict(contract_schemas())
    assert {"cmds", "cmd", "steps"} <= set(schemas["pipeline"]["$defs"]["AuthSection"]["properties"])
    assert {"run_cmds", "run_cmd", "cmds"} <= set(schemas["pipeline"]["$defs"]["EvaluationSection"]["properties"])
    assert schemas["bootstrap"]["anyOf"][1]["required"] == ["boot"]
    assert {"steps", "cwd", "timeout", "retry"} <= set(schemas["bootstrap"]["$defs"]["bootstrap"]["properties"])
