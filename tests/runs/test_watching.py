"""Whoever watches a run must not change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from runner_env.formats.record import read_record
from runner_env.runs.watching import Watched
from runner_env.session import open_session

Make = Callable[..., Any]


@pytest.mark.parametrize("error", [BrokenPipeError("gone"), RuntimeError("a bug")])
def test_an_observer_that_fails_is_a_note(project: Make, scored: Make, error: Exception) -> None:
    """The run passes as it would have, is observed no further, and says so."""
    made = project(evaluation=scored())
    seen: list[str] = []

    def observe(event: str, data: Mapping[str, Any]) -> None:  # noqa: ARG001 - an observer's signature
        seen.append(event)
        if event == "command_started":
            raise error

    with open_session(made.root, {}, observe) as session:
        result = session.evaluate("a-model")
    assert (result.verdict, result.score) == ("passed", 0.5)
    assert [(finding.code, finding.verdict) for finding in result.findings] == [("observer_failed", "passed")]
    assert str(error) in result.findings[0].message
    assert seen[-1] == "command_started"
    assert read_record((result.run_dir / "record.json").read_bytes()).findings == result.findings


def test_what_means_to_end_the_program_passes() -> None:
    """Only an `Exception` is kept from the run."""

    def leave(*_: object) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        Watched(leave)("x", {})
