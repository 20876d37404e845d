"""`runner-env hints`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Cli = Callable[..., Result]
README = "# Tool\n\n## Tests\n\n```\npip install -e .\ncd sub\nA=1 pytest\n```\n"


def test_list(cli: Cli, tmp_path: Path) -> None:
    """A line for each command, with where it is stated, where it runs and what comes before."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "README.md").write_text(README)
    result = cli("hints", tmp_path)
    assert result.exit_code == 0, result.output
    first, *rest = result.stdout.splitlines()
    assert first.startswith("pytest  test ")
    assert first.endswith("README.md:8")
    assert rest == ["    in sub", "    with A=1", "    after pip install -e ."]


def test_json(cli: Cli, tmp_path: Path) -> None:
    """`--json` is a list of objects with `command` first."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "README.md").write_text(README)
    (found,) = json.loads(cli("hints", tmp_path, "--json").stdout)
    assert next(iter(found)) == "command"
    assert found.pop("confidence") > 0.5
    assert found == {
        "command": "pytest",
        "purpose": "test",
        "source": "README.md:8",
        "runner": "pytest",
        "prerequisites": ["pip install -e ."],
        "workdir": "sub",
        "env": {"A": "1"},
    }


def test_none(cli: Cli, tmp_path: Path) -> None:
    """A repository that states nothing is no error."""
    assert cli("hints", tmp_path).stdout == "No official command found.\n"
    assert cli("hints", tmp_path, "--json").stdout == "[]\n"
    assert cli("hints", tmp_path / "missing").exit_code == 2
