"""The ends of what commands wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner_env.runs.outputs import ends


@pytest.mark.parametrize(
    ("size", "expected"),
    [(3, (3, 0, 0)), (5, (5, 0, 0)), (8, (5, 3, 0)), (15, (5, 10, 0)), (40, (5, 10, 25))],
)
def test_ends(tmp_path: Path, size: int, expected: tuple[int, int, int]) -> None:
    """Beginning and end never overlap; what lies between is counted."""
    data = bytes(range(size))
    (tmp_path / "f").write_bytes(data)
    first, last, between = ends(tmp_path / "f", 5, 10)
    assert (len(first), len(last), between) == expected
    assert data.startswith(first)
    assert data.endswith(last)
