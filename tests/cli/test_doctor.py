"""`runner-env doctor` and its probes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from pydantic import TypeAdapter

from runner_env.cli.probes import probe_all
from runner_env.reporting.doctor import DoctorReport, Row
from runner_env.settings import Settings

Cli = Callable[..., Result]


def _rows(home: Path, **environ: str) -> dict[str, Row]:
    return {row.name: row for row in probe_all(Settings(home=home, environ=environ))}


def test_this_machine_is_good(cli: Cli) -> None:
    """Where these tests run, everything needed works, the keeper included, which really runs a command."""
    result = cli("doctor")
    assert result.exit_code == 0, result.output
    assert "ran a command" in result.stdout
    assert "sandbox auto" in result.stdout


def test_json(cli: Cli) -> None:
    """With `--json` one object of the published format is printed."""
    report = TypeAdapter(DoctorReport).validate_json(cli("doctor", "--json").stdout)
    assert report.ok
    assert {"python", "platform", "git", "shell", "home", "keeper"} <= {row.name for row in report.rows}


def test_no_git(home: Path) -> None:
    """Without git some runs still work: a warning with what is lost."""
    row = _rows(home, PATH="")["git"]
    assert (row.status, row.detail) == ("warn", "not found")
    assert "Install git" in row.hint


def test_broken_git(home: Path, tmp_path: Path) -> None:
    """A git that does not start counts as none."""
    (tmp_path / "git").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "git").chmod(0o755)
    assert _rows(home, PATH=str(tmp_path))["git"].status == "warn"


def test_home_cannot_be_written(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where evidence cannot be kept no run can pass: a failure, exit code 3, and what to set."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RUNNER_ENV_HOME", str(tmp_path / "file"))
    result = cli("doctor")
    assert result.exit_code == 3
    assert "fail  home" in result.stdout
    assert "Set RUNNER_ENV_HOME" in result.stdout


def test_leaves_nothing_behind(home: Path) -> None:
    """Trying to write leaves no file."""
    _rows(home)
    assert list(home.iterdir()) == []


def test_the_agent_that_is_at_hand(home: Path, tmp_path: Path) -> None:
    """The program that `auto` stands for; without one, a warning with what to install."""
    none = _rows(home, PATH="")["agent"]
    assert none.status == "warn"
    assert "Install OpenCode" in none.hint
    (tmp_path / "opencode").write_text("#!/bin/sh\n")
    (tmp_path / "opencode").chmod(0o755)
    assert _rows(home, PATH=str(tmp_path))["agent"].detail.startswith("opencode would")
