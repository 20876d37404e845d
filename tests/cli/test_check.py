"""`runner-env check`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from pydantic import TypeAdapter

from runner_env.reporting.check import CheckReport

Cli = Callable[..., Result]
Target = Callable[..., Path]


def test_good_contract(cli: Cli, target: Target) -> None:
    """A contract without errors ends with 0, and nothing of it was run."""
    repo = target("touch ran && echo '{}' > .aider_fsm/metrics.json")
    result = cli("check", repo)
    assert result.exit_code == 0, result.output
    assert not (repo / "ran").exists()


def test_bad_contract(cli: Cli, tmp_path: Path) -> None:
    """Every problem is a line with file, line and column; exit code 2."""
    (tmp_path / "pipeline.yml").write_text("version: 1\nevaluatoin:\n  run_cmds: [true]\nscroe: 1\n")
    result = cli("check", tmp_path)
    assert result.exit_code == 2
    assert "pipeline.yml:2:1: error:" in result.stdout
    assert "pipeline.yml:4:1: error:" in result.stdout
    assert "hint: Did you mean `evaluation`?" in result.stdout


def test_no_contract(cli: Cli, tmp_path: Path) -> None:
    """A directory without a contract is bad input."""
    result = cli("check", tmp_path)
    assert result.exit_code == 2
    assert "pipeline.yml" in result.output


def test_json(cli: Cli, tmp_path: Path) -> None:
    """With `--json` one object of the published format is all that standard output gets."""
    (tmp_path / "pipeline.yml").write_text("version: 9\n")
    result = cli("check", tmp_path, "--json")
    assert result.exit_code == 2
    report = TypeAdapter(CheckReport).validate_json(result.stdout)
    assert not report.ok
    assert json.loads(result.stdout)["format"] == "runner-env/check@1"
    assert result.stderr == ""


def test_other_file(cli: Cli, target: Target) -> None:
    """`--pipeline` names another contract in the target."""
    repo = target()
    (repo / "pipeline.yml").rename(repo / "other.yml")
    assert cli("check", repo).exit_code == 2
    assert cli("check", repo, "--pipeline", "other.yml").exit_code == 0


def test_missing_target(cli: Cli) -> None:
    """A path where nothing is, is bad input and no download."""
    result = cli("check", "./nowhere")
    assert result.exit_code == 2
    assert "runner-env: error:" in result.stderr


def test_git_url(cli: Cli, target: Target) -> None:
    """A git URL is fetched and checked."""
    repo = target()
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *arguments], cwd=repo, check=True)
    result = cli("check", f"file://{repo}")
    assert result.exit_code == 0, result.output
