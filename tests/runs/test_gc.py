"""What `gc` removes, and what it leaves alone."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.errors import RunError
from runner_env.evidence import RunDir
from runner_env.formats import journal
from runner_env.runs.gc import GcOptions, GcReport, collect
from runner_env.runs.gc_journal import gc_journal
from runner_env.settings import Settings
from runner_env.targets.temporary import held_directory

Make = Callable[..., Any]
LONG_AGO = time.time() - 40 * 86_400


def tidied(**options: Any) -> GcReport:
    """What came of it."""
    return collect(Settings.from_environ(), GcOptions(**options))


def aged(path: Path) -> Path:
    """The same path, not used for forty days."""
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_nothing_to_do() -> None:
    """Where nothing was ever run, and where all runs ended."""
    assert tidied() == GcReport(ok=True, dry_run=False, runs=(), removed=())


def test_half_clones_of_the_lost_only(home: Path) -> None:
    """One that somebody works on stays."""
    targets = home / "targets"
    (targets / ".new-lost").mkdir(parents=True)
    with held_directory(".new-", targets) as held:
        assert tidied(dry_run=True).removed == (str(targets / ".new-lost"),)
        assert (targets / ".new-lost").exists()
        assert tidied().removed == (str(targets / ".new-lost"),)
        assert held.exists()
    assert list(targets.iterdir()) == []
    [entry] = journal.read(home / "gc.jsonl")
    assert (entry.event, entry.data["path"]) == ("removing", str(targets / ".new-lost"))


def test_a_directory_in_which_nothing_was_begun(home: Path) -> None:
    """It goes, but not while it may be in the making."""
    young, old = home / "runs" / "young", home / "runs" / "old"
    for path in (young, old):
        path.mkdir(parents=True)
    aged(old)
    assert [(run.run_id, run.did) for run in tidied().runs] == [("old", ("removed",))]
    assert (young.exists(), old.exists()) == (True, False)


def test_a_record_without_its_seal_gets_it(project: Make, scored: Make, home: Path) -> None:
    """The run is then what its record says, and proven."""
    from runner_env.runs.listing import list_runs
    from runner_env.runs.proof import check_proof

    result = project(evaluation=scored()).evaluate()
    path = result.run_dir / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert [run.did for run in tidied().runs] == [("sealed",)]
    assert [run.state for run in list_runs(home / "runs")] == ["passed"]
    assert check_proof(result.run_dir).ok


def test_a_record_of_another_history_does_not(project: Make, scored: Make) -> None:
    """What does not name the journal's head is not sealed."""
    made = project(evaluation=scored())
    first, second = made.evaluate(), made.evaluate()
    path = first.run_dir / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    (first.run_dir / "record.json").write_bytes((second.run_dir / "record.json").read_bytes())
    tidied()
    assert not any(entry.event == "record_written" for entry in journal.read(path))


def test_what_is_old_goes_only_if_asked(project: Make, scored: Make, home: Path) -> None:
    """Runs that are over, clones, caches and copies, by when they were last used; what is in use stays."""
    made = project(evaluation=scored())
    old, new = made.evaluate(), made.evaluate()
    aged(old.run_dir / "journal.jsonl")
    live = RunDir.create(home / "runs", "live")
    live.journal.append("run_started")
    aged(live.path / "journal.jsonl")
    for name in ("old-clone", "new-clone"):
        (home / "targets" / name).mkdir(parents=True)
    aged(home / "targets" / "old-clone")
    [cache] = (home / "cache").iterdir()
    old_cache, used_cache = home / "cache" / "0123456789abcdef", home / "cache" / "fedcba9876543210"
    used = home / "scratch" / used_cache.name[:8]
    used.mkdir(parents=True)
    (used / "run").write_text("live\n")
    copies = home / "workspaces" / "target-0123"
    for folder in (old_cache, used_cache, copies / "1", copies / "2", copies / "3"):
        folder.mkdir(parents=True)
        aged(folder)
    for number in (1, 2, 3):
        (copies / f"{number}.lock").touch()
    os.utime(copies / "3")
    holder = (copies / "2.lock").open("w")
    fcntl.flock(holder, fcntl.LOCK_EX)
    assert tidied().removed == ()
    gone = {str(old.run_dir), str(home / "targets" / "old-clone"), str(old_cache), str(copies / "1")}
    assert set(tidied(older_than_days=30, dry_run=True).removed) == gone
    assert set(tidied(older_than_days=30).removed) == gone
    assert {path.name for path in (home / "runs").iterdir()} == {new.run_id, "live"}
    assert {path.name for path in (home / "targets").iterdir()} == {"new-clone"}
    assert set((home / "cache").iterdir()) == {cache, used_cache}
    assert {path.name for path in copies.iterdir() if path.is_dir()} == {"2", "3"}
    holder.close()
    live.close()


def test_a_removal_that_was_cut_is_completed(home: Path) -> None:
    """What is called as being removed is removed the next time, and is no run until then."""
    (home / "runs" / ".gone-x" / "stages").mkdir(parents=True)
    assert tidied().removed == (str(home / "runs" / ".gone-x"),)
    assert list((home / "runs").iterdir()) == []


def test_one_at_a_time(home: Path) -> None:
    """A second one is told so; a journal that was changed is put aside and does not stop it."""
    with gc_journal(home) as first:
        first.append("removing", path="x")
        with pytest.raises(RunError, match="at work"):
            tidied()
    (home / "gc.jsonl").write_bytes(b"garbage\n")
    assert tidied().ok
    assert (home / "gc.jsonl.changed").read_bytes() == b"garbage\n"


def test_a_changed_contract_is_not_run(project: Make) -> None:
    """A teardown that is not the one of the run is left to the user, and said to be left."""
    made = project(deploy={"setup_cmds": ["true"], "teardown_cmds": ["touch torn"]})
    with made.setup() as session:
        run_dir = session.rollout("a-model").run_dir
    lines = (run_dir / "journal.jsonl").read_bytes().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if b'"event":"stage_ended"' in line)
    (run_dir / "journal.jsonl").write_bytes(b"".join(lines[: cut + 1]))
    (run_dir / "record.json").unlink()
    (made.root / "torn").unlink(missing_ok=True)
    made.write({"pipeline.yml": {"version": 1, "deploy": {"teardown_cmds": ["touch other"]}}})
    report = tidied()
    assert report.ok is False
    assert [finding.code for finding in report.runs[0].findings] == ["resume_changed"]
    assert (made.exists("torn"), made.exists("other")) == (False, False)


@pytest.mark.parametrize(
    ("policy", "due"), [("always", True), ("on_failure", True), ("on_success", False), ("never", False)]
)
def test_the_teardown_policy_holds(project: Make, policy: str, due: bool) -> None:
    """A lost run is no success."""
    sections = {"setup_cmds": ["echo '{}' > .aider_fsm/runtime_env.json"], "teardown_cmds": ["touch torn"]}
    made = project(deploy={**sections, "teardown_policy": policy})
    with made.setup() as session:
        run_dir = session.rollout("a-model").run_dir
    lines = (run_dir / "journal.jsonl").read_bytes().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if b'"event":"stage_ended"' in line)
    (run_dir / "journal.jsonl").write_bytes(b"".join(lines[: cut + 1]))
    (run_dir / "record.json").unlink()
    (made.root / "torn").unlink(missing_ok=True)
    assert tidied().ok
    assert made.exists("torn") is due
    assert tidied().runs == ()
