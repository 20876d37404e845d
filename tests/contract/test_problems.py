"""The messages of broken contracts, as a person reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from runner_env.contract import load_contract
from runner_env.core import Finding

Repo = Callable[..., Path]
Refused = Callable[[Callable[[], object]], tuple[Finding, ...]]

BROKEN = {
    "typos": "version: 1\nevalution: {}\ntests: {cmnds: [a]}\n",
    "quotes forgotten": "tests:\n  cmds:\n    - true\n    - echo note: this\n    - 3\n",
    "not a list": "tests: {cmds: pytest}\nrollout: {run_cmd: [a, b]}\n",
    "both names": "deploy:\n  setup_cmd: a\n  setup_cmds: [b]\n",
    "wrong numbers": "tests:\n  cmd: a\n  timeout_seconds: 5 minutes\n  retries: -1\nsecurity: {max_cmd_seconds: -3}\n",
    "escapes": "evaluation: {cmd: a, run_cmds: [b], workdir: ../.., metrics_path: /etc/passwd}\n",
    "security": "security:\n  mode: paranoid\n  denylist: ['rm (']\n  secrets: [MY KEY]\n",
    "environment": "tests:\n  cmd: a\n  env: {A: [1], B-C: d}\n",
    "wrong section": "tests: [pytest]\nmetrics_path: m.json\n",
    "duplicate": "tests: {cmd: a}\nrollout: {run_cmd: b}\ntests: {cmd: c}\n",
    "tab": "tests:\n\tcmd: a\n",
    "open quote": "tests:\n  cmd: 'pytest -q\n",
    "wrong version": "version: 1.9\n",
    "terminal escape": '"\\e[31mred": 1\n',
}


@pytest.mark.parametrize("name", BROKEN)
def test_messages(repo: Repo, refused: Refused, snapshot: SnapshotAssertion, name: str) -> None:
    """Each says what is wrong, where, and what to do."""
    root = repo({"pipeline.yml": BROKEN[name]})
    assert [str(finding) for finding in refused(lambda: load_contract(root))] == snapshot
