"""`runner-env init`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from runner_env.contract import starter_files

Cli = Callable[..., Result]


def test_writes_a_contract_that_checks(cli: Cli, tmp_path: Path) -> None:
    """The starter is written into a new directory, is good, and what to do next is said."""
    result = cli("init", "new/bench")
    assert result.exit_code == 0, result.output
    assert "runner-env check new/bench" in result.stdout
    for name, text in starter_files().items():
        assert (tmp_path / "new/bench" / name).read_text() == text
    assert cli("check", "new/bench").exit_code == 0


def test_next_steps_can_be_pasted(cli: Cli) -> None:
    """A directory whose name a shell would split is quoted."""
    assert "runner-env check 'my bench'" in cli("init", "my bench").stdout


@pytest.mark.parametrize("link", [False, True])
def test_never_overwrites(cli: Cli, tmp_path: Path, link: bool) -> None:
    """If any of the files is there, even as a dangling link, nothing is written and the error names it."""
    path = tmp_path / "pipeline.yml"
    if link:
        path.symlink_to("nowhere")
    else:
        path.write_text("mine")
    result = cli("init", tmp_path)
    assert result.exit_code == 2
    assert "already has pipeline.yml" in result.stderr
    assert not (tmp_path / ".aider_fsm").exists()
    assert path.is_symlink() or path.read_text() == "mine"


def test_not_a_directory(cli: Cli, tmp_path: Path) -> None:
    """A file in the directory's place is bad input, not a crash."""
    (tmp_path / "file").write_text("mine")
    result = cli("init", "file")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
