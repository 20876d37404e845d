"""A whole run through the public API, on real processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from runner_env.runs.proof import check_proof

Make = Callable[..., Any]


def test_rollout_then_evaluate(project: Make, scored: Make, rolled: dict[str, Any]) -> None:
    """A complete contract: both calls pass, the score is the evaluation's, the evidence is whole."""
    made = project(
        tests={"cmds": ["echo testing"]},
        deploy={
            "setup_cmds": ["sleep 60 & echo '{}' > .aider_fsm/runtime_env.json"],
            "health_cmds": ["true"],
            "teardown_cmds": ["touch torn-down"],
        },
        rollout=rolled,
        evaluation=scored(),
    )
    with made.setup() as session:
        first = session.rollout("a-model", require_samples=True)
        second = session.evaluate()
    assert (first.ok, second.ok, second.score) == (True, True, 0.5)
    assert first.run_id == second.run_id
    assert made.exists("torn-down")
    record = json.loads((second.run_dir / "record.json").read_bytes())
    assert record["verdict"] == "passed"
    assert check_proof(second.run_dir).problems == ()
