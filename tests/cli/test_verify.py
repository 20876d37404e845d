"""`runner-env verify`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def verify(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "runner_env", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def run_dir(project: Callable[..., Any], scored: Callable[..., Any]) -> Path:
    """A run that passed."""
    return Path(project(evaluation=scored()).evaluate().run_dir)


def test_an_untouched_run(run_dir: Path) -> None:
    """Exit code 0; the first line says that the proof holds, and for what."""
    done = verify(run_dir)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "HOLDS  the recorded verdict is passed, score 0.5")


def test_an_edited_record(run_dir: Path) -> None:
    """Exit code 1; the file is named, and what follows from it."""
    path = run_dir / "record.json"
    path.write_bytes(path.read_bytes().replace(b'"score":0.5', b'"score":0.9'))
    done = verify(run_dir)
    assert done.returncode == 1
    assert done.stdout.startswith("record.json: ")
    assert done.stdout.endswith("BROKEN  do not rely on this run\n")


def test_json(run_dir: Path) -> None:
    """One object of the published format."""
    said = json.loads(verify(run_dir, "--json").stdout)
    assert (said["format"], said["ok"], said["verdict"], said["score"]) == ("runner-env/proof@1", True, "passed", 0.5)


def test_a_run_by_its_id(run_dir: Path) -> None:
    """The id that every report shows is enough, and so is its beginning; an unknown one is bad input."""
    assert verify(run_dir.name).returncode == verify(run_dir.name[:12]).returncode == 0
    unknown = verify("nothing")
    assert (unknown.returncode, "run_not_found" in unknown.stderr) == (2, True)


def test_what_is_no_run(tmp_path: Path) -> None:
    """An error, not a proof."""
    assert verify(tmp_path).returncode not in {0, 1}
