"""The Node example: with its contract, and as a repository that never had one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import runner_env

pytestmark = pytest.mark.programs


@pytest.fixture
def node(examples: Path, tmp_path: Path) -> Path:
    """A throw-away copy of the example, without what an earlier run left in it."""
    ignored = shutil.ignore_patterns("node_modules", ".aider_fsm")
    return Path(shutil.copytree(examples / "node", tmp_path / "node", ignore=ignored))


def test_its_test_suite_is_its_score(node: Path) -> None:
    """`npm test` is run by the runner itself, and every test passes."""
    with runner_env.setup(node) as session:
        result = session.evaluate("any")
    assert result.score == 1.0, [str(finding) for finding in result.findings]
    assert result.metrics is not None
    assert result.metrics["counts"]["passed"] == 4
    assert result.metrics["command"] == "npm test"


def test_a_failing_test_lowers_the_score(node: Path) -> None:
    """One wrong line, one failed test: three quarters."""
    text = (node / "index.js").read_text("utf-8")
    (node / "index.js").write_text(text.replace("a * d + c * b", "a * d - c * b"), encoding="utf-8")
    with runner_env.setup(node) as session:
        assert session.evaluate("any").score == 0.75


def test_rules_find_the_same(node: Path) -> None:
    """Without its contract, rules write one that comes to the same score."""
    (node / "pipeline.yml").unlink()
    with runner_env.setup(node, scaffold="rules") as session:
        assert session.evaluate("any").score == 1.0
    assert "hint: npm test" in (node / "pipeline.yml").read_text("utf-8")
