"""One run, driven by hand: what it holds, what stops it, how it ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.contract import load_contract
from runner_env.core import ModelKind, ModelRef
from runner_env.errors import EvidenceError, WorkspaceBusy
from runner_env.evidence.rundir import RunDir
from runner_env.pipeline.plan import BEFORE_EVALUATION, EVALUATION
from runner_env.runs.inputs import RunInputs
from runner_env.runs.options import CallOptions, SetupOptions
from runner_env.runs.run import Run
from runner_env.settings import Settings
from runner_env.targets import fetch

Make = Callable[..., Any]
MODEL = ModelRef(ModelKind.REMOTE, "a-model")


def begin(made: Any) -> Run:
    """An open run of a project."""
    settings = Settings.from_environ()
    checkout = fetch(made.root, settings=settings)
    contract = load_contract(checkout.root, "pipeline.yml")
    return Run(RunInputs(str(made.root), checkout, contract, SetupOptions(), settings), MODEL)


def test_an_open_run_holds_its_workspace_and_its_directory(project: Make) -> None:
    """Until it is finished nobody else can begin, and its directory counts as live; finishing twice does nothing."""
    made = project(tests={"cmds": ["true"]})
    run = begin(made)
    assert RunDir.is_live(run.run_dir.path)
    with pytest.raises(WorkspaceBusy, match=run.run_id):
        begin(made)
    run.finish()
    written = (run.run_dir.path / "record.json").read_bytes()
    run.finish()
    assert (run.run_dir.path / "record.json").read_bytes() == written
    assert not RunDir.is_live(run.run_dir.path)
    begin(made).finish()


def test_a_stopped_run_runs_no_further_stage(project: Make) -> None:
    """A stop before or between stages skips the rest, with a reason; the teardown runs."""
    made = project(tests={"cmds": ["touch tested"]}, deploy={"teardown_cmds": ["touch torn-down"]})
    run = begin(made)
    run.stop("because")
    run.perform("rollout", CallOptions(), BEFORE_EVALUATION)
    run.finish()
    assert not made.exists("tested")
    assert made.exists("torn-down")
    assert [(item.stage, item.reason) for item in run.progress.plan] == [
        ("tests", "interrupted"),
        ("deploy_teardown", ""),
    ]
    assert [finding.code for finding in run.progress.findings] == ["interrupted"]
    assert "because" in run.progress.findings[0].message


def test_stopping_again_before_the_end_spares_the_teardown(project: Make) -> None:
    """However often an open run is stopped, its teardown is not; a stop during the end would be its."""
    made = project(tests={"cmds": ["true"]}, deploy={"teardown_cmds": ["touch torn-down"]})
    run = begin(made)
    for _ in range(3):
        run.stop("again")
    run.finish()
    assert made.exists("torn-down")
    run.stop("too late")


def test_stages_may_come_in_several_calls(project: Make, scored: Make) -> None:
    """What is performed in two steps is one run, each step with a published folder of its own."""
    made = project(tests={"cmds": ["true"]}, evaluation=scored())
    run = begin(made)
    run.perform("rollout", CallOptions(), BEFORE_EVALUATION)
    first = run.progress.artifacts_dir
    run.perform("evaluation", CallOptions(), EVALUATION)
    run.conclude(scored=True)
    run.finish()
    assert run.progress.verdict == "passed"
    assert (first.name, run.progress.artifacts_dir.name) == ("rollout_attempt_01", "evaluation_attempt_01")


def test_a_child_process_cannot_finish_it(project: Make) -> None:
    """In a forked child the run is the parent's: finishing it there does nothing."""
    run = begin(project(tests={"cmds": ["true"]}))
    child = os.fork()
    if child == 0:
        run.finish()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not (run.run_dir.path / "record.json").exists()
    run.finish()
    assert (run.run_dir.path / "record.json").exists()


def test_a_run_whose_directory_cannot_be_made_frees_the_workspace(
    project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error at the start is raised as it is, and nothing is held afterwards."""
    made = project(tests={"cmds": ["true"]})
    with monkeypatch.context() as patch:
        patch.setattr("runner_env.runs.run.record.opening", lambda *_: {"x": float("nan")})
        with pytest.raises(ValueError, match="JSON"):
            begin(made)
    begin(made).finish()


def test_a_stage_that_breaks_off_is_not_said_to_be_skipped(project: Make, scored: Make, home: Path) -> None:
    """Where the runner itself fails in the middle of a stage, the plan says so, and captures are closed."""
    made = project(tests={"cmds": ["echo seen; touch begun"]}, evaluation=scored(), deploy={"teardown_cmds": ["true"]})
    run = begin(made)
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runner_env.pipeline.attempts.Attempts._execute", full_disk)
        run.perform("rollout", CallOptions(), BEFORE_EVALUATION)
    assert set(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
    run.finish()
    plan = {item.stage: (item.status, item.reason, item.ok) for item in run.progress.plan}
    assert plan["tests"] == ("run", "broke off", False)
    assert plan["evaluation"] == ("skipped", "tests broke off", None)
    assert plan["deploy_teardown"] == ("run", "", True)
    assert [finding.code for finding in run.progress.findings] == ["evidence_io"]
    assert home in run.run_dir.path.parents


def full_disk(*_: object) -> None:
    """What a room does whose disk is full."""
    raise EvidenceError("evidence_io", "No room.")


def test_what_is_said_of_trouble_has_no_secrets(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of an error that nobody foresaw are masked like everything else."""
    monkeypatch.setenv("MY_API_KEY", "sk-a-long-secret-value")

    def leak(*_: object) -> None:
        raise OSError("cannot use sk-a-long-secret-value")

    made = project(tests={"cmds": ["true"]})
    run = begin(made)
    monkeypatch.setattr("runner_env.pipeline.attempts.Attempts._execute", leak)
    run.perform("rollout", CallOptions(), BEFORE_EVALUATION)
    run.finish()
    assert [finding.code for finding in run.progress.findings] == ["system_error"]
    assert not any(b"long-secret" in file.read_bytes() for file in run.run_dir.path.rglob("*") if file.is_file())
