"""The generic evaluation, as a stage starts it."""

from __future__ import annotations

import json
from typing import Any

import pytest

PASSING = "#!/bin/sh\necho '3 passed in 0.01s'\n"
PYTEST = "print('============ {} in 0.10s ============')\nimport sys; sys.exit({})\n"


def module(text: str, code: int) -> str:
    """A module that prints pytest's last line."""
    return PYTEST.format(text, code)


def test_a_stated_command_is_run_and_scored(either: Any) -> None:
    """B088, B091: exit code 1 with counts is a real score; the reason names them, the command has the anchor."""
    either.write("checks.py", module("1 failed, 2 passed", 1))
    code, metrics = either.evaluate("python checks.py", AIDER_FSM_HINT_ANCHORS_JSON=["checks.py", "other"])
    assert (code, metrics["ok"], round(metrics["score"], 3)) == (0, True, 0.667)
    assert metrics["reason"] == "pytest_nonzero_exit: passed=2 failed=1 errors=0"
    run, used = either.read("hints_run.json"), either.read("hints_used.json")
    assert run["chosen_command"] == f"{either.python} checks.py"
    assert (run["ok"], run["executed_attempts"], run["used_anchors"]) == (True, 1, ["checks.py"])
    assert used == {**used, "ok": True, "used_anchors": ["checks.py"], "commands": [run["chosen_command"]]}
    assert run["attempts"][0]["rc"] == 1
    assert "1 failed, 2 passed" in run["attempts"][0]["stdout_tail"]


@pytest.mark.parametrize("hint", ["cd sub", "true", "python -c pass", "echo pip install benchtool"])
def test_an_exit_code_alone_is_no_score(bench: Any, hint: str) -> None:
    """B090, B094: a command that succeeds and computes nothing scores nothing."""
    (bench.repo / "sub").mkdir()
    code, metrics = bench.evaluate(hint)
    assert (code, metrics["ok"], metrics["score"]) == (1, False, None)
    assert metrics["reason"] == "all_hints_no_real_score"


def test_a_printed_score_needs_a_good_end(bench: Any) -> None:
    """B090: `pass@1: 0.25` is 0.25 after exit code 0, and nothing after another."""
    assert bench.evaluate("echo pass@1: 0.25")[1]["score"] == 0.25
    code, metrics = bench.evaluate("echo pass@1: 0.25; exit 3")
    assert (code, metrics["score"], metrics["reason"]) == (1, None, "all_hints_failed")


def test_a_missing_program_is_not_started(bench: Any) -> None:
    """B087: the probe says what is missing; nothing is executed."""
    _, metrics = bench.evaluate("no-such-program-here --all")
    run = bench.read("hints_run.json")
    assert (metrics["reason"], run["executed_attempts"]) == ("all_hints_unrunnable", 0)
    assert run["attempts"][0]["skip_reason"] == "probe_failed: binary_not_found:no-such-program-here"


def test_duplicates_run_once(bench: Any) -> None:
    """B088: two commands that come to the same are one."""
    bench.evaluate("true  --x", "$ true --x")
    run = bench.read("hints_run.json")
    assert [one["reason"] for one in run["probes"]] == ["", "duplicate_sanitized_hint"]
    assert run["executed_attempts"] == 1


def test_one_of_each_kind_before_a_second(bench: Any) -> None:
    """B092: with two attempts, a failing pytest command is followed by the install, not by another pytest command."""
    bench.script("bin/uv", "#!/bin/sh\nexit 1\n")
    env = {"PATH": f"{bench.repo}/bin:/usr/bin:/bin", "AIDER_FSM_PYTHON": "python3", "AIDER_FSM_HINT_MAX_ATTEMPTS": 2}
    bench.script("bin/pytest", "#!/bin/sh\nexit 4\n")
    bench.script("bin/pip", "#!/bin/sh\nexit 1\n")
    bench.evaluate("pytest one", "pytest two", "pip install thing", **env)
    ran = [one["sanitized"] for one in bench.read("hints_run.json")["attempts"]]
    assert ran == ["pytest one", "pip install thing"]


def test_docker_is_asked_first(bench: Any) -> None:
    """B086: without a docker that answers its commands are skipped; with one they run in a folder of their own."""
    bench.script("bin/docker", '#!/bin/sh\n[ "$1" = info ] && { echo no daemon >&2; exit 1; }\nexit 0\n')
    env = {"PATH": f"{bench.repo}/bin:/usr/bin:/bin"}
    bench.evaluate("docker run image", **env)
    run = bench.read("hints_run.json")
    assert run["attempts"][0]["skip_reason"] == "docker_unavailable: no daemon"
    bench.script("bin/docker", '#!/bin/sh\n[ "$1" = info ] && exit 0\npwd > where\necho accuracy: 0.5\n')
    assert bench.evaluate("docker run image", **env)[1]["score"] == 0.5
    assert (bench.repo / "out/hints_workdir/attempt_01/where").is_file()


def test_other_backends_and_refused_keys(bench: Any) -> None:
    """B089: a command for another backend is skipped; after a refused key the others that need it are, too."""
    bench.script("bin/openai-eval", "#!/bin/sh\necho 'Error code: 401 - invalid_api_key'\nexit 1\n")
    env = {"PATH": f"{bench.repo}/bin:/usr/bin:/bin", "AIDER_LLM_KIND": "remote"}
    bench.evaluate("openai-eval --backend openai a", "openai-eval --backend openai b", "x --backend vllm", **env)
    skips = [one["skip_reason"] for one in bench.read("hints_run.json")["attempts"]]
    assert skips == ["", "skipped_after_openai_auth_failure", "incompatible_hint: backend_mismatch:vllm"]
    assert bench.read("metrics.json")["reason"] == "all_hints_auth_failed_or_unrunnable"


def test_a_failed_build_is_retried_with_an_older_python(bench: Any) -> None:
    """B093: 3.12 is tried, then 3.11, for a virtual environment in which the command runs again."""
    bench.write("python", "#!/bin/sh\necho accuracy: 0.5\n")
    bench.script(
        "bin/uv",
        '#!/bin/sh\nfor last; do :; done\ncase "$*" in *3.12*) exit 1;; esac\n'
        'mkdir -p "$last/bin"; cp python "$last/bin/python"; chmod +x "$last/bin/python"\n',
    )
    bench.script("bin/python3", "#!/bin/sh\necho 'Failed building wheel for x cp313'\nexit 1\n")
    env = {"PATH": f"{bench.repo}/bin:/usr/bin:/bin", "AIDER_FSM_PYTHON": "python3"}
    done = bench.run("generic_evaluation.py", AIDER_FSM_HINTS_JSON=["python3 evaluate.py"], **env)
    assert done.returncode == 0, done.stdout + done.stderr
    asked = [line for line in done.stdout.splitlines() if " venv " in line]
    assert ["3.12" in asked[0], "3.11" in asked[1], len(asked)] == [True, True, 2]
    assert bench.read("metrics.json")["score"] == 0.5


def test_a_command_has_a_time_limit(bench: Any) -> None:
    """AIDER_FSM_HINT_TIMEOUT_SECONDS ends it with everything it started; what it printed before is no score."""
    text = "echo accuracy: 0.5; (sleep 30; touch late) & sleep 30"
    _, metrics = bench.evaluate(text, AIDER_FSM_HINT_TIMEOUT_SECONDS=1)
    attempt = bench.read("hints_run.json")["attempts"][0]
    assert (metrics["score"], attempt["rc"], attempt["timed_out"]) == (None, 124, True)
    assert attempt["seconds"] < 25


def test_the_time_of_the_stage_is_kept(bench: Any) -> None:
    """With AIDER_FSM_MAX_CMD_SECONDS a command is ended early enough to write that there is no score."""
    _, metrics = bench.evaluate("sleep 40", AIDER_FSM_MAX_CMD_SECONDS=4)
    assert (metrics["ok"], bench.read("hints_run.json")["attempts"][0]["timed_out"]) == (False, True)


def test_the_key_is_not_written_down(bench: Any) -> None:
    """What a command prints of the key is masked."""
    done = bench.run("generic_evaluation.py", AIDER_FSM_HINTS_JSON=["env"], OPENAI_API_KEY="sk-a-secret-key")
    written = (bench.repo / ".aider_fsm/hints_run.json").read_text()
    assert "OPENAI_API_KEY=***" in written
    assert "sk-a-secret-key" not in written + done.stdout


def test_required_commands(bench: Any) -> None:
    """B095: required and none gave a score: exit code 2, also where none is stated."""
    assert bench.evaluate("true", AIDER_FSM_REQUIRE_HINTS="yes")[0] == 2
    assert bench.evaluate(AIDER_FSM_REQUIRE_HINTS="1")[0] == 2
    assert bench.read("hints_used.json")["ok"] is False
    assert bench.read("hints_run.json")["reason"] == "no_hints"


def test_the_mean_reward_where_nothing_is_stated(either: Any) -> None:
    """B095: the mean reward of the rollout's samples; bad lines are counted, not scored."""
    lines = [{"prompt": "p", "completion": "c", "reward": reward} for reward in (1, 0, 0.5)]
    text = "".join(json.dumps(line) + "\n" for line in lines) + "broken\n" + '{"prompt": "p", "reward": 1}\n'
    either.write("s.jsonl", text)
    either.write(".aider_fsm/rollout.json", {"paths": {"samples_jsonl": "s.jsonl"}, "counts": {"errors": 2}})
    code, metrics = either.evaluate()
    assert (code, metrics["ok"], metrics["score"], metrics["reason"]) == (0, True, 0.5, "reward_average")
    assert metrics["counts"] == {"samples": 3, "unjudged": 0, "bad_lines": 2, "errors": 2}


@pytest.mark.parametrize(
    ("rollout", "reason"),
    [
        (None, "missing_rollout_json"),
        ({}, "rollout_json_missing_paths.samples_jsonl"),
        ({"paths": {"samples_jsonl": "none.jsonl"}}, "samples_jsonl_not_found: none.jsonl"),
        ({"ok": False, "paths": {"samples_jsonl": "empty.jsonl"}}, "rollout_ok_not_true"),
        ({"paths": {"samples_jsonl": "empty.jsonl"}}, "samples_jsonl_has_no_valid_samples"),
    ],
)
def test_without_samples_there_is_no_score(bench: Any, rollout: object, reason: str) -> None:
    """B095: exit code 1 and the reason; never a 0 that nobody measured."""
    bench.write("empty.jsonl", "")
    if rollout is not None:
        bench.write(".aider_fsm/rollout.json", rollout)
    code, metrics = bench.evaluate()
    assert (code, metrics["ok"], metrics["score"], metrics["reason"]) == (1, False, None, reason)


def test_metrics_go_where_they_are_wanted(bench: Any) -> None:
    """AIDER_FSM_METRICS_PATH names the file."""
    bench.run("generic_evaluation.py", AIDER_FSM_HINTS_JSON=["echo score: 0.5"], AIDER_FSM_METRICS_PATH="m/x.json")
    assert json.loads((bench.repo / "m/x.json").read_text())["score"] == 0.5
