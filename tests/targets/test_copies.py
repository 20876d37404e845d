"""Copies of a target to run in."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import TargetError
from runner_env.targets.copies import WorkspaceCopy

Made = Callable[[Path], frozenset[Path]]


def nothing(_: Path) -> frozenset[Path]:
    """No bootstrap made anything."""
    return frozenset()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A target with a file, a program, a link and what an earlier run published."""
    root = tmp_path / "target"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("one")
    (root / "sub/run.sh").write_text("#!/bin/sh\n")
    (root / "sub/run.sh").chmod(0o755)
    (root / "link").symlink_to("a.txt")
    (root / ".aider_fsm/artifacts/r1").mkdir(parents=True)
    (root / ".aider_fsm/stage.sh").write_text("true")
    return root


def tree(root: Path) -> set[str]:
    """The names below a directory."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def test_everything_but_what_runs_published(source: Path, tmp_path: Path) -> None:
    """Files, modes, times and links are the target's; its artifacts stay where they are."""
    with WorkspaceCopy.make(source, tmp_path / "copies", nothing) as copy:
        expected = {"a.txt", "link", "sub", "sub/run.sh", ".aider_fsm", ".aider_fsm/stage.sh"}
        assert tree(copy.root) == expected
        assert os.access(copy.root / "sub/run.sh", os.X_OK)
        assert (copy.root / "link").readlink() == Path("a.txt")
        assert (copy.root / "a.txt").stat().st_mtime_ns == (source / "a.txt").stat().st_mtime_ns


def test_copies_in_use_do_not_meet(source: Path, tmp_path: Path) -> None:
    """Two copies in use have places of their own; a place that is free again is used again."""
    base = tmp_path / "copies"
    first, second = (WorkspaceCopy.make(source, base, nothing) for _ in range(2))
    assert first.root != second.root
    first.close()
    with WorkspaceCopy.make(source, base, nothing) as third:
        assert third.root == first.root
    second.close()


def test_nothing_of_an_earlier_run_is_left(source: Path, tmp_path: Path) -> None:
    """What a run changed, added or removed is gone in the next copy, however it is protected."""
    base = tmp_path / "copies"
    with WorkspaceCopy.make(source, base, nothing) as copy:
        before = tree(copy.root)
        stamp = (copy.root / "a.txt").stat()
        (copy.root / "a.txt").write_text("two")
        os.utime(copy.root / "a.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        (copy.root / "sub/run.sh").unlink()
        (copy.root / "new/deep").mkdir(parents=True)
        (copy.root / "new").chmod(0o500)
        (copy.root / "into").symlink_to(source)
    with WorkspaceCopy.make(source, base, nothing) as copy:
        assert tree(copy.root) == before
        assert (copy.root / "a.txt").read_text() == "one"
    assert tree(source) >= before


def test_what_a_bootstrap_made_stays(source: Path, tmp_path: Path) -> None:
    """An environment made in a place is kept for the next copy there; the target's own is not copied."""

    def made(root: Path) -> frozenset[Path]:
        return frozenset({root / ".aider_fsm/venv"})

    (source / ".aider_fsm/venv").mkdir()
    base = tmp_path / "copies"
    with WorkspaceCopy.make(source, base, made) as copy:
        assert not (copy.root / ".aider_fsm/venv").exists()
        (copy.root / ".aider_fsm/venv").mkdir()
        (copy.root / ".aider_fsm/venv/python").write_text(str(copy.root))
        (copy.root / ".aider_fsm/other").write_text("x")
        (copy.root / ".aider_fsm/artifacts/r2").mkdir(parents=True)
    with WorkspaceCopy.make(source, base, made) as copy:
        assert (copy.root / ".aider_fsm/venv/python").read_text() == str(copy.root)
        assert (copy.root / ".aider_fsm/artifacts/r2").is_dir()
        assert not (copy.root / ".aider_fsm/other").exists()


def test_sockets_and_pipes_are_left_out(source: Path, tmp_path: Path) -> None:
    """They hold nothing that could be copied."""
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as server, WorkspaceCopy.make(source, tmp_path / "c1", nothing) as copy:
        server.bind(str(source / "s"))
        assert "pipe" not in tree(copy.root)
    with WorkspaceCopy.make(source, tmp_path / "c2", nothing) as copy:
        assert "s" not in tree(copy.root)


def test_no_place(source: Path, tmp_path: Path) -> None:
    """Where nothing can be written, the error says where."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TargetError, match="cannot be copied") as caught:
        WorkspaceCopy.make(source, tmp_path / "file", nothing)
    assert caught.value.code == "workspace_copy"
