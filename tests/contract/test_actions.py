"""`.aider_fsm/actions.yml` to `Actions`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.contract import load_actions
from runner_env.core import Finding

Repo = Callable[..., Path]
Refused = Callable[[Callable[[], object]], tuple[Finding, ...]]

FILE = ".aider_fsm/actions.yml"
HEAD = "version: 1\nactions:\n"


def test_both_kinds_parse(repo: Repo) -> None:
    """A command and a file, with everything that can be said about them, in order."""
    text = (
        HEAD
        + "  - {id: one, kind: run_cmd, cmd: ' echo hi ', timeout_seconds: 5, retries: 1,\n"
        + "     risk_level: low, rationale: r}\n"
        + "  - id: two\n    kind: write_file\n    path: a/b.txt\n    content: |\n      x\n"
    )
    actions = load_actions(repo({FILE: text}))
    assert actions is not None
    one, two = actions.actions
    assert one.command is not None
    assert (one.command.text, one.timeout_s, one.retries, one.risk_level, one.rationale) == (
        "echo hi",
        5.0,
        1,
        "low",
        "r",
    )
    assert (two.command, two.path, two.content, two.retries) == (None, "a/b.txt", "x\n", 0)
    assert str(two.where) == f"{FILE}:5:5"


def test_no_file_is_none(repo: Repo) -> None:
    """Actions are optional."""
    assert load_actions(repo({})) is None


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("{id: a, kind: run_cmd}", "missing_key"),
        ("{id: a, kind: write_file, path: x}", "missing_key"),
        ("{kind: run_cmd, cmd: x}", "missing_key"),
        ("{id: a, cmd: x}", "missing_key"),
        ("{id: a, kind: run_cmd, cmd: x, path: y}", "unknown_key"),
        ("{id: a, kind: explode, cmd: x}", "bad_value"),
        ("{id: a, kind: explode}", "bad_value"),
        ("{id: a, kind: run_cmd, cmd: x, retrys: 1}", "unknown_key"),
        ("{id: a/b, kind: run_cmd, cmd: x}", "bad_value"),
        ("{id: ..., kind: run_cmd, cmd: x}", "bad_value"),
        ('{id: "a\\n", kind: run_cmd, cmd: x}', "bad_value"),
        ("{id: a, kind: write_file, path: ../x, content: y}", "path_escapes"),
        ("{id: a, kind: write_file, path: /x, content: y}", "path_escapes"),
        ("text", "wrong_type"),
        ("{id: a, kind: run_cmd, cmd: ''}", "empty_command"),
    ],
)
def test_what_is_refused(repo: Repo, refused: Refused, item: str, code: str) -> None:
    """Each mistake in an action, at its line, for the stage actions."""
    root = repo({FILE: HEAD + f"  - {item}\n"})
    (finding,) = refused(lambda: load_actions(root))
    assert (finding.code, finding.where.line, finding.stage) == (code, 3, "actions")


@pytest.mark.parametrize(
    "path",
    [
        "pipeline.yml",
        "./pipeline.yml",
        "PIPELINE.yml",
        "a/../pipeline.yml",
        "PLAN.md",
        ".git/hooks/x",
        ".GIT/config",
        ".git",
        ".aider_fsm/actions.yml",
        ".aider_fsm//bootstrap.yml",
        "\uff0egit/config",
        "ci/other.yml",
    ],
)
def test_protected_files_cannot_be_written(repo: Repo, refused: Refused, path: str) -> None:
    """The contract, the plan and git's own files, however their names are spelled (RT025)."""
    root = repo({FILE: HEAD + f"  - {{id: a, kind: write_file, path: {path}, content: x}}\n"})
    pipeline = "ci/other.yml" if path.startswith("ci/") else "pipeline.yml"
    assert [found.code for found in refused(lambda: load_actions(root, pipeline))] == ["protected_path"]


def test_ids_are_unique(repo: Repo, refused: Refused) -> None:
    """The second of two equal ids is reported with the place of the first."""
    item = "  - {id: a, kind: run_cmd, cmd: x}\n"
    root = repo({FILE: HEAD + item + item})
    (finding,) = refused(lambda: load_actions(root))
    assert (finding.code, finding.where.line, f"{FILE}:3:10" in finding.message) == ("duplicate_id", 4, True)
