"""The list of runs comes from their directories, whatever is in them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.errors import RunError
from runner_env.evidence import RunDir
from runner_env.reporting.runs import render_runs, runs_json
from runner_env.runs.listing import RunSummary, find_run, list_runs

Make = Callable[..., Any]


def one(home: Path) -> RunSummary:
    """The one run there is."""
    [run] = list_runs(home / "runs")
    return run


def test_no_runs(home: Path) -> None:
    """A home without any run is no error."""
    assert list_runs(home / "runs") == []
    assert render_runs([]) == "no runs\n"
    assert json.loads(runs_json([])) == []


def test_verdicts_scores_and_order(project: Make, scored: Make, home: Path) -> None:
    """Newest first, with what the records say."""
    made = project(evaluation=scored())
    good = made.evaluate()
    made.write({"pipeline.yml": {"version": 1, "evaluation": scored("exit 3")}})
    bad = made.evaluate(repair_iters=0)
    with made.setup() as session:
        session.rollout("a-model")
    runs = list_runs(home / "runs")
    assert [run.state for run in runs] == ["unscored", "failed", "passed"]
    assert [run.run_id for run in runs][1:] == [bad.run_id, good.run_id]
    assert (runs[2].score, runs[2].model, runs[2].mode, runs[2].stage) == (0.5, "a-model", "smoke", None)
    assert runs[1].stage == "evaluation"
    assert runs[2].duration_s is not None
    assert (runs[2].started_at is not None, runs[2].workspace) == (True, str(made.root))
    table = render_runs(runs).splitlines()
    assert [line.split()[0] for line in table] == ["run", *(run.run_id for run in runs)]
    keys = "format run_id state started_at target model mode score duration_s stage workspace run_dir findings"
    assert [list(item) for item in json.loads(runs_json(runs))] == [keys.split()] * 3


def test_a_live_run_and_a_lost_one(tmp_path: Path, home: Path) -> None:
    """Who holds the lock lives; without it, and without a record, the run was interrupted."""
    run_dir = RunDir.create(home / "runs", "20261122T021400Z-0123456789abcdef")
    run_dir.journal.append("run_started", target="t", model={"name": "m"}, workspace=str(tmp_path))
    run_dir.journal.append("stage_started", stage="rollout")
    assert (one(home).state, one(home).stage, one(home).target) == ("running", "rollout", "t")
    run_dir.close()
    assert (one(home).state, one(home).stage, one(home).model) == ("interrupted", "rollout", "m")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "an empty directory": lambda path: [child.unlink() for child in path.iterdir() if child.is_file()],
    "a journal of garbage": lambda path: (path / "journal.jsonl").write_bytes(b"\xff\n{}\n"),
    "a journal that is a folder": lambda path: ((path / "journal.jsonl").unlink(), (path / "journal.jsonl").mkdir()),
    "a journal that is a pipe": lambda path: ((path / "journal.jsonl").unlink(), os.mkfifo(path / "journal.jsonl")),
    "a record that is no JSON": lambda path: (path / "record.json").write_bytes(b"{"),
    "another record": lambda path: (path / "record.json").write_bytes(b'{"format": "x", "verdict": "passed"}'),
    "a record that leads nowhere": lambda path: (
        (path / "record.json").unlink(), (path / "record.json").symlink_to("no"),
    ),
    "a record that is a pipe": lambda path: ((path / "record.json").unlink(), os.mkfifo(path / "record.json")),
    "no lock and no journal": lambda path: ((path / "run.lock").unlink(), (path / "journal.jsonl").unlink()),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(DAMAGE))
def test_a_damaged_directory_is_listed_as_such(project: Make, scored: Make, home: Path, what: str) -> None:
    """With a finding and a state that is no verdict to rely on, and the other runs are listed beside it."""
    made = project(evaluation=scored())
    damaged, sound = made.evaluate(), made.evaluate()
    DAMAGE[what](damaged.run_dir)
    runs = {run.run_id: run for run in list_runs(home / "runs")}
    assert runs[sound.run_id].state == "passed"
    assert runs[damaged.run_id].state in ("unscored", "interrupted")
    assert len(runs[damaged.run_id].findings) == 1
    assert runs[damaged.run_id].score is None
    assert damaged.run_id in render_runs(list(runs.values()))
    json.loads(runs_json(list(runs.values())))


def test_a_record_without_its_seal_is_not_the_end(project: Make, scored: Make, home: Path) -> None:
    """Killed between the record and the line that names its hash, a run counts as interrupted."""
    result = project(evaluation=scored()).evaluate()
    path = result.run_dir / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert one(home).state == "interrupted"


def test_how_a_run_is_named(home: Path) -> None:
    """By its id, by a beginning that no other has, or by its directory."""
    first, second = "20261122T021400Z-00", "20261122T021400Z-01"
    for run_id in (first, second):
        RunDir.create(home / "runs", run_id).close()
    runs = home / "runs"
    assert find_run(runs, first) == find_run(runs, str(runs / first)) == (runs / first)
    for named, code in (
        ("2026", "run_ambiguous"),
        ("x", "run_not_found"),
        ("", "run_not_found"),
        ("..", "run_not_found"),
    ):
        with pytest.raises(RunError) as error:
            find_run(runs, named)
        assert error.value.code == code
    (runs / first / "journal.jsonl").unlink()
    assert find_run(runs, first) == runs / first
    assert find_run(runs, f"{second[:-1]}1") == runs / second
