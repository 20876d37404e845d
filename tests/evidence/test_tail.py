"""The end of a stream, on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_env.evidence.places import FOLDER, opened
from runner_env.evidence.tail import TailFiles


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(max_size=30), max_size=12), capacity=st.integers(1, 20), n=st.integers(0, 20))
def test_the_last_bytes(
    tmp_path: Path, pieces: list[bytes], capacity: int, n: int, names: Callable[[Path], list[str]]
) -> None:
    """However the stream is cut, the last bytes are at hand, no more than asked for, and the rest is counted."""
    whole = b"".join(pieces)
    with opened(tmp_path, FOLDER) as folder:
        tail = TailFiles(folder, "out", capacity)
        for piece in pieces:
            tail.write(memoryview(piece))
        kept = min(capacity, len(whole))
        assert (tail.kept, tail.dropped) == (kept, len(whole) - kept)
        n = min(n, kept)
        assert b"".join(tail.last(n)) == whole[len(whole) - n :]
        tail.close(remove=True)
    assert names(tmp_path) == []


def test_the_disk_never_has_more_than_twice_the_capacity(tmp_path: Path, names: Callable[[Path], list[str]]) -> None:
    """The files are emptied as they take turns, so a flood cannot fill the disk (RT068)."""
    with opened(tmp_path, FOLDER) as folder:
        tail = TailFiles(folder, "out", 1000)
        for _ in range(50):
            tail.write(memoryview(b"x" * 333))
            assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2000
        tail.close(remove=False)
    assert names(tmp_path) == ["out.tail0", "out.tail1"]
