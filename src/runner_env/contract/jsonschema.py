"""The contract files as JSON Schema (draft 2020-12), generated from the models so that editors know every key."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from runner_env.contract.bootstrap import COMMAND_KEYS
from runner_env.contract.schema import ActionsFile, BootstrapFile, PipelineFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.contract.schema import Strict


def contract_schemas() -> Mapping[str, dict[str, Any]]:
    """`pipeline`, `bootstrap` and `actions`, each a JSON Schema whose `$id` is `runner-env/<name>@1`.

    What a schema cannot say (that an expression compiles, that an id is unique) is left to the loaders.
    """
    return {
        "pipeline": _document("pipeline", _of(PipelineFile)),
        "bootstrap": _document("bootstrap", _lenient(_of(BootstrapFile))),
        "actions": _document("actions", _of(ActionsFile)),
    }


def _of(model: type[Strict]) -> dict[str, Any]:
    return model.model_json_schema()


def _document(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": f"runner-env/{name}@1", **schema}


def _lenient(spec: dict[str, Any]) -> dict[str, Any]:
    """Add what the loader accepts with a note: the `boot` wrapper and commands under a key of their own."""
    spec = deepcopy(spec)
    for name in BootstrapFile.SAME[0]:
        _list_of(spec["properties"][name])["items"] = {"$ref": "#/$defs/command"}
    text = {"type": "string", "pattern": r"\S"}
    one_key = [
        {"type": "object", "properties": {key: text}, "required": [key], "additionalProperties": False}
        for key in COMMAND_KEYS
    ]
    wrapped = {
        "type": "object",
        "properties": {"version": {"const": 1}, "boot": {"$ref": "#/$defs/bootstrap"}},
        "required": ["boot"],
        "additionalProperties": False,
    }
    definitions = {**spec.pop("$defs", {}), "command": {"anyOf": [text, *one_key]}, "bootstrap": spec}
    return {
        "title": spec["title"],
        "description": spec["description"],
        "anyOf": [{"$ref": "#/$defs/bootstrap"}, wrapped],
        "$defs": definitions,
    }


def _list_of(schema: dict[str, Any]) -> dict[str, Any]:
    return next(option for option in schema["anyOf"] if option.get("type") == "array")
