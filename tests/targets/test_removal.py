"""Removing what was made to be hard to remove."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner_env.targets.removal import remove_at, remove_tree


def deep(root: Path, depth: int) -> None:
    """Make folders in folders, far beyond what a path can name."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_depth_does_not_matter(tmp_path: Path) -> None:
    """A tree of 5,000 levels, on which recursion and path names end, is removed."""
    root = tmp_path / "root"
    root.mkdir()
    deep(root, 5000)
    remove_tree(root)
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    """What they lead to stays."""
    root, kept = tmp_path / "root", tmp_path / "kept"
    for folder in (root / "a/b", kept):
        folder.mkdir(parents=True)
    (kept / "file").write_text("x")
    for place in (root / "link", root / "a/b/link"):
        place.symlink_to(kept)
    remove_tree(root)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (kept / "file").read_text() == "x"


def test_missing_permissions_do_not_matter(tmp_path: Path) -> None:
    """Folders that nobody may read, write or enter are removed by their owner."""
    inner = tmp_path / "root/a/b"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    for folder in (inner, inner.parent, tmp_path / "root"):
        folder.chmod(0)
    remove_tree(tmp_path / "root")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_removed_too(tmp_path: Path) -> None:
    """By its name in an open directory; what is not there is an error."""
    (tmp_path / "file").write_text("x")
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        remove_at(here, "file")
        with pytest.raises(FileNotFoundError):
            remove_at(here, "file")
    finally:
        os.close(here)
