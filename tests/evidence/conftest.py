"""What the tests of evidence share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner_env.evidence import RunDir
from runner_env.text.masking import Masker


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDir]:
    """A run's directory, open for writing."""
    with RunDir.create(tmp_path / "runs", "20261122T021400Z-0123456789abcdef") as run_dir:
        yield run_dir


@pytest.fixture
def no_secrets() -> Masker:
    """A masker that has nothing to mask."""
    return Masker({})


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python code with arguments in a process of its own; whatever still runs at the end is killed."""
    children: list[subprocess.Popen[str]] = []

    def start_code(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        children.append(subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True))
        return children[-1]

    yield start_code
    for child in children:
        child.kill()
        child.communicate(timeout=30)


@pytest.fixture
def names() -> Callable[[Path], list[str]]:
    """The names in a directory, sorted."""
    return lambda folder: sorted(path.name for path in folder.iterdir())
