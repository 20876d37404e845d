"""The journal alone is enough to understand a run, also one that was killed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner_env.formats import journal

Make = Callable[..., Any]


def told(run_dir: Path, event: str) -> list[dict[str, Any]]:
    """The data of every such event."""
    return [dict(entry.data) for entry in journal.read(run_dir / "journal.jsonl") if entry.event == event]


def test_a_call_says_what_was_asked_for(project: Make, scored: Make) -> None:
    """Kind, mode, level and the names of variables stand there before anything runs; values do not."""
    made = project(evaluation=scored())
    result = made.evaluate(mode="full", env_overrides={"MINE": "a value of mine"}, sandbox="none")
    [call] = told(result.run_dir, "call_started")
    assert (call["kind"], call["sandbox"]) == ("rollout_evaluation", "none")
    assert (call["options"]["mode"], call["options"]["env_overrides"]) == ("full", ["MINE"])
    assert "a value of mine" not in (result.run_dir / "journal.jsonl").read_text()
    assert told(result.run_dir, "run_started")[0]["declared"] == ["evaluation"]


def test_outputs_and_claims_are_named_with_their_hashes(project: Make, scored: Make) -> None:
    """Where an output goes stands there before the command starts, and its hash once it is closed; so do claims."""
    result = project(evaluation=scored()).evaluate()
    [started] = told(result.run_dir, "command_started")
    [recorded] = told(result.run_dir, "output_recorded")
    [claim] = told(result.run_dir, "claim")
    for stream in ("stdout", "stderr"):
        assert recorded[stream]["reference"] == started[stream]
    for kept in (recorded["stdout"], recorded["stderr"], claim):
        assert hashlib.sha256((result.run_dir / kept["reference"]).read_bytes()).hexdigest() == kept["sha256"]


def test_the_end_has_every_finding_and_the_score(project: Make, scored: Make) -> None:
    """Both the end of a call and the end of the run say where it stands."""
    good = project(evaluation=scored()).evaluate()
    assert [end["score"] for name in ("call_ended", "run_ended") for end in told(good.run_dir, name)] == [0.5, 0.5]
    bad = project(evaluation=scored("exit 3")).evaluate(repair_iters=0)
    for name in ("stage_ended", "call_ended", "run_ended"):
        [end] = told(bad.run_dir, name)
        assert [finding["code"] for finding in end["findings"]] == ["command_failed"]


def test_actions_are_told_before_they_are_done(project: Make) -> None:
    """What a `write_file` is about to write stands there by its hash, before the stage of the actions ends."""
    action = {"id": "a", "kind": "write_file", "path": "x", "content": "made\n"}
    files = {".aider_fsm/actions.yml": {"version": 1, "actions": [action]}}
    result = project(tests={"cmds": ["true"]}, files=files).rollout()
    [started] = told(result.run_dir, "actions_started")
    [item] = started["actions"]
    assert (item["path"], item["content"]) == ("x", hashlib.sha256(b"made\n").hexdigest())


def test_a_stage_that_is_skipped_says_why(project: Make) -> None:
    """A bootstrap that was done by an earlier run is an event too."""
    made = project(tests={"cmds": ["true"]}, files={".aider_fsm/bootstrap.yml": {"version": 1, "cmds": ["true"]}})
    first = made.rollout()
    [skipped] = told(made.rollout().run_dir, "stage_skipped")
    assert (skipped["stage"], skipped["reason"]) == ("bootstrap", f"unchanged since run {first.run_id}")
