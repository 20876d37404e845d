"""`runner-env run`, end to end."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from click.testing import Result

from runner_env.cli.run import run
from runner_env.formats.record import read_record
from runner_env.reporting.json import dumps
from runner_env.runs.options import CallOptions, Mode, SetupOptions, Unattended

Cli = Callable[..., Result]
Target = Callable[..., Path]
Program = Callable[..., "subprocess.Popen[str]"]


def _run_dir(home: Path) -> Path:
    (folder,) = (home / "runs").iterdir()
    return folder


def test_passed(cli: Cli, target: Target, home: Path) -> None:
    """A run that passes: exit code 0, verdict, score and proof on standard output, progress on standard error."""
    result = cli("run", target(), "--llm", "m", "--repair", "0")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("PASSED  score 0.875  (7 of 8)\n")
    assert str(_run_dir(home)) in result.stdout
    assert "evaluation 1 $ mkdir" in result.stderr
    assert "PASSED" not in result.stderr
    assert "\x1b" not in result.output


def test_failed(cli: Cli, target: Target) -> None:
    """A run that fails: exit code 1, the stage, the place in the contract, and what the command wrote."""
    result = cli("run", target("echo what went wrong >&2; exit 7"), "--llm", "m", "--repair", "0")
    assert result.exit_code == 1, result.output
    assert result.stdout.startswith("FAILED  in evaluation  [command_failed]\n")
    assert "pipeline.yml:4:7: error:" in result.stdout
    assert "| what went wrong" in result.stdout


def test_unscored(cli: Cli, target: Target) -> None:
    """A run without a declared score: exit code 3, never 0; with --no-require-metrics it passes without one."""
    repo = target("true")
    contract = repo / "pipeline.yml"
    contract.write_text(
        "\n".join(line for line in contract.read_text().split("\n") if "metrics" not in line and "keys" not in line)
    )
    result = cli("run", repo, "--llm", "m", "--repair", "0")
    assert result.exit_code == 3, result.output
    assert result.stdout.startswith("UNSCORED")
    assert cli("run", repo, "--llm", "m", "--no-require-metrics").exit_code == 0


def test_json_is_the_stored_record(cli: Cli, target: Target, home: Path) -> None:
    """`--json`: one object, the record that lies in the run directory, in the published format; nothing else."""
    result = cli("run", target(), "--llm", "m", "--json")
    assert result.exit_code == 0, result.output
    record = read_record(result.stdout.encode())
    assert record == read_record((_run_dir(home) / "record.json").read_bytes())
    assert result.stdout == dumps(record)
    assert record.score == 0.875


def test_samples_required(cli: Cli, target: Target) -> None:
    """`--require-samples` fails a contract that leaves none."""
    result = cli("run", target(), "--llm", "m", "--require-samples", "--repair", "0", "--json")
    record = read_record(result.stdout.encode())
    assert result.exit_code == record.verdict.exit_code != 0


def test_variables(cli: Cli, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--env` wins over `--env-file`; `--pass-env` shows a variable of one's own; `--mode` arrives, no more does."""
    (tmp_path / "e.env").write_text("A=file\nB='from file'\n")
    for name in ("MINE", "OTHER"):
        monkeypatch.setenv(name, "seen")
    repo = target('echo "$A $B ${MINE-no} ${OTHER-no} $AIDER_EVAL_MODE $AIDER_LLM_MODEL" > seen')
    flags = ("--env-file", "e.env", "--env", "A=flag", "--pass-env", "MINE", "--mode", "full", "--repair", "0")
    assert cli("run", repo, "--llm", "model-1", *flags).exit_code == 1
    assert (repo / "seen").read_text() == "flag from file seen no full model-1\n"


def test_artifacts_dir(cli: Cli, target: Target, tmp_path: Path) -> None:
    """`--artifacts-dir` is where the published copy goes."""
    assert cli("run", target(), "--llm", "m", "--artifacts-dir", "copy").exit_code == 0
    assert list((tmp_path / "copy").rglob("metrics.json"))


def test_bad_contract(cli: Cli, tmp_path: Path) -> None:
    """A contract that cannot be used: exit code 2, each finding on standard error, nothing on standard output."""
    (tmp_path / "pipeline.yml").write_text("version: 1\nevaluatoin: {}\nscroe: 1\n")
    result = cli("run", tmp_path, "--llm", "m")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "pipeline.yml:2:1: error:" in result.stderr
    assert "pipeline.yml:3:1: error:" in result.stderr


def test_bad_contract_as_json(cli: Cli, tmp_path: Path) -> None:
    """With `--json` the error is one object with every finding."""
    (tmp_path / "pipeline.yml").write_text("version: 1\nevaluatoin: {}\nscroe: 1\n")
    result = cli("run", tmp_path, "--llm", "m", "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)
    assert error["where"] == {"file": "pipeline.yml", "line": 2, "column": 1}
    assert len(error["findings"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nowhere", "--llm", "m"), "target_not_found"),
        ((".", "--llm", " "), "empty_llm"),
        ((".", "--llm", "./no-model"), "llm_path_not_found"),
        ((".", "--llm", "m", "--env", "A"), "bad_env"),
        ((".", "--llm", "m", "--env-file", "none.env"), "env_file_unreadable"),
        ((".", "--llm", "m", "--pass-env", "A B"), "bad_option"),
    ],
)
def test_bad_input(cli: Cli, tmp_path: Path, home: Path, arguments: tuple[str, ...], code: str) -> None:
    """What cannot be used is said with its code, exit code 2, and no run is begun."""
    (tmp_path / "pipeline.yml").write_text("version: 1\ntests: {cmds: ['true']}\n")
    result = cli("run", *arguments)
    assert result.exit_code == 2, result.output
    assert f"[{code}]" in result.stderr
    assert not (home / "runs").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals(program: Program, target: Target, home: Path, number: signal.Signals, code: int) -> None:
    """A signal ends the run in good order: its own exit code, a complete record that is unscored, and the report."""
    repo = target("touch started; sleep 60")
    with program("run", repo, "--llm", "m", "--json") as process:
        deadline = time.monotonic() + 30
        while not (repo / "started").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == code, stderr
    record = read_record((_run_dir(home) / "record.json").read_bytes())
    assert record.verdict == "unscored"
    assert read_record(stdout.encode()) == record


def test_signal_without_a_record(program: Program, target: Target, home: Path) -> None:
    """If the record cannot be written, an interrupted run says so and still has the exit code of its signal."""
    repo = target("touch started; sleep 60")
    with program("run", repo, "--llm", "m", "--json") as process:
        deadline = time.monotonic() + 30
        while not (repo / "started").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        (_run_dir(home) / "record.json").mkdir()
        process.terminate()
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 143, stderr
    assert json.loads(stdout)["code"] == "record_missing"


def test_two_runs_in_one_workspace(program: Program, cli: Cli, target: Target) -> None:
    """While one run holds the workspace a second is refused with exit code 3, and the first goes on."""
    repo = target("touch started; while [ ! -e go ]; do sleep 0.05; done; exit 9")
    with program("run", repo, "--llm", "m", "--repair", "0") as first:
        deadline = time.monotonic() + 30
        while not (repo / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        second = cli("run", repo, "--llm", "m")
        (repo / "go").touch()
        first.communicate(timeout=30)
    assert second.exit_code == 3, second.output
    assert "[workspace_busy]" in second.stderr
    assert first.returncode == 1


def test_defaults_in_the_help_are_the_real_ones() -> None:
    """The flags repeat no default in code; what the help says is what the options have."""
    shown = {str(option.opts[-1]): getattr(option, "help", "") or "" for option in run.params}
    assert f"[default: {CallOptions().mode}]" in shown["--mode"]
    assert f"[default: {CallOptions().repair_iters}]" in shown["--repair"] + shown.get("repair_iters", "")
    assert f"[default: {SetupOptions().pipeline_rel}]" in shown["--pipeline"]
    assert f"[default: {SetupOptions().unattended}]" in shown["--unattended"]
    types = {option.name: option.type for option in run.params}
    assert tuple(getattr(types["mode"], "choices", ())) == get_args(Mode)
    assert tuple(getattr(types["unattended"], "choices", ())) == get_args(Unattended)
