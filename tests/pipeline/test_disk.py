"""What is added to the disk of a workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from runner_env.pipeline import disk
from runner_env.pipeline.disk import MIB, DiskWatch


class Answer(NamedTuple):
    """A file system of blocks of 1 MiB."""

    f_bfree: int
    f_frsize: int = MIB


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many MiB the file system says are free; the test changes it."""
    amount = [1000]
    monkeypatch.setattr(os, "statvfs", lambda _: Answer(amount[0]))
    return amount


def grow(path: Path, mib: int) -> None:
    """Write a file that really takes room."""
    path.write_bytes(os.urandom(mib << 20))


def test_more_than_allowed(tmp_path: Path, free: list[int]) -> None:
    """New files, in folders too, are summed up once the file system has lost that much."""
    watch = DiskWatch([tmp_path], 3 * MIB)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    grow(tmp_path / "a", 2)
    grow(tmp_path / "deep" / "er" / "b", 2)
    assert watch.exceeded() == ""
    free[0] -= 4
    assert watch.exceeded() == "disk_limit: 4 MiB added on the disk, 3 MiB allowed"


def test_somebody_else_fills_the_disk(tmp_path: Path, free: list[int]) -> None:
    """The file system has lost much, and the workspace has gained little: no hit."""
    watch = DiskWatch([tmp_path], 3 * MIB)
    grow(tmp_path / "a", 1)
    free[0] -= 500
    assert watch.exceeded() == ""


def test_what_was_there_does_not_count(tmp_path: Path, free: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Files from before, however large, are no growth."""
    monkeypatch.setattr(disk, "_TICK_S", 0.0)
    grow(tmp_path / "old", 5)
    changed = (tmp_path / "old").stat().st_ctime
    watch = DiskWatch([tmp_path], 3 * MIB, clock=lambda: changed + 1)
    free[0] -= 500
    assert watch.exceeded() == ""


def test_links_lead_nowhere(tmp_path: Path, free: list[int]) -> None:
    """A link out of the workspace does not make what is there part of it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "ws").mkdir()
    watch = DiskWatch([tmp_path / "ws"], 3 * MIB)
    grow(tmp_path / "out" / "big", 5)
    (tmp_path / "ws" / "link").symlink_to(tmp_path / "out")
    free[0] -= 500
    assert watch.exceeded() == ""


def test_a_workspace_that_is_gone(tmp_path: Path) -> None:
    """A stage that removed its workspace has added nothing."""
    (tmp_path / "ws").mkdir()
    watch = DiskWatch([tmp_path / "ws"], 0)
    (tmp_path / "ws").rmdir()
    assert watch.exceeded() == ""


def test_several_folders_count_together(tmp_path: Path, free: list[int]) -> None:
    """What the run may write to besides its workspace is summed up with it."""
    (tmp_path / "ws").mkdir()
    (tmp_path / "home").mkdir()
    watch = DiskWatch([tmp_path / "ws", tmp_path / "home"], 3 * MIB)
    grow(tmp_path / "ws" / "a", 2)
    grow(tmp_path / "home" / "b", 2)
    free[0] -= 4
    assert watch.exceeded() == "disk_limit: 4 MiB added on the disk, 3 MiB allowed"
