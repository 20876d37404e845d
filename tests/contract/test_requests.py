"""What a contract asks for that cannot be had here and now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.contract import lint, load_contract
from runner_env.contract.requests import unusable_out_dir

Repo = Callable[..., Path]
GOOD = "evaluation: {run_cmds: [echo hi], metrics_path: m.json, required_keys: [ok, score]}\n"


@pytest.mark.parametrize("security", ["sandbox: bwrap, sandbox_required: true", "sandbox: landlock", "network: none"])
def test_containment_is_no_matter_of_the_contract_alone(repo: Repo, security: str) -> None:
    """Whether a sandbox can be had is tried out when it is needed; `check` says nothing about it."""
    assert lint(repo({"pipeline.yml": f"{GOOD}security: {{{security}}}\n"})) == ()


def test_a_folder_that_leads_out(repo: Repo, tmp_path: Path) -> None:
    """`check` says what a run says about `artifacts.out_dir`."""
    root = repo({"pipeline.yml": f"{GOOD}artifacts: {{out_dir: results}}\n"})
    assert unusable_out_dir(load_contract(root), root) is None
    (root / "results").symlink_to(tmp_path.parent)
    found = unusable_out_dir(load_contract(root), root)
    assert found is not None
    assert lint(root) == (found,)
