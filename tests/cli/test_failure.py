"""What is said, and with which exit code, where there is no verdict."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


def _onto_full_disk(*arguments: str | Path, stream: str = "stdout") -> tuple[int, str]:
    other = "stderr" if stream == "stdout" else "stdout"
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-m", "runner_env", *map(str, arguments)]
        done = subprocess.run(argv, text=True, check=False, **{stream: full, other: subprocess.PIPE})  # type: ignore[call-overload]
    return done.returncode, getattr(done, other)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_report_that_does_not_fit(target: Callable[..., Path], home: Path, more: tuple[str, ...]) -> None:
    """A verdict that nobody was told is none: exit code 3, the reason on standard error, the record complete."""
    code, complaint = _onto_full_disk("run", target(), "--llm", "m", *more)
    assert (code, "[no_space]" in complaint) == (3, True)
    assert "Traceback" not in complaint
    assert list(home.glob("runs/*/record.json"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("--help",), 3), (("--version",), 3), (("schema",), 3), (("run", "nowhere", "--llm", "m", "--json"), 2)],
)
def test_other_output_that_does_not_fit(arguments: tuple[str, ...], expected: int) -> None:
    """It is not called a bug, and an error keeps its own exit code."""
    code, complaint = _onto_full_disk(*arguments)
    assert code == expected
    assert complaint.startswith("runner-env: error: ")
    assert "Traceback" not in complaint


@pytest.mark.parametrize("arguments", [("run", "bench"), ("run", "nowhere", "--llm", "m")])
def test_complaints_that_do_not_fit(arguments: tuple[str, ...]) -> None:
    """Where standard error takes nothing, the exit code still says that the input is to blame."""
    assert _onto_full_disk(*arguments, stream="stderr") == (2, "")
