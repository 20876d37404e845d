"""Targets that are archives: by path, by URL, and from GitHub where git does not get through."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_env.errors import TargetError
from runner_env.settings import Settings
from runner_env.targets import changed_tracked, fetch

if TYPE_CHECKING:
    from conftest import Served


def packed(**files: str) -> bytes:
    """A zip file with one folder around everything, as GitHub makes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in (files or {"README.md": "hello\n"}).items():
            archive.writestr(f"r-main/{name}", text)
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive on this machine."""
    path = tmp_path / "r.zip"
    path.write_bytes(packed())
    return path


def test_a_file_is_taken_apart(archive: Path, settings: Settings) -> None:
    """The checkout is a directory of ours, its revision the digest of the archive."""
    for target in (archive, str(archive)):
        checkout = fetch(target, settings=settings)
        assert (checkout.root / "README.md").read_text() == "hello\n"
        assert checkout.root.is_relative_to(settings.targets_dir)
        assert (checkout.source, checkout.revision.kind) == ("archive", "archive")
        assert checkout.revision.commit == hashlib.sha256(archive.read_bytes()).hexdigest()


def test_what_stages_change_can_be_told(archive: Path, settings: Settings) -> None:
    """The tree is a repository with one commit, so its files are tracked ones."""
    root = fetch(archive, settings=settings).root
    assert set(changed_tracked(root).files) == {"README.md"}


def test_an_untouched_tree_is_handed_out_again(archive: Path, settings: Settings) -> None:
    """The same archive gives the same directory, until something in it changed or the archive did."""
    first = fetch(archive, settings=settings).root
    assert fetch(archive, settings=settings).root == first
    (first / "new.txt").write_text("x")
    second = fetch(archive, settings=settings).root
    assert second != first
    assert not (second / "new.txt").exists()
    archive.write_bytes(packed(**{"README.md": "other\n"}))
    assert (fetch(archive, settings=settings).root / "README.md").read_text() == "other\n"


def test_a_tree_without_its_note_is_not_trusted(archive: Path, settings: Settings) -> None:
    """What no note of ours vouches for is made again beside it."""
    first = fetch(archive, settings=settings).root
    first.with_name(first.name + ".snapshot.json").write_text("[]")
    assert fetch(archive, settings=settings).root != first


def test_a_url(served: Served, settings: Settings) -> None:
    """An http URL that ends like an archive's name is fetched; its query is neither shown nor kept."""
    served.answers["/dl/r.zip"] = [packed()]
    checkout = fetch(f"{served.url}/dl/r.zip?token=s3cret", settings=settings)
    assert (checkout.root / "README.md").exists()
    assert checkout.revision.url == f"{served.url}/dl/r.zip"
    assert "s3cret" not in "".join(path.name for path in settings.targets_dir.iterdir())


def test_a_login_page_is_no_archive(served: Served, settings: Settings) -> None:
    """RT091: HTML with 200 is told as what it is, and leaves nothing behind."""
    served.answers["/r.tar.gz"] = [b"<!DOCTYPE html><p>login"]
    with pytest.raises(TargetError, match="is no archive but") as caught:
        fetch(f"{served.url}/r.tar.gz", settings=settings)
    assert caught.value.code == "archive_broken"
    assert not [path for path in settings.targets_dir.iterdir() if not path.name.startswith(".")]


def test_a_hostile_archive_leaves_nothing(tmp_path: Path, settings: Settings) -> None:
    """What was unpacked before the refusal is removed."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("fine", "x")
        archive.writestr("../../evil", "x")
    with pytest.raises(TargetError, match="leads out of it"):
        fetch(tmp_path / "a.zip", settings=settings)
    assert not [path for path in settings.targets_dir.iterdir() if not path.name.endswith(".lock")]


def test_many_processes_make_one(served: Served, settings: Settings) -> None:
    """Who comes second waits for the first and takes what it made."""
    served.answers["/r.zip"] = [packed()]
    code = (
        "import os, sys; from pathlib import Path; from runner_env.settings import Settings;"
        "from runner_env.targets import fetch;"
        "print(fetch(sys.argv[1], settings=Settings(Path(sys.argv[2]), os.environ)).root)"
    )
    argv = [sys.executable, "-c", code, f"{served.url}/r.zip", str(settings.home)]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE) for _ in range(4)]
    roots = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0] * 4
    assert len(roots) == 1


def github(served: Served, settings: Settings) -> Settings:
    """Settings for which the server stands for GitHub; it speaks no git."""
    return replace(settings, environ={**settings.environ, "RUNNER_ENV_GITHUB_BASE": served.url})


@pytest.mark.parametrize("branch", ["main", "master"])
def test_github_without_git(branch: str, served: Served, settings: Settings) -> None:
    """B131: where the clone fails, the archive of main, or else of master, is taken and its address recorded."""
    served.answers[f"/o/r/archive/refs/heads/{branch}.zip"] = [packed()]
    checkout = fetch("o/r", settings=github(served, settings))
    assert (checkout.root / "README.md").read_text() == "hello\n"
    assert (checkout.source, checkout.revision.url) == ("archive", f"{served.url}/o/r/archive/refs/heads/{branch}.zip")


def test_github_with_a_ref(served: Served, settings: Settings) -> None:
    """A ref is looked for among branches, tags and commits, and never replaced by another."""
    served.answers["/o/r/archive/refs/tags/v1.zip"] = [packed()]
    served.answers["/o/r/archive/refs/heads/main.zip"] = [packed(wrong="")]
    target = f"{served.url}/o/r.git@v1"
    assert (fetch(target, settings=github(served, settings)).root / "README.md").exists()
    with pytest.raises(TargetError):
        fetch("o/r@v2", settings=github(served, settings))


def test_both_ways_fail(served: Served, settings: Settings) -> None:
    """B131: the error has git's own words and the reason why there is no archive."""
    with pytest.raises(TargetError, match=r"could not be cloned.*Nor could its archive be had.*404"):
        fetch("o/r", settings=github(served, settings))
