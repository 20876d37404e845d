"""Reading within bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner_env.hints.reading import exists, list_folder, read_text


def test_links(tmp_path: Path) -> None:
    """A link inside the repository is followed, one that leads out is not there, neither is a circle."""
    root = tmp_path / "tool"
    (root / "docs").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (root / "docs/README.md").write_text("text")
    (root / "README.md").symlink_to("docs/README.md")
    (root / "out.md").symlink_to(tmp_path / "secret")
    (root / "outside").symlink_to(tmp_path)
    (root / "circle").symlink_to("circle")
    assert read_text(root, "README.md") == "text"
    assert [read_text(root, name) for name in ("out.md", "outside/secret", "../secret", "circle", "none")] == [None] * 5
    assert list_folder(root, "outside") == ([], [])
    assert "outside" not in list_folder(root)[1]
    assert not exists(root, "../secret")


def test_no_regular_file(tmp_path: Path) -> None:
    """A FIFO is not waited for, a folder is no text."""
    os.mkfifo(tmp_path / "README.md")
    (tmp_path / "docs").mkdir()
    assert read_text(tmp_path, "README.md") is None
    assert read_text(tmp_path, "docs") is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfa\r\nb\rc", "a\nb\nc"),
        ("a".encode("utf-16"), "a"),
        (b"a\xff", "a\ufffd"),
    ],
)
def test_encodings(tmp_path: Path, data: bytes, text: str) -> None:
    """Byte order marks, UTF-16, line ends, and what is no text at all."""
    (tmp_path / "a").write_bytes(data)
    assert read_text(tmp_path, "a") == text


def test_bounds(tmp_path: Path) -> None:
    """Only the beginning of a huge file is read, only the first entries of a huge folder are listed."""
    (tmp_path / "a").write_text("x" * 1000)
    assert read_text(tmp_path, "a", most=10) == "x" * 10
    for number in range(2_100):
        (tmp_path / f"f{number}").touch()
    files, folders = list_folder(tmp_path)
    assert len(files) + len(folders) == 2_000
