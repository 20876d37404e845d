"""Names and folders inside a directory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner_env.errors import EvidenceError
from runner_env.evidence.places import FOLDER, copy, folder_at, opened, parts_of, place
from runner_env.formats.disk import write_all


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    """A descriptor of an empty directory."""
    with opened(tmp_path, FOLDER) as fd:
        yield fd


def _filling(data: bytes, fd: int) -> int:
    write_all(fd, data)
    return len(data)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "..", "a/../b", "a//b", "a/", ".", "./a", "a\0b"])
def test_names_that_lead_elsewhere(name: str) -> None:
    """A name that is absolute, climbs, or is no name is refused."""
    with pytest.raises(EvidenceError, match="cannot be the name"):
        parts_of(name)


@pytest.mark.parametrize("name", ["-n", "a\nb", "it's", "caf\udce9", "x" * 255, "a b/c", "...", "~"])
def test_awkward_names(folder: int, tmp_path: Path, name: str) -> None:
    """Any other name works and is the file's true name (RT084)."""
    *folders, last = parts_of(name)
    with folder_at(folder, tuple(folders), 0o700) as inner:
        place(inner, last, lambda fd: _filling(b"x", fd))
    assert (tmp_path / name).read_bytes() == b"x"


@pytest.mark.parametrize("mode", [0o700, None])
def test_links_on_the_way(folder: int, tmp_path: Path, mode: int | None) -> None:
    """A link in a folder's place is never followed, and the error says that it is one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with (
        pytest.raises(EvidenceError, match="link is a symbolic link") as caught,
        folder_at(folder, ("link", "x"), mode),
    ):
        pass
    assert caught.value.code == "evidence_link"
    assert not list((tmp_path / "real").iterdir())


def test_a_file_on_the_way(folder: int, tmp_path: Path) -> None:
    """A file in a folder's place is named as such."""
    (tmp_path / "file").touch()
    with pytest.raises(EvidenceError, match="file is not a folder"), folder_at(folder, ("file",), 0o700):
        pass


def test_nothing_is_replaced(folder: int, tmp_path: Path, names: Callable[[Path], list[str]]) -> None:
    """A taken name is an error; the file keeps its bytes and no half file is left."""
    (tmp_path / "x").write_bytes(b"first")
    with pytest.raises(FileExistsError):
        place(folder, "x", lambda fd: _filling(b"second", fd))
    assert (tmp_path / "x").read_bytes() == b"first"
    assert names(tmp_path) == ["x"]


def test_a_file_system_without_hard_links(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: Callable[[Path], list[str]]
) -> None:
    """Where links cannot be made, files are placed all the same, and still replace nothing."""

    def refuse(*_args: object, **_keywords: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "link", refuse)
    place(folder, "x", lambda fd: _filling(b"first", fd))
    with pytest.raises(FileExistsError):
        place(folder, "x", lambda fd: _filling(b"second", fd))
    assert (tmp_path / "x").read_bytes() == b"first"
    assert names(tmp_path) == ["x"]


def test_copy_has_a_limit(tmp_path: Path) -> None:
    """A file of exactly the limit is copied; one byte more and it is not."""
    (tmp_path / "source").write_bytes(b"12345")
    with (
        opened(tmp_path / "source", os.O_RDONLY) as source,
        opened(tmp_path / "to", os.O_CREAT | os.O_WRONLY) as target,
    ):
        copied = copy(source, target, 5)
        assert copied is not None
        assert copied[0] == 5
        assert copy(source, target, 4) is None
