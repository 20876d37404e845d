"""`runner-env summary`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Cli = Callable[..., Result]
GOOD = "..... [100%]\n5 passed in 0.07s\n"


def test_json(cli: Cli, tmp_path: Path) -> None:
    """One object and nothing else; exit code 0 for a run that is ok."""
    (tmp_path / "log").write_text(GOOD)
    result = cli("summary", "log", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["runner"], found["passed"], found["ok"], found["score"]) == (
        0,
        "pytest",
        5,
        True,
        1.0,
    )


@pytest.mark.parametrize(
    ("text", "options", "code", "words"),
    [
        (GOOD, (), 0, "pytest: ok: 5 passed"),
        (GOOD, ("--exit-code", "1"), 1, "not ok"),
        (GOOD, ("--exit-code", "-11"), 3, "no result"),
        ("F [100%]\n1 failed in 0.07s\n", (), 1, "score 0"),
        ("hello\n", (), 3, "no result"),
        ("\nno tests ran in 0.01s\n", (), 3, "no score"),
    ],
)
def test_exit_codes(cli: Cli, tmp_path: Path, text: str, options: tuple[str, ...], code: int, words: str) -> None:
    """0 for ok, 1 for not ok, 3 without a score; one line says what was counted."""
    (tmp_path / "log").write_text(text)
    result = cli("summary", "log", *options)
    assert (result.exit_code, words in result.stdout, result.stdout.count("\n")) == (code, True, 1)


@pytest.mark.parametrize("name", ["missing", "."])
def test_unreadable(cli: Cli, name: str) -> None:
    """A missing file and a directory are bad input, said in words."""
    result = cli("summary", name)
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
