"""What the tests of stored formats share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.formats.journal import GENESIS, seal


@pytest.fixture(scope="session")
def journal_lines() -> list[bytes]:
    """The lines of a sound journal of five entries, whose clock goes backwards."""
    lines, prev = [], GENESIS
    for n in range(1, 6):
        line, prev = seal(
            n, f"2026-11-22T02:14:0{9 - n}.000Z", "command.ended", {"exit_code": n, "path": "caf\udce9"}, prev
        )
        lines.append(line)
    return lines


@pytest.fixture
def journal_path(tmp_path: Path, journal_lines: list[bytes]) -> Path:
    """That journal in a file."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(journal_lines))
    return path


@pytest.fixture
def names() -> Callable[[Path], list[str]]:
    """The names in a directory, sorted."""
    return lambda folder: sorted(path.name for path in folder.iterdir())
