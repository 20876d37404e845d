"""Errors as text and as JSON."""

from __future__ import annotations

from pydantic import TypeAdapter
from syrupy.assertion import SnapshotAssertion

from runner_env.core import Finding, Verdict, Where
from runner_env.errors import ContractError, OptionError, TargetNotFound
from runner_env.reporting.error import ErrorReport, error_report, error_schema, render_error
from runner_env.reporting.json import json_text

_CONTRACT = ContractError(
    [
        Finding("unknown_key", "'scroe' is not a key of `evaluation`.", Where("pipeline.yml", 3, 5), "Did you mean?"),
        Finding("bad_value", "`version` must be 1.", Where("pipeline.yml", 1, 1)),
        Finding("advice", "No teardown is declared.", Where("pipeline.yml", 2, 1), verdict=Verdict.PASSED),
    ]
)


def test_contract_error_shows_every_finding(snapshot: SnapshotAssertion) -> None:
    """Each problem is shown with file, line, column, code and hint, as compilers print them."""
    assert render_error(error_report(_CONTRACT)) == snapshot


def test_error_with_a_place() -> None:
    """An error in a file begins with the place, so that editors can jump to it."""
    error = OptionError("bad_env_file", "Broken.", where=Where("e.env", 2, 3), hint="Mend it.")
    assert render_error(error_report(error)) == "e.env:2:3: error: Broken. [bad_env_file]\n    hint: Mend it.\n"


def test_error_without_a_place() -> None:
    """Any other error begins with the program's name."""
    error = TargetNotFound("target_not_found", "Nothing at 'x'.")
    assert render_error(error_report(error)) == "runner-env: error: Nothing at 'x'. [target_not_found]\n"


def test_hostile_message() -> None:
    """A message that quotes a hostile file cannot drive the terminal or forge a second error."""
    text = render_error(error_report(OptionError("c", "a\x1b]0;title\x07b\nrunner-env: error: forged")))
    assert text == "runner-env: error: ab\n    runner-env: error: forged [c]\n"


def test_json_round_trip() -> None:
    """The JSON object holds code, message, place, hint and every finding, and reads back as the same value."""
    report = error_report(_CONTRACT)
    assert len(report.findings) == 3
    assert TypeAdapter(ErrorReport).validate_json(json_text(report)) == report


def test_schema_names_the_format() -> None:
    """The published schema is that of `runner-env/error@1` and pins the format's name."""
    schema = error_schema()
    assert schema["$id"] == "runner-env/error@1"
    assert schema["properties"]["format"]["const"] == "runner-env/error@1"
