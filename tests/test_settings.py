"""The one reader of the process environment."""

from __future__ import annotations

import ast
from pathlib import Path

import runner_env
from runner_env.settings import Settings


def test_home_is_taken_from_the_environment(tmp_path: Path) -> None:
    """RUNNER_ENV_HOME wins, made absolute; runs and clones lie under it."""
    settings = Settings.from_environ({"RUNNER_ENV_HOME": str(tmp_path / "a" / ".." / "b")})
    assert (settings.home, settings.runs_dir) == (tmp_path / "b", tmp_path / "b" / "runs")


def test_home_defaults_to_the_state_directory(tmp_path: Path) -> None:
    """Without it, runs lie in the user's state directory, never in the target."""
    assert Settings.from_environ({"XDG_STATE_HOME": str(tmp_path)}).home == tmp_path / "runner-env"
    assert Settings.from_environ({}).home.name == "runner-env"


def test_settings_never_show_the_environment() -> None:
    """The environment holds secrets: it is not part of the representation."""
    assert "s3cret" not in repr(Settings.from_environ({"RUNNER_ENV_HOME": "/x", "TOKEN": "s3cret"}))


def test_nothing_else_reads_the_environment() -> None:
    """`os.environ` and `os.getenv` occur in settings.py alone; the island in a box has its own environment."""
    root = Path(runner_env.__file__).parent
    readers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"} and _is_os(node)
    }
    assert {reader for reader in readers if not reader.startswith("guest/")} == {"settings.py"}


def _is_os(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "os"
