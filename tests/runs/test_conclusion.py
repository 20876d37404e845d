"""What is said about a run as a whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from runner_env.core import Verdict, Where
from runner_env.errors import EvidenceError
from runner_env.formats.record import read_record
from runner_env.runs.conclusion import bug, interrupted, trouble

Make = Callable[..., Any]


def counting(result: Any) -> list[tuple[str, str, str | None]]:
    """Code, verdict and stage of the findings that are no notes."""
    return [(f.code, f.verdict, f.stage) for f in result.findings if f.verdict is not Verdict.PASSED]


def test_nothing_ran(project: Make) -> None:
    """A contract that declares nothing proves nothing, whichever call is made."""
    made = project()
    assert counting(made.rollout(repair_iters=0)) == [("nothing_ran", "unscored", None)]
    assert counting(made.evaluate(repair_iters=0)) == [("nothing_ran", "unscored", None)]


def test_teardown_alone_is_no_proof(project: Make) -> None:
    """Neither teardown nor bootstrap alone lets a run pass."""
    made = project(
        deploy={"teardown_cmds": ["true"]}, files={".aider_fsm/bootstrap.yml": {"version": 1, "cmds": ["true"]}}
    )
    assert counting(made.evaluate(repair_iters=0)) == [("nothing_ran", "unscored", None)]


def test_required_samples_need_a_rollout(project: Make) -> None:
    """`require_samples` without a declared rollout fails, and says where to add it."""
    result = project(tests={"cmds": ["true"]}).rollout(require_samples=True, repair_iters=0)
    assert counting(result) == [("rollout_not_declared", "failed", "rollout")]
    assert result.failed_stage == "rollout"


def test_required_metrics_need_a_path(project: Make) -> None:
    """An evaluation without a metrics file is unscored where metrics are required, and passes where they are not."""
    made = project(evaluation={"run_cmds": ["true"]})
    assert counting(made.evaluate(repair_iters=0)) == [("metrics_not_declared", "unscored", "metrics")]
    result = made.evaluate(require_metrics=False)
    assert (result.ok, result.score) == (True, None)


@pytest.mark.parametrize(
    ("sections", "setup", "recorded"),
    [
        ({"benchmark": {"run_cmds": ["true"]}}, {"require_metrics": False}, ["not_evaluated"]),
        ({}, {}, ["not_evaluated"]),
        ({}, {"require_metrics": False}, []),
    ],
)
def test_a_rollout_alone_is_no_score(
    project: Make, sections: dict[str, Any], setup: dict[str, Any], recorded: list[str]
) -> None:
    """A call that went well passes; the record of a run that was closed without its measurement does not."""
    made = project(tests={"cmds": ["true"]}, **sections)
    with made.setup(**setup) as session:
        result = session.rollout("a-model")
    assert (result.ok, result.rollout_path) == (True, None)
    record = read_record((result.run_dir / "record.json").read_bytes())
    assert [finding.code for finding in record.findings] == recorded
    assert record.verdict == ("unscored" if recorded else "passed")


def test_a_benchmark_alone_measures(project: Make) -> None:
    """A contract whose only measurement is a benchmark has its score."""
    write = """printf '{"ok": true, "score": 0.25}' > b.json"""
    result = project(benchmark={"run_cmds": [write], "metrics_path": "b.json"}).evaluate()
    assert (result.verdict, result.score) == ("passed", 0.25)


def test_a_link_to_no_bootstrap_is_no_bootstrap_that_may_be_left_out(project: Make, scored: Make) -> None:
    """What stands in the place of a contract file is declared, and must be readable."""
    made = project(evaluation=scored())
    (made.root / ".aider_fsm/bootstrap.yml").symlink_to("nowhere")
    result = made.evaluate(repair_iters=0)
    assert (result.verdict, result.failed_stage) == ("failed", "bootstrap")


def test_repair_note_comes_last_and_only_when_asked(project: Make) -> None:
    """The note about a missing repair follows the failure; `repair_iters=0` leaves it out."""
    made = project(rollout={"run_cmds": ["false"]})
    assert [finding.code for finding in made.rollout().findings] == ["command_failed", "repair_unavailable"]
    assert [finding.code for finding in made.rollout(repair_iters=0).findings] == ["command_failed"]


def test_secrets_are_spoken_of(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was requested and not granted, or granted and not set, is a note that does not count."""
    made = project(tests={"cmds": ["true"]}, security={"secrets": ["MY_TOKEN"]})
    monkeypatch.delenv("MY_OTHER", raising=False)
    with made.setup(pass_env=["MY_OTHER"]) as session:
        result = session.rollout("a-model")
    assert result.ok
    assert [finding.code for finding in result.findings] == ["secret_not_granted", "variable_not_set"]


def test_trouble_is_unscored() -> None:
    """Trouble of the runner blames nobody; it keeps code, place and hint, and the system's own words."""
    error = EvidenceError("evidence_disk_full", "No room.", where=Where("a", 1), hint="Make room.")
    found = trouble(error)
    assert (found.code, found.message, found.where, found.hint) == (error.code, error.message, error.where, error.hint)
    assert found.verdict is Verdict.UNSCORED
    full = trouble(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x"))
    assert (full.code, full.verdict) == ("system_error", "unscored")
    assert "No space left" in full.message


@pytest.mark.parametrize(
    ("error", "code"),
    [(RuntimeError("x"), "internal_error"), (KeyboardInterrupt(), "interrupted"), (SystemExit(3), "interrupted")],
)
def test_bugs_and_interruptions_are_told_apart(error: BaseException, code: str) -> None:
    """Only an `Exception` is a bug; what means to end the program is an interruption. Neither scores."""
    found = bug(error)
    assert (found.code, found.verdict) == (code, "unscored")
    assert type(error).__name__ in found.message


def test_interruption_names_its_reason() -> None:
    """The signal that stopped a run is in the finding."""
    assert "SIGHUP" in interrupted("SIGHUP").message
