"""`actions.yml`, carried out once, before everything else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]
ACTIONS = ".aider_fsm/actions.yml"


def actions(*items: dict[str, object]) -> dict[str, object]:
    """The file with these actions, numbered."""
    return {"version": 1, "actions": [{"id": f"a{number}", **item} for number, item in enumerate(items)]}


def test_actions_run_in_order_and_once(project: Make) -> None:
    """Files are written and commands run in the order they stand, before the stages; then the file is gone."""
    made = project(
        tests={"cmds": ["cat a/b/made.txt seen > tested"]},
        files={
            ACTIONS: actions(
                {"kind": "write_file", "path": "a/b/made.txt", "content": "made\n"},
                {"kind": "run_cmd", "cmd": "cp a/b/made.txt seen"},
            )
        },
    )
    result = made.rollout()
    assert result.ok, result.findings
    assert made.read("tested") == "made\nmade\n"
    assert not made.exists(ACTIONS)
    (made.root / "seen").unlink()
    assert made.rollout(repair_iters=0).failed_stage == "tests"


def test_a_failed_action_ends_the_run_and_keeps_the_file(project: Make) -> None:
    """What follows a failed action does not happen, and it can be tried again."""
    made = project(
        tests={"cmds": ["touch tested"]},
        files={ACTIONS: actions({"kind": "run_cmd", "cmd": "exit 4"}, {"kind": "run_cmd", "cmd": "touch second"})},
    )
    result = made.rollout(repair_iters=0)
    assert (result.ok, result.failed_stage) == (False, "actions")
    assert not made.exists("second")
    assert not made.exists("tested")
    assert made.exists(ACTIONS)


def test_a_tracked_file_is_left(project: Make) -> None:
    """What git tracks is not removed, only marked done in the evidence."""
    made = project(tests={"cmds": ["true"]}, files={ACTIONS: actions({"kind": "run_cmd", "cmd": "true"})})
    made.commit()
    result = made.rollout()
    assert result.ok
    assert made.exists(ACTIONS)
    assert "actions_done" in (result.run_dir / "journal.jsonl").read_text()


def test_a_started_service_lives_on(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `start_service` leaves running is there for the stages, what `run_cmd` leaves is not."""
    monkeypatch.setenv("RUNNER_ENV_SANDBOX", "none")  # the process is looked for from outside
    made = project(
        tests={"cmds": ["kill -0 $(cat service)", "! kill -0 $(cat command) 2>/dev/null"]},
        files={
            ACTIONS: actions(
                {"kind": "start_service", "cmd": "sleep 60 & echo $! > service"},
                {"kind": "run_cmd", "cmd": "sleep 60 & echo $! > command"},
            )
        },
    )
    result = made.rollout(repair_iters=0)
    assert result.ok, result.findings
    service = int(made.read("service"))
    with pytest.raises(ProcessLookupError):
        os.kill(service, 0)


@pytest.mark.parametrize("link", ["out/x.txt", "file.txt"])
def test_no_file_is_written_through_a_link(project: Make, tmp_path: Path, link: str) -> None:
    """A link that leads out of the repository, as folder or as file, is not followed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file.txt").write_text("theirs")
    made = project(
        tests={"cmds": ["true"]}, files={ACTIONS: actions({"kind": "write_file", "path": link, "content": "ours"})}
    )
    (made.root / "out").symlink_to(outside)
    (made.root / "file.txt").symlink_to(outside / "file.txt")
    result = made.rollout(repair_iters=0)
    assert (result.ok, result.failed_stage) == (False, "actions")
    assert result.findings[0].code == "action_path_unusable"
    assert str(result.findings[0].where).startswith(ACTIONS)
    assert [path.name for path in outside.iterdir()] == ["file.txt"]
    assert (outside / "file.txt").read_text() == "theirs"
