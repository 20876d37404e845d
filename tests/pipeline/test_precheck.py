"""What a run would refuse is said before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runner_env.pipeline.precheck import refused_commands

Make = Callable[..., Any]


def test_a_refused_command_is_located(project: Make) -> None:
    """The same policy as in a run, with the place of the command; honest ones are not mentioned."""
    made = project(tests={"cmds": ["true", "sudo true"]}, files={".aider_fsm/bootstrap.yml": "cmds: [sudo true]"})
    found = refused_commands(made.root, "pipeline.yml")
    assert [(finding.code, finding.stage) for finding in found] == [
        ("command_refused", "bootstrap"),
        ("command_refused", "tests"),
    ]
    assert [finding.where.file for finding in found if finding.where] == [".aider_fsm/bootstrap.yml", "pipeline.yml"]


@pytest.mark.parametrize("pipeline", ["version: 2", "version: 1\nsecurity: {mode: system}\ntests: {cmds: [sudo true]}"])
def test_nothing_is_said_where_nothing_would_be_refused(project: Make, pipeline: str) -> None:
    """A contract that cannot be read has its own errors; one in system mode may use sudo."""
    assert refused_commands(project(pipeline=pipeline).root, "pipeline.yml") == ()
