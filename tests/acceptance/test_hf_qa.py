"""A rollout on a snapshot of a question-answering dataset: B072 through the public API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
QUESTIONS = [f"Tom has {number} apples and eats one. How many are left?" for number in range(100)]
FEW, ALIKE, STRAY = "hf_qa_samples_too_few", "hf_qa_prompts_not_diverse", "hf_qa_prompts_not_anchored"
COMMAND = """printf '{"paths": {"samples_jsonl": "s.jsonl"}}' > .aider_fsm/rollout.json; cp made s.jsonl"""


@pytest.fixture
def ask(project: Make) -> Make:
    """`ask(prompts)` is the result of a rollout with these prompts."""

    def run(prompts: list[str], declared: dict[str, str] | None = None, **keywords: object) -> CallResult:
        made = project(rollout={"run_cmds": [COMMAND], "env": declared or {}})
        rows = [{"question": question, "answer": "#### 1"} for question in QUESTIONS]
        samples = [{"prompt": prompt, "completion": "c", "reward": 0} for prompt in prompts]
        made.write(
            {
                "data/hf_manifest.json": {"dataset": "org/name"},
                "main/test-00000-of-00001.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
                "made": "".join(json.dumps(sample) + "\n" for sample in samples),
            }
        )
        result: CallResult = made.rollout(repair_iters=0, **{"require_samples": True, **keywords})
        return result

    return run


@pytest.mark.parametrize(
    ("prompts", "keywords", "expected"),
    [
        (QUESTIONS[:8], {}, []),
        (QUESTIONS[:64], {"mode": "full"}, []),
        (QUESTIONS[:3], {"env_overrides": {"AIDER_EVAL_LIMIT": "3"}}, []),
        (QUESTIONS[:7], {}, [FEW]),
        (QUESTIONS[:8], {"mode": "full"}, [FEW]),
        (QUESTIONS[:8], {"env_overrides": {"AIDER_EVAL_LIMIT": "9"}}, [FEW]),
        (QUESTIONS[:1], {"declared": {"AIDER_EVAL_LIMIT": "1"}}, [FEW]),
        (QUESTIONS[:7], {"require_samples": False}, [FEW]),
        (["\n".join(QUESTIONS)] * 8, {}, [ALIKE]),
        ([f"prompt {number}" for number in range(8)], {}, [STRAY]),
    ],
)
def test_the_datasets_questions_must_be_asked(
    ask: Make, prompts: list[str], keywords: dict[str, Any], expected: list[str]
) -> None:
    """B072: too few, too much alike, or without the dataset's questions: failed; a correct set passes."""
    result = ask(prompts, **keywords)
    found = [finding for finding in result.findings if finding.verdict is not Verdict.PASSED]
    assert [finding.code for finding in found] == expected
    assert all(finding.hint and finding.where.file == "s.jsonl" for finding in found)
    assert (result.ok, result.failed_stage) == ((False, "rollout") if expected else (True, None))
    if expected:
        published = (Path(result.artifacts_dir) / "rollout_contract_error.txt").read_text("utf-8")
        assert expected[0] in published


def test_the_callers_environment_sets_the_limit(ask: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """B072: without an override, the variable of the caller counts, as the stage is given it."""
    monkeypatch.setenv("AIDER_EVAL_LIMIT", "2")
    assert ask(QUESTIONS[:2]).ok
    monkeypatch.setenv("AIDER_EVAL_LIMIT", "20")
    assert [finding.code for finding in ask(QUESTIONS[:8]).findings] == [FEW]
