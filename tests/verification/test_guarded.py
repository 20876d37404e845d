"""The contract and what git believes stay as they are while a run goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.verification.guarded import Guarded

Make = Callable[..., Any]
CONTRACT_CHANGES = {
    "pipeline.yml": "printf '\\n' >> pipeline.yml",
    ".aider_fsm/bootstrap.yml": "echo 'version: 1' > .aider_fsm/bootstrap.yml",
    ".aider_fsm/actions.yml": "echo 'version: 1' > .aider_fsm/actions.yml",
}
GIT_CHANGES = {
    ".git/HEAD": "echo ref: refs/heads/other > .git/HEAD",
    ".git/config": "printf '[core]\\n\\tpager = x\\n' >> .git/config",
    ".git/refs/heads/other": "cp .git/refs/heads/main .git/refs/heads/other",
    ".git/hooks/post-checkout": "mkdir -p .git/hooks; echo true > .git/hooks/post-checkout",
    ".git/info/attributes": "mkdir -p .git/info; echo '* filter=x' > .git/info/attributes",
}


def failed_codes(result: Any) -> list[tuple[str, str]]:
    """Code and stage of what speaks against a run."""
    return [(finding.code, finding.stage) for finding in result.findings if finding.verdict != "passed"]


@pytest.fixture(autouse=True)
def without_containment(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a level that protects these files no stage can change them."""
    monkeypatch.setenv("RUNNER_ENV_SANDBOX", "none")


@pytest.mark.parametrize("name", [*CONTRACT_CHANGES, *GIT_CHANGES])
def test_a_stage_that_changes_one_is_named(project: Make, scored: Make, name: str) -> None:
    """The run fails, the finding names stage and file, and no later stage runs."""
    command = {**CONTRACT_CHANGES, **GIT_CHANGES}[name]
    made = project(tests={"cmds": [command]}, evaluation=scored("touch evaluated"))
    made.commit()
    result = made.evaluate(repair_iters=0)
    assert result.verdict == "failed"
    assert failed_codes(result) == [("contract_changed", "tests")]
    assert str(next(f.where for f in result.findings if f.code == "contract_changed")) == name
    assert not made.exists("evaluated")


def test_what_git_itself_keeps_up_to_date_is_no_change(project: Make, scored: Make) -> None:
    """Reading history, refreshing the index and writing other files of the workspace are all right."""
    command = "touch pipeline.yml new; git status >/dev/null; git log -1 >/dev/null; git diff; git add new"
    made = project(tests={"cmds": [command]}, evaluation=scored())
    made.commit()
    assert made.evaluate(repair_iters=0).verdict == "passed"


def test_actions_that_are_put_away_are_no_change(project: Make, scored: Make) -> None:
    """The runner itself removes `actions.yml` once it was carried out."""
    actions = {"version": 1, "actions": [{"id": "a", "kind": "write_file", "path": "x", "content": "made\n"}]}
    made = project(evaluation=scored(), files={".aider_fsm/actions.yml": actions})
    assert made.evaluate(repair_iters=0).verdict == "passed"
    assert not made.exists(".aider_fsm/actions.yml")


def test_links_and_other_kinds(tmp_path: Path) -> None:
    """A link counts by where it leads and by what is there; a pipe in a file's place does not make anybody wait."""
    (tmp_path / "real.yml").write_text("one")
    (tmp_path / "pipeline.yml").symlink_to("real.yml")
    before = Guarded.now(tmp_path, "pipeline.yml")
    (tmp_path / "real.yml").write_text("two")
    assert before.changed(Guarded.now(tmp_path, "pipeline.yml")) == ("pipeline.yml",)
    import os

    (tmp_path / "pipeline.yml").unlink()
    os.mkfifo(tmp_path / "pipeline.yml")
    assert before.changed(Guarded.now(tmp_path, "pipeline.yml")) == ("pipeline.yml",)
