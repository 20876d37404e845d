"""Every schema by name."""

from __future__ import annotations

import json

import pytest

from runner_env.reporting.schemas import NAMES, published_schema


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_a_schema(name: str) -> None:
    """Every listed name leads to a draft 2020-12 schema with an id, and it is JSON."""
    schema = json.loads(json.dumps(published_schema(name)))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"runner-env/{'run-summary' if name == 'runs' else name}@1"


def test_unknown_name() -> None:
    """A name that is not listed has no schema."""
    with pytest.raises(KeyError):
        published_schema("pipelin")
