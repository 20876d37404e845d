"""Temporary directories know whether their maker is still there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runner_env.targets.temporary import abandoned, held_directory, remove_abandoned

_LOST = """
import os, sys
from pathlib import Path
from runner_env.targets.temporary import held_directory
with held_directory("x-", Path(sys.argv[1])) as path:
    (path / "file").touch()
    os._exit(9)
"""


def test_a_held_one_is_not_abandoned_and_goes_in_the_end(tmp_path: Path) -> None:
    """Nobody else may remove it meanwhile."""
    with held_directory("x-", tmp_path) as path:
        assert path.is_dir()
        assert list(abandoned("x-", tmp_path)) == []
        assert remove_abandoned(path) is False
    assert not path.exists()


def test_one_whose_maker_was_lost_is(tmp_path: Path) -> None:
    """It is found by its prefix, and removed with all that is in it."""
    assert subprocess.run([sys.executable, "-c", _LOST, str(tmp_path)], check=False, timeout=30).returncode == 9
    [path] = abandoned("x-", tmp_path)
    assert remove_abandoned(path) is True
    assert list(tmp_path.iterdir()) == []


def test_links_and_missing_places(tmp_path: Path) -> None:
    """A link is never followed; where nothing is there is nothing to find."""
    (tmp_path / "real").mkdir()
    (tmp_path / "x-link").symlink_to("real")
    assert list(abandoned("x-", tmp_path)) == []
    assert list(abandoned("x-", tmp_path / "no")) == []
