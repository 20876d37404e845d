"""The record of a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from runner_env.formats import journal
from runner_env.formats.record import read_record

Make = Callable[..., Any]


def test_record_says_what_ran_on_what(project: Make, scored: Make, rolled: dict[str, Any]) -> None:
    """Revision, contract, model, options, versions, plan, commands and durations are in the record."""
    made = project(rollout=rolled, evaluation=scored())
    made.commit()
    head = made.git("rev-parse", "HEAD").strip()
    result = made.evaluate(mode="full", env_overrides={"MY_SETTING": "a value"})
    record = read_record((result.run_dir / "record.json").read_bytes())
    assert (record.run_id, record.verdict, record.ok, record.score) == (result.run_id, "passed", True, 0.5)
    assert (record.revision.commit, record.revision.dirty) == (head, False)
    assert (record.model.kind, record.model.name, record.mode) == ("remote", "a-model", "full")
    assert record.contract.file == "pipeline.yml"
    assert record.options["call"]["env_overrides"] == ["MY_SETTING"]
    assert "a value" not in (result.run_dir / "record.json").read_text()
    assert {"runner_env", "python"} <= set(record.versions)
    assert [stage.stage for stage in record.stages] == ["rollout", "evaluation"]
    for stage in record.stages:
        assert stage.duration_s >= stage.commands[0].outcome.duration_s > 0
        for command in stage.commands:
            stored = (result.run_dir / command.stdout.reference).read_bytes()
            assert len(stored) == command.stdout.total_bytes - command.stdout.omitted_bytes
    assert record.duration_s >= sum(stage.duration_s for stage in record.stages)
    assert record.started_at <= record.stages[0].started_at <= record.ended_at


def test_record_names_the_end_of_the_journal(project: Make) -> None:
    """A journal whose last lines are missing does not fit its record."""
    result = project(tests={"cmds": ["true"]}).rollout()
    data = (result.run_dir / "record.json").read_bytes()
    *_, before, last = journal.read(result.run_dir / "journal.jsonl")
    assert (before.hash, before.n) == (json.loads(data)["journal_head"], json.loads(data)["journal_entries"])
    assert (last.event, last.data) == ("record_written", {"sha256": hashlib.sha256(data).hexdigest()})


def test_journal_tells_the_run_in_order(project: Make, scored: Make) -> None:
    """Start, stages, commands and end are events, each command's start before its end."""
    result = project(evaluation=scored()).evaluate()
    events = [json.loads(line) for line in (result.run_dir / "journal.jsonl").read_text().splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "run_started"
    assert names[-2:] == ["run_ended", "record_written"]
    wanted = ["stage_started", "command_started", "command_ended", "claim", "stage_ended"]
    assert [name for name in names if name in wanted] == wanted


def test_model_directory_is_recorded(project: Make, tmp_path: Any) -> None:
    """A local model is recorded with its absolute path."""
    model = tmp_path / "m"
    model.mkdir()
    with project(tests={"cmds": ["true"]}).setup() as session:
        result = session.rollout(model)
    record = read_record((result.run_dir / "record.json").read_bytes())
    assert (record.model.kind, record.model.path) == ("local_hf", str(model))


@pytest.mark.parametrize("command", ["false", "sleep 60", "kill -9 $$"])
def test_bad_ends_are_recorded(project: Make, command: str) -> None:
    """However a command ends, the record has it, and no score."""
    made = project(rollout={"run_cmds": [command], "timeout_seconds": 1})
    result = made.rollout(repair_iters=0)
    record = read_record((result.run_dir / "record.json").read_bytes())
    outcome = record.stages[0].commands[0].outcome
    endings = {"false": ("exited", 1), "sleep 60": ("timed_out", 124), "kill -9 $$": ("signalled", 137)}
    assert (outcome.ending, outcome.exit_code) == endings[command]
    assert (record.verdict, record.score, record.failed_stage) == ("failed", None, "rollout")


def test_credentials_in_an_option_are_not_recorded(project: Make) -> None:
    """The address of an agent server may hold a password; record and journal have the address alone."""
    made = project(tests={"cmds": ["true"]})
    with made.setup(opencode_url="http://me:a-long-password@127.0.0.1:1") as session:
        result = session.rollout("a-model")
    record = read_record((result.run_dir / "record.json").read_bytes())
    assert record.options["setup"]["agent"]["url"] == "http://127.0.0.1:1"
    assert not any(b"a-long-password" in file.read_bytes() for file in result.run_dir.iterdir() if file.is_file())
