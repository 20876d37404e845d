"""Errors of skill testing, as the reference tool writes them."""

from __future__ import annotations

import json

import pytest

from runner_env.core import FailureKind, Finding, Where
from runner_env.errors import DefinitionError, EvidenceError, OptionError, ProviderError, RunnerEnvError
from runner_env.reporting.skill_error import skill_error, skill_error_object, skill_error_text

PROVIDER = ProviderError("auth", "no key", context="api-judge", kind=FailureKind.AUTH, hint="Set it.")
TWO = DefinitionError([Finding("a", "First.", Where("f", 1, 2), "Do."), Finding("b", "Second.")])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            PROVIDER,
            {"code": "provider", "kind": "auth", "context": "api-judge", "message": "no key", "hint": "Set it."},
        ),
        (
            ProviderError("x", "dead", context="respond"),
            {"code": "provider", "context": "respond", "message": "dead"},
        ),
        (TWO, {"code": "usage", "message": "f:1:2: First.\nSecond.", "hint": "Do."}),
        (OptionError("x", "bad"), {"code": "usage", "message": "bad"}),
        (EvidenceError("x", "full"), {"code": "provider", "message": "full"}),
    ],
)
def test_objects(error: RunnerEnvError, expected: dict[str, str]) -> None:
    """Bad input has the code `usage`, all else `provider`; what is not known is left out."""
    assert skill_error_object(skill_error(error)) == expected


@pytest.mark.parametrize("output_format", ["human", "json", "json-stream"])
def test_where_it_goes(output_format: str) -> None:
    """Standard error always gets the message and the hint; standard output the object in formats of JSON."""
    out, complaint = skill_error_text(skill_error(PROVIDER), output_format)
    assert complaint == "error: no key\nhint: Set it.\n"
    if output_format == "human":
        assert out == ""
    else:
        value = json.loads(out)
        assert (value if output_format == "json" else value["error"])["kind"] == "auth"
        assert out.count("\n") == (1 if output_format == "json-stream" else 7)
