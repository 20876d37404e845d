"""The JSON Schemas of skill testing, generated from the models and values they describe."""

from __future__ import annotations

from typing import Any

NAMES = ("config", "report", "validation", "case", "error")
"""What `skill_schema` knows, in the order of the reference tool."""


def skill_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of that name, one of `NAMES`.

    What a schema cannot say (that a regular expression compiles, that a mock exists) is left to the loaders.

    Raises:
        KeyError: there is none.
    """
    from pydantic import TypeAdapter

    from runner_env.skills.case_file import CaseFile
    from runner_env.skills.config_file import ConfigFile
    from runner_env.skills.report import ErrorReport, SkillReport
    from runner_env.skills.validation import ValidationReport

    kinds: dict[str, Any] = {
        "config": ConfigFile,
        "report": SkillReport,
        "validation": ValidationReport,
        "case": CaseFile,
        "error": ErrorReport,
    }
    schema = TypeAdapter(kinds[name]).json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"runner-env/skill-{name}@1",
        **schema,
    }
