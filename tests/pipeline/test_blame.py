"""What is said about limits."""

from __future__ import annotations

import pytest

from runner_env.contract.model import CommandSpec, StageName, StageSpec
from runner_env.core import Verdict, Where
from runner_env.pipeline.blame import stopped_late

WHERE = Where("pipeline.yml", 4)
SPEC = StageSpec(StageName.TESTS, (CommandSpec("true", WHERE),), {}, None, None, 0, WHERE)


@pytest.mark.parametrize(
    ("reason", "code", "verdict"),
    [
        ("memory_limit: 700 MiB in memory, 500 MiB allowed", "memory_limit", Verdict.FAILED),
        ("process_limit: 60 processes, 50 allowed", "process_limit", Verdict.FAILED),
        ("trace_lost: [Errno 9] Bad file descriptor", "trace_lost", Verdict.UNSCORED),
    ],
)
def test_each_limit_has_its_finding(reason: str, code: str, verdict: Verdict) -> None:
    """The name of the limit is the code, its figures are in the message; a lost observer blames nobody."""
    (found,) = stopped_late(SPEC, [reason, reason])
    assert (found.code, found.verdict, found.where, found.stage) == (code, verdict, WHERE, "tests")
    assert reason.partition(": ")[2] in found.message
    assert found.hint
