"""Runs of one target side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.errors import OptionError, WorkspaceBusy

GOOD = """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""
Make = Callable[..., Any]


def test_two_open_runs_of_one_target(project: Make, scored: Make, rolled: dict[str, Any], home: Path) -> None:
    """With `copy` two runs are open at once and neither writes into the target; in place one excludes the other."""
    made = project(rollout=rolled, evaluation=scored())
    with made.setup(workspace="copy") as one, made.setup(workspace="copy") as two:
        assert one.rollout("m1").ok
        assert two.rollout("m2").ok
        assert (one.evaluate().score, two.evaluate().score) == (0.5, 0.5)
        assert all(session.repo.is_relative_to(home) for session in (one, two))
    assert not made.exists(".aider_fsm/metrics.json")
    with made.setup() as one, made.setup() as two:
        one.rollout("m1")
        with pytest.raises(WorkspaceBusy):
            two.rollout("m2")


def test_a_place_bootstraps_once(project: Make, scored: Make) -> None:
    """What a bootstrap made in a copy serves the next session there; what a stage left does not."""
    made = project(
        evaluation=scored(f"test ! -e left && touch left && grep -q made .aider_fsm/env && {GOOD}"),
        files={".aider_fsm/bootstrap.yml": {"version": 1, "cmds": ["echo made >> .aider_fsm/env"]}},
    )
    places = []
    for _ in range(2):
        with made.setup(workspace="copy") as session:
            result = session.evaluate("m")
            assert result.ok, result.findings
            places.append(session.repo)
    assert places[0] == places[1]
    assert (places[0] / ".aider_fsm/env").read_text() == "made\n"


def test_unknown_kind(project: Make) -> None:
    """Only the two kinds are known."""
    with pytest.raises(OptionError, match="workspace"):
        project().setup(workspace="clone")
