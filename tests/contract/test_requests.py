"""What a contract asks for that cannot be had here and now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.contract import lint, load_contract
from runner_env.contract.requests import containment
from runner_env.core import Verdict

Repo = Callable[..., Path]
GOOD = "evaluation: {run_cmds: [echo hi], metrics_path: m.json, required_keys: [ok, score]}\n"


@pytest.mark.parametrize(
    ("security", "verdict"),
    [
        ("sandbox_required: true", Verdict.FAILED),
        ("sandbox: bwrap, sandbox_required: true", Verdict.FAILED),
        ("sandbox: landlock", Verdict.PASSED),
        ("network: none", Verdict.PASSED),
        ("sandbox: none, sandbox_required: true", None),
        ("network: host", None),
    ],
)
def test_containment_that_is_not_there(repo: Repo, security: str, verdict: Verdict | None) -> None:
    """Insisting on it is an error, asking for it a note; `check` says what a run says."""
    root = repo({"pipeline.yml": f"{GOOD}security: {{{security}}}\n"})
    found = containment(load_contract(root))
    assert (found and found.verdict) == verdict
    assert lint(root) == ((found,) if found else ())
