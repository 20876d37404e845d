"""`runner-env` itself: help, version, import budget, exit codes of whatever goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion

from runner_env.cli.help_pages import help_pages
from runner_env.cli.root import Root
from runner_env.errors import EvidenceError, ExecutionError, OptionError, WorkspaceBusy

Cli = Callable[..., Result]
_HEAVY = ("pydantic", "rich", "ruamel", "asyncio", "uvicorn", "runner_env.session", "runner_env.contract")


@pytest.mark.parametrize("name", ["runner-env", "run", "check", "init", "doctor", "schema"])
def test_help(name: str, snapshot: SnapshotAssertion) -> None:
    """Each help text says what it said before; a change shows in the review."""
    assert help_pages()[name] == snapshot


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["check", "-h"], ["--version"]])
def test_help_is_cheap(arguments: list[str]) -> None:
    """Help and version load click and nothing heavy."""
    code = (
        "import sys\nfrom runner_env.cli import main\n"
        f"try:\n    sys.argv[1:] = {arguments!r}; main()\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(cli: Cli) -> None:
    """The version is that of the distribution."""
    assert cli("--version").output == f"runner-env {version('runner-env')}\n"


def test_module_is_the_program() -> None:
    """`python -m runner_env` is the console script."""
    done = subprocess.run([sys.executable, "-m", "runner_env", "schema"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "run-record" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["run"], "Missing argument 'TARGET'"),
        (["run", "."], "Missing option '--llm'"),
        (["run", ".", "--llm", "m", "--mode", "quick"], "'quick' is not one of"),
        (["run", ".", "--llm", "m", "--repair", "-1"], "-1 is not in the range"),
        (["check", ".", "--jsn"], "No such option"),
    ],
)
def test_usage_errors(cli: Cli, arguments: list[str], said: str) -> None:
    """A command line that makes no sense is bad input, exit code 2, said on standard error."""
    result = cli(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_usage_error_as_json(cli: Cli) -> None:
    """With `--json` a usage error too is one object on standard output."""
    result = cli("run", ".", "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)
    assert (error["format"], error["code"]) == ("runner-env/error@1", "usage")
    assert "--llm" in error["message"]


def _failing(error: BaseException) -> Root:
    program = Root("runner-env")

    @click.command()
    def run() -> None:
        raise error

    program.get_command = lambda ctx, name: run  # type: ignore[method-assign]  # noqa: ARG005
    return program


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OptionError("bad_option", "no"), 2),
        (WorkspaceBusy("workspace_busy", "held by run x"), 3),
        (EvidenceError("evidence_full", "disk full"), 3),
        (ExecutionError("box", "lost"), 3),
        (RuntimeError("oops"), 3),
        (OSError("oops"), 3),
        (BrokenPipeError("oops"), 3),
        (AssertionError("oops"), 3),
        (KeyboardInterrupt(), 130),
        (SystemExit(143), 143),
    ],
)
def test_exit_codes(error: BaseException, code: int) -> None:
    """Bad input is 2; trouble of the runner and its bugs are 3, never a verdict on the target; signals keep theirs."""
    assert CliRunner().invoke(_failing(error), ["run"]).exit_code == code


def test_a_bug_says_so() -> None:
    """An unexpected exception is called a bug, and its traceback is shown; with --json its object is on stdout."""
    result = CliRunner().invoke(_failing(RuntimeError("oops")), ["run"])
    assert "This is a bug in runner-env" in result.stderr
    assert "Traceback" in result.stderr
    assert "RuntimeError: oops" in result.stderr
