"""When a stage began, on the filesystem's clock."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from runner_env.errors import TargetError
from runner_env.verification import Started, started


def ctime(path: Path) -> int:
    """When it last changed."""
    return path.stat().st_ctime_ns


def test_files_before_are_old_and_files_after_are_fresh(tmp_path: Path) -> None:
    """B067: even with a clock that ticks every few milliseconds, there is no doubt on either side."""
    for n in range(30):
        before, after = tmp_path / f"before{n}", tmp_path / f"after{n}"
        before.touch()
        began = Started.now(tmp_path)
        after.touch()
        assert not began.is_fresh(ctime(before))
        assert began.is_fresh(ctime(after))


def test_forged_mtime_does_not_make_a_file_fresh(tmp_path: Path) -> None:
    """`touch -d tomorrow` before the stage changes nothing: it is the change time that counts."""
    path = tmp_path / "m"
    path.touch()
    os.utime(path, (2**33, 2**33))
    assert not Started.now(tmp_path).is_fresh(ctime(path))


def test_equal_time_is_fresh_only_if_the_clock_ticked() -> None:
    """Without a tick a file of before could carry the same time: a doubt is not a pass."""
    assert Started(1000, exact=True).is_fresh(1000)
    assert not Started(1000, exact=False).is_fresh(1000)
    assert Started(1000, exact=False).is_fresh(1001)


def test_clock_that_stands_still_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filesystem whose clock does not tick delays a stage, but not for ever."""
    monkeypatch.setattr(started, "_LONGEST_TICK_S", 0.01)
    fixed = os.stat_result((0o100644, 1, 1, 1, 0, 0, 0, 0, 0, 0), {"st_ctime_ns": 5})
    monkeypatch.setattr(os, "fstat", lambda _: fixed)
    assert Started.now(tmp_path) == Started(5, exact=False)


def test_probe_leaves_nothing(tmp_path: Path) -> None:
    """The folder is made, the probe is gone."""
    Started.now(tmp_path)
    assert list((tmp_path / ".aider_fsm" / "artifacts").iterdir()) == []


@pytest.mark.parametrize("link", [".aider_fsm", ".aider_fsm/artifacts"])
def test_probe_is_never_written_outside(tmp_path: Path, link: str) -> None:
    """A folder of artifacts that leads out of the repository is refused, and nothing is made there."""
    repo, outside = tmp_path / "repo", tmp_path / "outside"
    outside.mkdir()
    path = repo / link
    path.parent.mkdir(parents=True)
    path.symlink_to(outside)
    with pytest.raises(TargetError) as caught:
        Started.now(repo)
    assert caught.value.code == "path_outside"
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(("back_s", "age_s", "fresh"), [(86_400, 80_000, True), (86_400, 90_000, False), (0, 1, False)])
def test_a_clock_that_is_set_back_during_the_stage(
    monkeypatch: pytest.MonkeyPatch, back_s: float, age_s: float, fresh: bool
) -> None:
    """RT078: files of the stage may then look older than its start, by as much as the clock jumped and no more."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(time, "time", lambda: 1_000_000.0 - back_s)
    began = Started(1_000_000 * 10**9, ahead_s=999_000.0)
    assert began.is_fresh(int((1_000_000 - age_s) * 1e9)) is fresh
