"""Hostile and honest cases as an ordinary user, whom no right of root helps or harms."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[2]
EVERY_TENTH = "(7-bwrap or 2-landlock or 4-none) and not HT007"
"""HT007 starts pytest by the interpreter of the runner, which here may be that of the system and not have it."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cases_as_an_ordinary_user(ordinary: Any) -> None:
    """Every tenth case of each level, hostile and honest, comes to what it comes to as root."""
    python = ordinary.python
    shutil.copytree(TESTS, ordinary.place / "repo/tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TESTS.parent / "pyproject.toml", ordinary.place / "repo")
    for name in ("home", "tmp"):
        (ordinary.place / name).mkdir()
    ordinary.take()
    argv = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not network", "-k", EVERY_TENTH]
    argv += ["--rootdir", f"{ordinary.place}/repo", f"{ordinary.place}/repo/tests/acceptance/redteam"]
    own = {"HOME": f"{ordinary.place}/home", "TMPDIR": f"{ordinary.place}/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    done = ordinary.run(argv, 800, **own)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
