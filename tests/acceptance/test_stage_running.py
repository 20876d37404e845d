"""Stages through the public API: order, retries, limits, policy, working directories, teardown, what is left behind."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.errors import ContractError, OptionError
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
MARK = "echo $AIDER_FSM_STAGE >> order.txt"


def codes(result: CallResult) -> list[str]:
    """The codes of all findings."""
    return [finding.code for finding in result.findings]


def record_of(result: CallResult) -> dict[str, Any]:
    """The stored record of a finished run."""
    value: dict[str, Any] = json.loads((result.run_dir / "record.json").read_bytes())
    return value


def plan_of(result: CallResult) -> dict[str, tuple[str, str]]:
    """Status and reason of every planned stage."""
    return {item.stage.value: (item.status.value, item.reason) for item in result.plan}


def test_every_declared_stage_runs_in_order(project: Make, scored: Make) -> None:
    """B030, B045: every stage of the contract is really executed, in the published order, benchmark and auth too."""
    made = project(
        files={
            ".aider_fsm/bootstrap.yml": {"version": 1, "cmds": [MARK]},
            ".aider_fsm/actions.yml": {"version": 1, "actions": [{"id": "a", "kind": "run_cmd", "cmd": MARK}]},
        },
        auth={"steps": [MARK]},
        tests={"cmds": [MARK]},
        deploy={
            "setup_cmds": [MARK, "echo '{}' > .aider_fsm/runtime_env.json"],
            "health_cmds": [MARK],
            "teardown_cmds": [MARK],
        },
        rollout={"run_cmds": [MARK, "echo '{}' > .aider_fsm/rollout.json"]},
        evaluation=scored(f'{MARK}; printf \'{{"ok": true, "score": 0.5}}\' > .aider_fsm/metrics.json'),
        benchmark={
            "run_cmds": [MARK, 'printf \'{"ok": true, "score": 0.9}\' > bench.json'],
            "metrics_path": "bench.json",
        },
    )
    result = made.evaluate()
    stages = "bootstrap actions auth tests deploy_setup deploy_health rollout evaluation benchmark deploy_teardown"
    assert made.read("order.txt").split() == stages.split()
    assert [item.stage.value for item in result.plan] == stages.split()
    assert {item.status.value for item in result.plan} == {"run"}
    assert (result.ok, result.score) == (True, 0.5)


@pytest.mark.parametrize("failing", ["auth", "tests", "deploy_setup", "deploy_health", "rollout", "evaluation"])
def test_the_first_failing_stage_ends_the_run(project: Make, scored: Make, failing: str) -> None:
    """B030, B043: nothing after the failing stage runs but the teardown; `failed_stage` names it."""

    def command(stage: str) -> str:
        return f"{MARK}; exit 7" if stage == failing else MARK

    made = project(
        auth={"cmds": [command("auth")]},
        tests={"cmds": [command("tests")]},
        deploy={
            "setup_cmds": [command("deploy_setup"), "echo '{}' > .aider_fsm/runtime_env.json"],
            "health_cmds": [command("deploy_health")],
            "teardown_cmds": [MARK],
        },
        rollout={"run_cmds": [command("rollout"), "echo '{}' > .aider_fsm/rollout.json"]},
        evaluation=scored(command("evaluation")),
    )
    result = made.evaluate()
    order = ["auth", "tests", "deploy_setup", "deploy_health", "rollout", "evaluation"]
    reached = order[: order.index(failing) + 1]
    assert made.read("order.txt").split() == [*reached, "deploy_teardown"]
    assert (result.ok, result.failed_stage, result.verdict) == (False, failing, Verdict.FAILED)
    assert all(status == "skipped" and reason for status, reason in list(plan_of(result).values())[len(reached) : -1])


def test_a_failing_command_keeps_its_exit_code_and_its_files(project: Make) -> None:
    """B031: rc, failed_index, the published files of the attempt and the summary."""
    made = project(tests={"cmds": ["echo one", "echo out; echo err >&2; exit 3", "echo never"]})
    result = made.evaluate()
    stage = result.verify.tests
    assert [one.rc for one in stage.results] == [0, 3]
    assert (stage.ok, stage.failed_index) == (False, 1)
    names = {path.name for path in result.artifacts_dir.iterdir()}
    parts = ("cmd.txt", "stdout.txt", "stderr.txt", "result.json")
    assert {f"tests_cmd02_try01_{part}" for part in parts} <= names
    assert not any("cmd03" in name for name in names)
    published = {name: (result.artifacts_dir / f"tests_cmd02_try01_{name}").read_text() for name in parts}
    assert (published["stdout.txt"], published["stderr.txt"]) == ("out\n", "err\n")
    assert json.loads(published["result.json"])["rc"] == 3
    summary = json.loads((result.artifacts_dir / "tests_summary.json").read_text())
    assert (summary["ok"], summary["failed_index"], summary["total_results"]) == (False, 1, 2)
    finding = next(finding for finding in result.findings if finding.code == "command_failed")
    span = finding.evidence[0]
    assert (result.run_dir / span.reference).read_bytes()[span.start : span.end] == b"out\n"


def test_retries_until_success(project: Make, scored: Make) -> None:
    """B032: a stage with `retries` is ok when a later try succeeds; every try is kept."""
    command = "echo try >> tries; echo $(wc -l < tries); test $(wc -l < tries) -ge 3"
    made = project(tests={"cmds": [command], "retries": 4}, evaluation=scored())
    result = made.evaluate()
    stage = result.verify.tests
    assert ([one.rc for one in stage.results], stage.ok, stage.failed_index) == ([1, 1, 0], True, None)
    kept = sorted(path.name for path in result.artifacts_dir.glob("tests_cmd01_try*_stdout.txt"))
    assert kept == [f"tests_cmd01_try0{number}_stdout.txt" for number in (1, 2, 3)]
    assert [one.stdout for one in stage.results] == ["1\n", "2\n", "3\n"]
    assert result.ok


def test_retries_used_up(project: Make) -> None:
    """B032: N retries are N + 1 tries, and the last one is the one that failed the stage."""
    result = project(tests={"cmds": ["exit 5"], "retries": 2}).evaluate()
    assert [one.rc for one in result.verify.tests.results] == [5, 5, 5]
    assert result.verify.tests.failed_index == 2


def test_a_failed_try_leaves_no_process_behind(project: Make, scored: Make) -> None:
    """B032: what a failed try started in the background is gone when the next one begins."""
    command = 'if [ -f pid ]; then kill -0 "$(cat pid)" 2> /dev/null && echo alive; true; else sleep 300 & '
    command += "echo $! > pid; exit 1; fi"
    result = project(tests={"cmds": [command], "retries": 1}, evaluation=scored()).evaluate()
    assert result.ok
    assert [one.stdout for one in result.verify.tests.results] == ["", ""]


def test_teardown_is_never_retried(project: Make, scored: Make) -> None:
    """Section 4.3: a teardown has one try; its failure does not go unseen."""
    made = project(
        deploy={
            "teardown_cmds": ["echo x >> torn; exit 4"],
            "retries": 3,
            "setup_cmds": ["echo '{}' > .aider_fsm/runtime_env.json"],
        },
        evaluation=scored(),
    )
    result = made.evaluate()
    assert made.read("torn") == "x\n"
    assert (result.ok, result.failed_stage) == (False, "deploy_teardown")


def test_a_command_that_takes_too_long(project: Make) -> None:
    """B033: rc 124, timed_out, output so far kept; the smaller of the stage's and the contract's limit holds."""
    made = project(
        security={"max_cmd_seconds": 60}, tests={"cmds": ["echo before; sleep 30"], "timeout_seconds": 1, "retries": 0}
    )
    started = time.monotonic()
    result = made.evaluate()
    assert time.monotonic() - started < 15
    one = result.verify.tests.results[0]
    assert (one.rc, one.timed_out, one.stdout) == (124, True, "before\n")
    assert json.loads((result.artifacts_dir / "tests_cmd01_try01_result.json").read_text())["timed_out"] is True
    assert result.failed_stage == "tests"


def test_the_contracts_limit_is_the_smaller_one(project: Make) -> None:
    """B033: `security.max_cmd_seconds` below the stage's own `timeout_seconds` holds."""
    made = project(security={"max_cmd_seconds": 1}, tests={"cmds": ["sleep 30"], "timeout_seconds": 20})
    result = made.evaluate()
    one = result.verify.tests.results[0]
    assert (one.rc, one.timed_out) == (124, True)
    assert one.duration_s < 10


@pytest.mark.parametrize("given", ["stage", "caller", "override"])
def test_a_variable_lifts_a_cap(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """B034: AIDER_FSM_MAX_CMD_SECONDS takes the place of `security.max_cmd_seconds`, wherever it is set."""
    variable = {"AIDER_FSM_MAX_CMD_SECONDS": "20"}
    tests: dict[str, Any] = {"cmds": ["sleep 1.4"]}
    keywords: dict[str, Any] = {}
    if given == "stage":
        tests["env"] = variable
    elif given == "caller":
        monkeypatch.setenv(*next(iter(variable.items())))
    else:
        keywords["env_overrides"] = variable
    made = project(security={"max_cmd_seconds": 1}, tests=tests, evaluation=scored())
    assert made.evaluate(**keywords).ok


def test_an_override_wins_over_the_callers_environment(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Architecture decision 3: defaults < environment < keyword, for time limits too."""
    monkeypatch.setenv("AIDER_FSM_MAX_CMD_SECONDS", "60")
    made = project(tests={"cmds": ["sleep 30"]})
    result = made.evaluate(env_overrides={"AIDER_FSM_MAX_CMD_SECONDS": 1})
    assert result.verify.tests.results[0].timed_out


@pytest.mark.parametrize("value", ["abc", "0", "-3", "1.5"])
def test_an_unusable_time_limit_is_an_error(project: Make, scored: Make, value: str) -> None:
    """Part II D: an unreadable limit is reported with its name, and nothing is run without a limit."""
    made = project(tests={"cmds": ["touch ran"]}, evaluation=scored())
    with pytest.raises(OptionError, match="AIDER_FSM_MAX_CMD_SECONDS"):
        made.evaluate(env_overrides={"AIDER_FSM_MAX_CMD_SECONDS": value})
    assert not made.exists("ran")


def test_an_unusable_time_limit_does_not_keep_the_teardown_from_running(project: Make, scored: Make) -> None:
    """A service that a rollout deployed is torn down even if the evaluation was called with nonsense."""
    made = project(
        deploy={"setup_cmds": ["echo '{}' > .aider_fsm/runtime_env.json"], "teardown_cmds": ["touch torn"]},
        evaluation=scored(),
    )
    with made.setup() as session:
        assert session.rollout("a-model").ok
        with pytest.raises(OptionError, match="AIDER_FSM_MAX_TOTAL_SECONDS"):
            session.evaluate(env_overrides={"AIDER_FSM_MAX_TOTAL_SECONDS": "soon"})
    assert made.exists("torn")


def test_the_stages_time_is_used_up(project: Make) -> None:
    """B035: beyond `max_total_seconds` nothing starts any more: rc 124, max_total_seconds_exceeded, and no retries."""
    made = project(security={"max_total_seconds": 1}, tests={"cmds": ["sleep 1.2 || true", "echo no"], "retries": 50})
    result = made.evaluate()
    last = result.verify.tests.results[-1]
    assert (last.rc, last.timed_out) == (124, True)
    assert "max_total_seconds_exceeded: 1" in last.stderr
    assert len(result.verify.tests.results) <= 2
    assert result.failed_stage == "tests"


def test_a_limit_holds_where_none_is_declared(project: Make, scored: Make) -> None:
    """Part II D: a command without any declared limit has one hour, a stage six; both are in the journal."""
    made = project(evaluation=scored())
    result = made.evaluate()
    journal = [json.loads(line) for line in (result.run_dir / "journal.jsonl").read_bytes().splitlines()]
    text = json.dumps(journal)
    assert '"timeout_s": 3600.0' in text


@pytest.mark.parametrize(
    ("section", "value"), [("max_cmd_seconds", "abc"), ("max_cmd_seconds", -3), ("max_total_seconds", [1])]
)
def test_a_malformed_cap_names_its_field(project: Make, section: str, value: object) -> None:
    """Part II D: `max_cmd_seconds: abc` and negative caps are errors with the field's place."""
    made = project(security={section: value}, tests={"cmds": ["true"]})
    with pytest.raises(ContractError) as caught:
        made.setup()
    assert section in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.line == 1


def test_sudo_is_refused_in_safe_mode(project: Make) -> None:
    """B036: not executed, rc 126, the reason in the stderr file, no second try."""
    result = project(tests={"cmds": ["touch ran; sudo echo hi"], "retries": 3}).evaluate()
    (one,) = result.verify.tests.results
    assert (one.rc, one.stdout) == (126, "")
    assert "sudo" in (result.artifacts_dir / "tests_cmd01_try01_stderr.txt").read_text()
    assert result.failed_stage == "tests"
    assert not (result.artifacts_dir.parents[2] / "ran").exists()


def test_sudo_is_started_in_system_mode(project: Make, scored: Make) -> None:
    """B036: mode `system` does not refuse it; a program of that name on PATH is executed."""
    made = project(
        security={"mode": "system"},
        tests={"cmds": ['PATH="$PWD/bin:$PATH" && sudo echo hi']},
        evaluation=scored(),
        files={"bin/sudo": '#!/bin/sh\nexec "$@"\n'},
    )
    (made.root / "bin/sudo").chmod(0o755)
    result = made.evaluate()
    assert result.ok
    assert result.verify.tests.results[0].stdout == "hi\n"


@pytest.mark.parametrize("mode", ["safe", "system"])
def test_removing_the_root_is_refused(project: Make, mode: str) -> None:
    """B037: `rm -rf /` is refused in both modes; the command around it does not run either."""
    result = project(security={"mode": mode}, tests={"cmds": ["touch ran && false && rm -rf /"]}).evaluate()
    assert result.verify.tests.results[0].rc == 126
    assert "command_refused" in codes(result)
    assert not (result.artifacts_dir.parents[2] / "ran").exists()


def test_the_denylist_refuses(project: Make) -> None:
    """B037: a pattern of the contract's denylist."""
    result = project(security={"denylist": ["forbidden-[a-z]+"]}, tests={"cmds": ["echo forbidden-word"]}).evaluate()
    assert result.verify.tests.results[0].rc == 126
    assert result.verify.tests.results[0].stdout == ""


def test_only_what_the_allowlist_names_runs(project: Make, scored: Make) -> None:
    """B037 and section 4.2: an allowlist holds for the contract's commands, and the runner adds none of its own."""
    made = project(security={"allowlist": ["^echo ", "metrics"]}, tests={"cmds": ["echo fine"]}, evaluation=scored())
    assert made.evaluate().ok
    made.write({"pipeline.yml": {"version": 1, "security": {"allowlist": ["^echo "]}, "tests": {"cmds": ["touch no"]}}})
    result = made.evaluate()
    assert result.verify.tests.results[0].rc == 126
    assert not made.exists("no")


def test_a_script_that_a_command_starts_is_judged_first(project: Make) -> None:
    """B038: `bash x.sh` with a denied command inside is rc 126, and no line of it runs."""
    made = project(tests={"cmds": ["bash .aider_fsm/x.sh"]}, files={".aider_fsm/x.sh": "touch ran\nsudo true\n"})
    result = made.evaluate()
    assert result.verify.tests.results[0].rc == 126
    assert ".aider_fsm/x.sh:2" in result.verify.tests.results[0].stderr
    assert not made.exists("ran")


@pytest.mark.parametrize("command", ["docker login registry.example", "gh auth login"])
def test_interactive_logins(project: Make, command: str) -> None:
    """B039: strict refuses a login that would ask; guided starts it, without a terminal."""
    made = project(
        auth={"cmds": [f'PATH="$PWD/bin:$PATH"; {command}']},
        files={"bin/docker": "#!/bin/sh\necho started\n", "bin/gh": "#!/bin/sh\necho started\n"},
    )
    for name in ("docker", "gh"):
        (made.root / "bin" / name).chmod(0o755)
    assert made.evaluate().verify.auth.results[0].rc == 126
    guided = made.evaluate(unattended="guided").verify.auth.results[0]
    assert (guided.rc, guided.stdout) == (0, "started\n")


def test_an_interactive_login_that_does_not_ask(project: Make, scored: Make) -> None:
    """B039: with a secret on standard input nothing waits for a person, so strict allows it."""
    made = project(
        auth={"cmds": ['PATH="$PWD/bin:$PATH"; echo x | docker login --password-stdin registry.example']},
        evaluation=scored(),
        files={"bin/docker": "#!/bin/sh\ncat\n"},
    )
    (made.root / "bin/docker").chmod(0o755)
    result = made.evaluate()
    assert (result.ok, result.verify.auth.results[0].stdout) == (True, "x\n")


def test_interactive_gets_no_terminal(project: Make, scored: Make) -> None:
    """`auth.interactive` in a guided run: a note says that no terminal is given; the stage reads nothing."""
    made = project(
        auth={"cmds": ["read answer || echo nothing; test -t 0 || echo no-terminal"], "interactive": True},
        evaluation=scored(),
    )
    result = made.evaluate(unattended="guided")
    assert result.verify.auth.results[0].stdout == "nothing\nno-terminal\n"
    note = next(finding for finding in result.findings if finding.code == "interactive_not_available")
    assert (note.verdict, note.stage) == (Verdict.PASSED, "auth")
    assert note.where is not None
    assert note.where.line is not None
    assert result.ok


@pytest.mark.parametrize("workdir", ["..", "../elsewhere", "a/../../b", "/tmp"])
def test_a_workdir_that_leaves_by_its_name_is_a_contract_error(project: Make, workdir: str) -> None:
    """B040: `..` and absolute paths are refused before anything is run."""
    with pytest.raises(ContractError) as caught:
        project(tests={"cmds": ["touch ran"], "workdir": workdir}).setup()
    assert caught.value.where is not None


@pytest.mark.parametrize("kind", ["link", "absolute link", "missing", "file", "dangling"])
def test_a_workdir_that_is_no_folder_inside(project: Make, tmp_path: Path, kind: str) -> None:
    """B040: a link that leaves, nothing, or a file: the stage fails without executing, and a file says why."""
    (tmp_path / "outside").mkdir()
    made = project(tests={"cmds": ["touch ran"], "workdir": "place", "retries": 2})
    place = made.root / "place"
    if kind == "file":
        place.write_text("x")
    elif kind != "missing":
        place.symlink_to(
            {"link": "../outside", "absolute link": str(tmp_path / "outside"), "dangling": "nothing"}[kind]
        )
    result = made.evaluate()
    assert (result.verdict, result.failed_stage) == (Verdict.FAILED, "tests")
    assert result.verify.tests.results == ()
    assert "place" in (result.artifacts_dir / "tests_workdir_error.txt").read_text()
    assert not (tmp_path / "outside/ran").exists()
    assert json.loads((result.artifacts_dir / "tests_summary.json").read_text())["ok"] is False


def test_a_workdir_inside(project: Make, scored: Make) -> None:
    """B040: a folder, also behind a link that stays inside, is where the commands run."""
    made = project(
        tests={"cmds": ["pwd -P"], "workdir": "link"},
        evaluation=scored('printf \'{"ok": true, "score": 1}\' > ../.aider_fsm/metrics.json', workdir="real"),
        files={"real/x": ""},
    )
    (made.root / "link").symlink_to("real")
    result = made.evaluate()
    assert result.ok
    assert result.verify.tests.results[0].stdout.strip() == str((made.root / "real").resolve())


def test_a_workdir_that_disappears(project: Make) -> None:
    """A command that removes its own working directory fails the next one; the runner survives."""
    made = project(tests={"cmds": ["rm -r ../gone", "echo never"], "workdir": "gone"}, files={"gone/x": ""})
    result = made.evaluate()
    assert (result.ok, result.failed_stage) == (False, "tests")
    assert len(result.verify.tests.results) == 2
    assert result.verify.tests.results[1].stdout == ""
    assert "gone" in result.verify.tests.results[1].stderr


def test_standard_input_is_empty(project: Make, scored: Make) -> None:
    """Part II D: a command that reads gets the end of file at once, never the caller's input."""
    read, write = os.pipe()
    os.write(write, b"line-from-caller\n")
    os.close(write)
    saved = os.dup(0)
    os.dup2(read, 0)
    try:
        result = project(tests={"cmds": ["cat; echo end"]}, evaluation=scored()).evaluate()
        assert result.ok
        assert result.verify.tests.results[0].stdout == "end\n"
        assert os.read(0, 100) == b"line-from-caller\n"
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(read)


def test_bytes_that_are_not_text(project: Make, scored: Make) -> None:
    """Part II D: invalid UTF-8 on both streams is kept byte for byte and crashes nothing."""
    made = project(tests={"cmds": [r"printf '\377\376\000x'; printf '\300\301' >&2; exit 1"]}, evaluation=scored())
    result = made.evaluate()
    one = result.verify.tests.results[0]
    assert one.rc == 1
    assert "�" in one.stdout
    stem = result.artifacts_dir / "tests_cmd01_try01_"
    assert Path(f"{stem}stdout.txt").read_bytes() == b"\xff\xfe\x00x"
    assert Path(f"{stem}stderr.txt").read_bytes() == b"\xc0\xc1"
    assert record_of(result)["verdict"] == "failed"


def test_a_child_that_keeps_the_pipe_open(project: Make, scored: Make) -> None:
    """Part II D: `sleep 20 & echo hi` under a cap is over at once, and the sleep is gone with the stage."""
    made = project(
        security={"max_cmd_seconds": 10}, tests={"cmds": ["sleep 47 & echo hi; echo $! > pid"]}, evaluation=scored()
    )
    started = time.monotonic()
    result = made.evaluate(sandbox="none")  # the process is looked for from outside
    assert result.ok
    assert time.monotonic() - started < 8
    assert not Path(f"/proc/{made.read('pid').strip()}").exists()


def test_a_variable_too_large_for_the_kernel(project: Make) -> None:
    """A command that cannot be started at all fails with a reason; the run has a record."""
    result = project(tests={"cmds": ["true"]}).evaluate(env_overrides={"BIG": "x" * 3_000_000})
    assert (result.ok, result.failed_stage) == (False, "tests")
    assert result.verify.tests.results[0].stderr != ""
    assert record_of(result)["ok"] is False


@pytest.mark.parametrize(
    ("policy", "passes", "torn"),
    [
        ("always", True, True), ("always", False, True), ("never", True, False), ("never", False, False),
        ("on_success", True, True), ("on_success", False, False), ("on_failure", True, False),
        ("on_failure", False, True),
    ],
)  # fmt: skip
def test_the_teardown_policy_holds(project: Make, scored: Make, policy: str, passes: bool, torn: bool) -> None:
    """B044: each policy after a run that passed and one that failed; the plan says why it did not run."""
    made = project(
        deploy={
            "setup_cmds": ["echo '{}' > .aider_fsm/runtime_env.json"],
            "teardown_cmds": ["touch torn"],
            "teardown_policy": policy,
        },
        evaluation=scored() if passes else scored("false"),
    )
    result = made.evaluate()
    assert result.ok is passes
    assert made.exists("torn") is torn
    assert plan_of(result)["deploy_teardown"] == (("run", "") if torn else ("skipped", f"teardown_policy: {policy}"))


def test_a_failed_deployment_is_torn_down(project: Make) -> None:
    """B043: rollout() whose deployment fails tears down at once."""
    made = project(
        deploy={"setup_cmds": ["echo up > up; false"], "teardown_cmds": ["rm up"]}, rollout={"run_cmds": ["touch ran"]}
    )
    with made.setup() as session:
        result = session.rollout("a-model")
        assert (result.ok, result.failed_stage) == (False, "deploy_setup")
        assert not made.exists("up")
        assert not made.exists("ran")


def test_a_deployment_stays_up_until_the_evaluation_is_over(project: Make, scored: Make) -> None:
    """B043: the service that a rollout deployed serves the evaluation, and the teardown ends it."""
    made = project(
        deploy={
            "setup_cmds": ["sleep 300 & echo $! > pid; echo '{}' > .aider_fsm/runtime_env.json"],
            "teardown_cmds": ["kill -0 $(cat pid) && touch torn"],
        },
        rollout={"run_cmds": ["kill -0 $(cat pid)", "echo '{}' > .aider_fsm/rollout.json"]},
        evaluation=scored('kill -0 $(cat pid) && printf \'{"ok": true, "score": 1}\' > .aider_fsm/metrics.json'),
    )
    with made.setup(sandbox="none") as session:  # the process is looked for from outside
        assert session.rollout("a-model").ok
        pid = int(made.read("pid"))
        os.kill(pid, 0)
        assert not made.exists("torn")
        assert session.evaluate().ok
    assert made.exists("torn")
    assert not Path(f"/proc/{pid}").exists()


def test_stages_that_are_not_declared_are_not_planned(project: Make, scored: Make) -> None:
    """B045: the plan has every declared stage and no other."""
    result = project(evaluation=scored()).evaluate()
    assert plan_of(result) == {"evaluation": ("run", "")}


def test_a_users_checkout_keeps_nothing_but_what_the_contract_wrote(project: Make, scored: Make) -> None:
    """Amendments: the artifacts folder ignores itself in git; a stage's own file is all that shows."""
    made = project(tests={"cmds": ["echo hi > left-by-contract"]}, evaluation=scored(), files={"src.py": "x = 1\n"})
    made.commit()
    result = made.evaluate()
    assert result.ok
    shown = made.git("status", "--porcelain", "-uall").splitlines()
    assert sorted(shown) == ["?? .aider_fsm/metrics.json", "?? left-by-contract"]
    assert record_of(result)["changed_tracked"] == []
    assert "tracked_files_changed" not in codes(result)


def test_changed_tracked_files_are_named(project: Make, scored: Make) -> None:
    """Amendments: what a run changed under version control is in the record and in a note."""
    made = project(
        tests={"cmds": ["echo y >> src.py", "rm old.py"]},
        evaluation=scored(),
        files={"src.py": "x = 1\n", "old.py": "", "same.py": ""},
    )
    made.commit()
    result = made.evaluate()
    assert record_of(result)["changed_tracked"] == ["old.py", "src.py"]
    note = next(finding for finding in result.findings if finding.code == "tracked_files_changed")
    assert note.verdict is Verdict.PASSED
    assert "old.py" in note.message
    assert "src.py" in note.message
    assert "same.py" not in note.message
    assert result.ok
    assert "tracked_files_changed" in [finding["code"] for finding in record_of(result)["findings"]]


def test_a_tracked_metrics_file_comes_back(project: Make, scored: Make) -> None:
    """Amendments: metrics under version control that the run did not write again are where and as they were."""
    made = project(evaluation=scored("true"), files={".aider_fsm/metrics.json": '{"ok": true, "score": 0.77}\n'})
    (made.root / ".aider_fsm/metrics.json").chmod(0o755)
    made.commit()
    result = made.evaluate()
    assert (result.ok, result.failed_stage) == (False, "metrics")
    assert made.read(".aider_fsm/metrics.json") == '{"ok": true, "score": 0.77}\n'
    assert stat.S_IMODE((made.root / ".aider_fsm/metrics.json").stat().st_mode) == 0o755
    assert made.git("status", "--porcelain") == ""
    assert record_of(result)["changed_tracked"] == []


FAKE_KUBECTL = """#!/bin/sh
echo "$*" >> "$AIDER_FSM_REPO_ROOT/calls"
test -e "$AIDER_FSM_REPO_ROOT/torn" && echo too late
case "$2" in events) echo refused >&2; exit 1;; esac
echo "answer to $1 $2"
"""


def kubectl(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a kubectl on PATH that answers without a cluster."""
    program = root / "fake/kubectl"
    program.parent.mkdir()
    program.write_text(FAKE_KUBECTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def deployed(**dump: object) -> dict[str, object]:
    """A deployment with a dump."""
    return {
        "setup_cmds": ["echo '{}' > .aider_fsm/runtime_env.json"],
        "teardown_cmds": ["touch torn"],
        "kubectl_dump": dump,
    }


def test_the_cluster_is_recorded_before_the_teardown(
    project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 15, kubectl: what the contract asks for is asked, kept as evidence and published; failures are a note."""
    made = project(
        deploy=deployed(enabled=True, namespace="ns", label_selector="app=x", include_logs=True), evaluation=scored()
    )
    kubectl(made.root, monkeypatch)
    result = made.evaluate()
    assert result.ok
    calls = made.read("calls").splitlines()
    assert [call.split(" --")[0] for call in calls] == [
        "get nodes", "get namespaces", "get pods", "get all", "get events", "logs",
    ]  # fmt: skip
    assert "logs --tail=2000" in calls[-1]
    assert all("--namespace ns" in call for call in calls[2:])
    assert "--selector app=x" in calls[2]
    assert (result.run_dir / "kubectl/pods_stdout.txt").read_text() == "answer to get pods\n"
    (published,) = result.artifacts_dir.parent.glob("teardown_attempt_*/kubectl/pods_stdout.txt")
    assert published.read_text() == "answer to get pods\n"
    note = next(finding for finding in result.findings if finding.code == "kubectl_failed")
    assert "events" in note.message
    assert note.verdict is Verdict.PASSED


def test_the_cluster_is_recorded_only_if_asked(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Section 15, kubectl: nothing is asked unless it is enabled."""
    made = project(deploy=deployed(enabled=False, namespace="ns"), evaluation=scored())
    kubectl(made.root, monkeypatch)
    assert made.evaluate().ok
    assert not made.exists("calls")


def test_a_missing_kubectl_is_a_note(
    project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Section 15, kubectl: without the program the run says so, and is judged as if it had not been asked."""
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("sh", "touch", "git"):
        found = next(Path(folder, name) for folder in ("/bin", "/usr/bin") if Path(folder, name).exists())
        (bare / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(bare))
    result = project(deploy=deployed(enabled=True), evaluation=scored()).evaluate()
    assert result.ok
    assert "kubectl_not_found" in codes(result)
