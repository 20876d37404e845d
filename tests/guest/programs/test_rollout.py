"""The generic rollout against a real HTTP endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner_env.guest.programs.client import wait_seconds
from runner_env.testing import Reply, Rule, ScriptedModel
from runner_env.testing.wire import ChatRequest
from runner_env.verification import Context, Started, check_rollout

Serve = Callable[..., ScriptedModel]
ROWS = [
    {"question": f"What is {n} plus {n}?", "answer": f"{n}+{n}=<<{n}+{n}={2 * n}>>{2 * n}\n#### {2 * n}"}
    for n in range(1, 13)
]
KEY = "sk-a-key-of-ours"


@pytest.fixture
def endpoint() -> Iterator[Serve]:
    """`endpoint(rules)` starts a scripted model that asks for a key."""
    started: list[ScriptedModel] = []

    def serve(script: Any) -> ScriptedModel:
        server = ScriptedModel(script, api_key=KEY)
        server.start()
        started.append(server)
        return server

    yield serve
    for server in started:
        server.stop()


def sums(request: ChatRequest) -> Reply:
    """Adds, but wrongly from ten on."""
    found = re.search(r"What is (\d+) plus", request.last_user)
    assert found
    number = int(found[1])
    return Reply(f"Let me think. {number} + {number}.\nFINAL: {2 * number + (number >= 5)}")


def told(server: ScriptedModel, **more: object) -> dict[str, object]:
    """The variables of a rollout stage."""
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "m", **more}


def test_a_dataset_is_asked_and_rewarded(either: Any, endpoint: Serve) -> None:
    """The first questions of the test split, word for word, in order; rewards are right; verification is content."""
    either.dataset(ROWS)
    server = endpoint(sums)
    started = Started.now(either.repo)
    done = either.run("generic_rollout.py", isolated=True, **told(server))
    assert done.returncode == 0, done.stderr
    report, samples = either.read("rollout.json"), either.samples()
    assert report["counts"] == {"samples": 8, "answered": 8, "correct": 4, "errors": 0}
    assert [sample["reward"] for sample in samples] == [1.0] * 4 + [0.0] * 4
    assert all(row["question"] in sample["prompt"] for row, sample in zip(ROWS, samples, strict=False))
    assert (report["ok"], report["success_rate"], report["usage"]["requests"]) == (True, 0.5, 8)
    findings = check_rollout(
        Context(either.repo, started, lambda _fd, _name, _limit: None, limit=8), require_samples=True
    ).findings
    assert [finding.code for finding in findings if finding.code != "samples_not_kept"] == []
    either.run("generic_rollout.py", **told(server))
    assert [sample["prompt"] for sample in either.samples()] == [sample["prompt"] for sample in samples]


def test_limits_are_obeyed(bench: Any, endpoint: Serve) -> None:
    """AIDER_EVAL_LIMIT and AIDER_EVAL_MODE say how many, AIDER_FSM_MAX_TOKENS how long; 256 if unset."""
    bench.dataset(ROWS)
    server = endpoint(sums)
    assert bench.run("generic_rollout.py", **told(server, AIDER_EVAL_LIMIT=3)).returncode == 0
    assert len(bench.samples()) == 3
    assert (
        bench.run("generic_rollout.py", **told(server, AIDER_EVAL_MODE="full", AIDER_FSM_MAX_TOKENS=7)).returncode == 0
    )
    assert len(bench.samples()) == 12
    assert {call.request.body["max_tokens"] for call in server.calls if call.request} == {256, 7}
    done = bench.run("generic_rollout.py", **told(server, AIDER_EVAL_LIMIT="many"))
    assert (done.returncode, "AIDER_EVAL_LIMIT" in done.stderr) == (1, True)


def test_faults_are_retried_and_failures_are_no_samples(bench: Any, endpoint: Serve) -> None:
    """429 with Retry-After and 500 are tried again; a request that is refused is an error, never a reward of 0."""
    bench.dataset(ROWS[:4])
    rules = [
        Rule([Reply(status=429, times=1, headers={"Retry-After": "0"}), Reply("FINAL: 2")], match="is 1 plus"),
        Rule([Reply(status=500, times=1), Reply("FINAL: 4")], match="is 2 plus"),
        Rule([Reply("half", broken="disconnect", times=1), Reply("FINAL: 6")], match="is 3 plus"),
        Rule([Reply(status=400, message=f"the prompt is bad; key {KEY}")], match="is 4 plus"),
    ]
    done = bench.run("generic_rollout.py", **told(endpoint(rules)))
    assert done.returncode == 0, done.stderr
    report, samples = bench.read("rollout.json"), bench.samples()
    assert report["counts"] == {"samples": 4, "answered": 3, "correct": 3, "errors": 1}
    assert [sample["meta"]["index"] for sample in samples] == [0, 1, 2]
    assert report["usage"]["requests"] == 7
    assert report["errors"][0]["index"] == 3
    assert KEY not in done.stdout + done.stderr + (bench.repo / ".aider_fsm/rollout.json").read_text()


def test_a_refused_key_ends_it(bench: Any, endpoint: Serve) -> None:
    """401 is not retried, not for other questions either; there is no sample, and `ok` is not claimed."""
    bench.dataset(ROWS)
    server = endpoint([Reply("unused")])
    done = bench.run("generic_rollout.py", **told(server, OPENAI_API_KEY="wrong", AIDER_FSM_CONCURRENCY=1))
    report = bench.read("rollout.json")
    assert (done.returncode, len(server.calls), "ok" in report, bench.samples()) == (0, 1, False, [])
    assert report["failures_by_type"] == {"auth": 1, "not_asked": 7}
    assert report["counts"]["errors"] == report["counts"]["samples"] == 8


def test_a_deadline_keeps_what_is_there(bench: Any, endpoint: Serve) -> None:
    """With AIDER_FSM_MAX_CMD_SECONDS the program writes its samples before it would be ended."""
    bench.dataset(ROWS[:2])
    rules = [Rule([Reply("FINAL: 2")], match="is 1 plus"), Rule([Reply("late", delay=20)])]
    done = bench.run("generic_rollout.py", **told(endpoint(rules), AIDER_FSM_MAX_CMD_SECONDS=6))
    assert done.returncode == 0, done.stderr
    assert bench.read("rollout.json")["counts"] == {"samples": 2, "answered": 1, "correct": 1, "errors": 1}
    assert bench.read("rollout.json")["failures_by_type"] == {"timeout": 1}


def test_without_a_dataset_the_repository_is_asked_about(either: Any, endpoint: Serve) -> None:
    """Prompts from stated commands and the README, always the same; their answers are marked as not judged."""
    either.write("README.md", "# Demo\n\n" + "A paragraph that is long enough to be summarised. " * 3 + "\n\nshort\n")
    server = endpoint([Reply("It does things.")])
    hints = ["pytest -q", {"command": "make bench", "workdir": "sub dir"}]
    assert either.run("generic_rollout.py", **told(server, AIDER_FSM_HINTS_JSON=hints)).returncode == 0
    prompts = [sample["prompt"] for sample in either.samples()]
    assert len(prompts) == 3
    assert ["pytest -q" in prompts[0], "cd 'sub dir' && make bench" in prompts[1], "long enough" in prompts[2]] == [
        True
    ] * 3
    assert [(sample["reward"], sample["meta"]["judged"]) for sample in either.samples()] == [(0.0, False)] * 3
    code, metrics = either.evaluate()
    assert (code, metrics["ok"], metrics["score"], metrics["reason"]) == (1, False, None, "no_judged_samples")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9"}, "missing_model"),
        ({"OPENAI_MODEL": "m"}, "missing_endpoint"),
        ({"OPENAI_MODEL": "m", "OPENAI_BASE_URL": "ftp://x"}, "bad_base_url"),
        ({"OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://127.0.0.1:9", "OPENAI_API_KEY": "a\nb"}, "bad_key"),
    ],
)
def test_what_is_missing_is_said(bench: Any, env: dict[str, str], said: str) -> None:
    """Exit code 1 and one line that begins with a name for it."""
    done = bench.run("generic_rollout.py", **env)
    assert (done.returncode, done.stderr.startswith(said), done.stderr.count("\n")) == (1, True, 1)


def test_waiting_is_what_the_server_asks_for() -> None:
    """Seconds or a date, at most five minutes; else longer each time, at most half a minute and a fifth."""
    assert wait_seconds(1, "7") == 7
    assert wait_seconds(1, "Sun, 06 Nov 1994 08:49:47 GMT", now=784111777.0) == 10
    assert wait_seconds(1, "999999") == 300
    assert 0.4 <= wait_seconds(1, None) <= 0.6
    assert 3.2 <= wait_seconds(4, "soon") <= 4.8
    assert wait_seconds(50, None) <= 36


def test_the_samples_file_is_named_inside_the_workspace(bench: Any, endpoint: Serve) -> None:
    """`paths.samples_jsonl` is relative to the workspace."""
    bench.dataset(ROWS[:1])
    bench.run("generic_rollout.py", **told(endpoint(sums)))
    assert not Path(bench.read("rollout.json")["paths"]["samples_jsonl"]).is_absolute()
