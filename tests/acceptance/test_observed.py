"""What a run's evidence says about the programs that its stages executed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.formats.trace import WriteEvent, programs, read_trace
from runner_env.runs.proof import check_proof

METRICS = ".aider_fsm/metrics.json"
GOOD = f"""printf '{{"ok": true, "score": 0.5}}' > {METRICS}"""


def evaluation(*commands: str) -> dict[str, object]:
    """An evaluation with these commands before its score."""
    return {"run_cmds": [*commands, GOOD], "metrics_path": METRICS, "required_keys": ["score"]}


@pytest.fixture
def run(project: Callable[..., Any]) -> Callable[..., Any]:
    """Run a contract: `run(sections..., env={...})`; returns the result and its record."""

    def go(*, env: Mapping[str, str] | None = None, pass_env: tuple[str, ...] = (), **sections: object) -> Any:
        made = project(**sections)
        result = made.evaluate(env_overrides=env or {}, pass_env=pass_env)
        return made, result, json.loads((result.run_dir / "record.json").read_bytes())

    return go


def trace_of(result: Any, record: Any, stage: str, number: int = 1) -> Any:
    """The events of a command, and the record's word about them."""
    found = next(one for one in record["stages"] if one["stage"] == stage)
    command = next(one for one in found["commands"] if one["number"] == number)
    return read_trace(result.run_dir / command["trace"]["reference"])[1], command["trace"]


def test_every_stage_is_observed(run: Callable[..., Any]) -> None:
    """Each command of each stage has a trace that is part of the proof, and the record counts its programs."""
    _, result, record = run(
        tests={"cmds": ["env true"]},
        deploy={"setup_cmds": ["echo '{}' > .aider_fsm/runtime_env.json"], "teardown_cmds": ["true"]},
        evaluation=evaluation(),
    )
    assert result.ok, result.findings
    assert [(stage["observed"], stage["unobserved"]) for stage in record["stages"]] == [(True, "")] * 4
    assert all(command["trace"]["missing"] == "" for stage in record["stages"] for command in stage["commands"])
    events, trace = trace_of(result, record, "tests")
    assert [Path(one.program).name for one in programs(events)][1:] == ["env", "true"]
    assert trace["programs"] == 3
    file = result.run_dir / trace["reference"]
    assert file.name == "tests_cmd01_try01_trace.jsonl"
    assert check_proof(result.run_dir).ok
    file.write_bytes(file.read_bytes().replace(b'"true"', b'"pytest"'))
    assert [problem.code for problem in check_proof(result.run_dir).problems] == ["evidence_changed"]


def test_writes_are_told_of_the_evaluation_only(run: Callable[..., Any]) -> None:
    """Who opened the score to write it is in the trace of the evaluation; elsewhere writes are not looked at."""
    made, result, record = run(tests={"cmds": ["echo > made-by-tests"]}, evaluation=evaluation("echo > noise"))
    events, _ = trace_of(result, record, "evaluation", 2)
    wrote = [event for event in events if isinstance(event, WriteEvent)]
    assert [event.paths for event in wrote] == [(str(made.root / METRICS),)]
    assert not any(isinstance(event, WriteEvent) for event in trace_of(result, record, "tests")[0])


def test_secrets_in_arguments_are_masked(run: Callable[..., Any]) -> None:
    """A secret that a command hands to a program is nowhere in the evidence."""
    secret = "s3cr3t-value-0123456789"
    _, result, record = run(
        security={"secrets": ["MY_TOKEN"]},
        evaluation=evaluation('env printf "$MY_TOKEN" | wc -c'),
        env={"MY_TOKEN": secret},
    )
    assert result.ok, result.findings
    events, _ = trace_of(result, record, "evaluation")
    assert ("env", "printf", "***") in {one.argv for one in programs(events)}
    for path in result.run_dir.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_switched_off(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator may have it left out: the record says so, and the run is judged as ever."""
    monkeypatch.setenv("RUNNER_ENV_OBSERVE", "off")
    _, result, record = run(evaluation=evaluation())
    assert result.verdict is Verdict.PASSED
    stage = record["stages"][0]
    assert (stage["observed"], stage["unobserved"]) == (False, "RUNNER_ENV_OBSERVE=off")
    assert [command["trace"] for command in stage["commands"]] == [None]


def test_a_machine_that_cannot_observe(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the probe fails the commands run all the same, and the record has the reason."""
    monkeypatch.setattr("runner_env.execution.inside._OBSERVABLE", set())  # what an earlier box found out
    monkeypatch.setattr("runner_env.execution.inside.probe", lambda _: "Device or resource busy (EBUSY)")
    _, result, record = run(evaluation=evaluation())
    assert result.ok
    assert record["stages"][0]["unobserved"] == "Device or resource busy (EBUSY)"
    assert not record["stages"][0]["observed"]


def test_a_service_is_observed_to_its_end(run: Callable[..., Any]) -> None:
    """What a kept service executes while later stages run is in the trace of the command that started it."""
    service = "(while [ ! -e go ]; do sleep 0.02; done; expr 6 '*' 7 > done; sleep 60)"
    setup = f"{service} & echo '{{}}' > .aider_fsm/runtime_env.json"
    wait = "touch go; while [ ! -s done ]; do sleep 0.02; done"
    _, result, record = run(deploy={"setup_cmds": [setup]}, evaluation=evaluation(wait))
    assert result.ok, result.findings
    events, trace = trace_of(result, record, "deploy_setup")
    assert ("expr", "6", "*", "7") in {one.argv for one in programs(events)}
    assert trace["missing"] == ""


def test_a_refused_command_has_no_trace(run: Callable[..., Any]) -> None:
    """A command that was not executed has nothing to observe."""
    _, _, record = run(security={"denylist": ["forbidden"]}, evaluation=evaluation("echo forbidden"))
    assert [command["trace"] for command in record["stages"][0]["commands"]] == [None]
