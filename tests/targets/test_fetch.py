"""`runner_env.targets.fetch`: local directories, and the errors of everything else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_env.errors import OptionError, TargetError, TargetNotFound
from runner_env.settings import Settings
from runner_env.targets import Checkout, Revision, fetch
from runner_env.targets.fetch import is_remote

if TYPE_CHECKING:
    from conftest import Upstream

MakeCheckout = Callable[..., Path]
GitCommand = Callable[..., str]


def code_of(target: str | Path, settings: Settings) -> str:
    """The code of the TargetError that `target` makes."""
    with pytest.raises(TargetError) as caught:
        fetch(target, settings=settings)
    assert caught.value.hint or caught.value.code == "target_path"
    return caught.value.code


def test_plain_directory(tmp_path: Path, settings: Settings) -> None:
    """B004: a directory without git is taken as it is, where it is, and no clone directory appears."""
    assert fetch(str(tmp_path), settings=settings) == Checkout(tmp_path.resolve(), Revision("none"), "path")
    assert not settings.home.exists()


def test_git_checkout(make_checkout: MakeCheckout, git: GitCommand, settings: Settings) -> None:
    """The exact revision of a checkout is recorded, its origin without credentials."""
    root = make_checkout()
    git(root, "remote", "add", "origin", "https://me:hunter22@host/o/r.git")
    commit = git(root, "rev-parse", "HEAD")
    expected = Revision("git", commit, "main", dirty=False, url="https://host/o/r.git")
    assert fetch(root, settings=settings) == Checkout(root, expected, "path")


def test_dirty_checkout(make_checkout: MakeCheckout, settings: Settings) -> None:
    """A modified tracked file makes a checkout dirty, an untracked one does not."""
    root = make_checkout()
    (root / "new.txt").touch()
    assert fetch(root, settings=settings).revision.dirty is False
    (root / "a.txt").write_text("changed\n")
    assert fetch(root, settings=settings).revision.dirty is True


def test_detached_and_unborn(make_checkout: MakeCheckout, git: GitCommand, settings: Settings, tmp_path: Path) -> None:
    """Without a branch there is no ref, without a commit there is no commit id."""
    root = make_checkout()
    git(root, "checkout", "-q", "--detach")
    assert fetch(root, settings=settings).revision.ref is None
    git(tmp_path, "init", "-q", "unborn")
    assert fetch(tmp_path / "unborn", settings=settings).revision == Revision("git", dirty=False)


def test_directory_inside_a_repository(make_checkout: MakeCheckout, settings: Settings) -> None:
    """A tracked directory has the revision of the repository around it; one that git does not know has none."""
    root = make_checkout()
    (root / "build").mkdir()
    assert fetch(root / "sub", settings=settings).revision.kind == "git"
    assert fetch(root / "build", settings=settings).revision.kind == "none"
    (root / "build" / ".git").mkdir()
    assert fetch(root / "build", settings=settings).revision.kind == "unknown"


@pytest.mark.parametrize("name", ["-n", "--upload-pack=x", "a\nb", "it's", "caf\udce9", "x" * 255, "a b.git", "https:"])
def test_strange_directory_names(
    name: str, make_checkout: MakeCheckout, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RT084: whatever a directory is called, absolute or relative, its revision is found."""
    root = make_checkout(name)
    assert fetch(root, settings=settings).revision.dirty is False
    monkeypatch.chdir(root.parent)
    assert fetch(name, settings=settings).root == root


def test_path_wins(make_checkout: MakeCheckout, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that would be a URL means the path, if one exists."""
    root = make_checkout("git@host:o/r.git")
    monkeypatch.chdir(root.parent.parent)
    assert fetch("git@host:o/r.git", settings=settings).root == root


def test_home_is_expanded(settings: Settings) -> None:
    """`~` is the HOME of the settings."""
    home = Path(settings.environ["HOME"])
    (home / "r").mkdir()
    assert fetch("~/r", settings=settings).root == home / "r"
    assert fetch(Path("~"), settings=settings).root == home


def test_links_are_resolved(tmp_path: Path, settings: Settings) -> None:
    """The root of a checkout is the real directory."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert fetch(tmp_path / "link", settings=settings).root == tmp_path / "real"


@pytest.mark.parametrize(
    "target",
    [
        "/missing/path",
        "./a/b",
        "./r",
        "missing",
        "x" * 5000,
        "~nobody-has-this-name/x",
        "r.git",
        "r.git@v1",
    ],
)
def test_missing_path(target: str, settings: Settings) -> None:
    """B005: a mistyped path is a FileNotFoundError that tells how to name a remote; it is never a download."""
    with pytest.raises(FileNotFoundError) as caught:
        fetch(target, settings=settings)
    assert isinstance(caught.value, TargetNotFound)
    assert "https://host/owner/repo.git" in (caught.value.hint or "")
    assert not settings.home.exists()


def test_missing_path_object(settings: Settings) -> None:
    """A Path is never taken for a URL."""
    assert code_of(Path("git@host:o/r.git"), settings) == "target_not_found"


def test_empty(settings: Settings) -> None:
    """B005: an empty target is a ValueError."""
    with pytest.raises(ValueError, match="empty"):
        fetch("", settings=settings)


def test_other_unusable_targets(tmp_path: Path, settings: Settings) -> None:
    """A file, a loop of links and a NUL are each told apart."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    assert code_of(tmp_path / "file", settings) == "target_not_a_directory"
    assert code_of(str(tmp_path / "loop"), settings) == "target_not_found"
    assert code_of("a\0b", settings) == "target_path"


_FETCH = """
import os, sys
from pathlib import Path
from runner_env.errors import TargetError
from runner_env.settings import Settings
from runner_env.targets import fetch
# Loaded before, because Python itself may lie where only root can read.
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
try:
    print(fetch(sys.argv[1], settings=Settings(Path("/nowhere"), {"PATH": os.environ["PATH"]})).revision.kind)
except TargetError as error:
    print(error.code, bool(error.hint))
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def fetched_by_another(path: Path) -> str:
    """What an ordinary user gets who fetches a directory; one that root owns if the tests run as root."""
    code = [sys.executable, "-c", _FETCH, path]
    done = subprocess.run(code, check=False, capture_output=True, encoding="utf-8", timeout=30)
    return done.stdout.strip() or done.stderr


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
@pytest.mark.parametrize("name", ["target", "target.git"])
def test_a_directory_of_somebody_else(name: str, mode: int, public: Path) -> None:
    """A directory that may not be listed or not be entered is a clear error."""
    target = public / name
    target.mkdir()
    target.chmod(mode)
    assert fetched_by_another(target) == "target_unreadable True"
    target.chmod(0o755)
    assert fetched_by_another(target) == "none"


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_forbidden_git_directory(kind: str, public: Path) -> None:
    """Where a `.git` may not be read, the revision is unknown, and the directory can be used."""
    git_dir = public / "target" / ".git"
    git_dir.parent.mkdir()
    git_dir.mkdir() if kind == "directory" else git_dir.touch()
    git_dir.chmod(0)
    assert fetched_by_another(git_dir.parent) == "unknown"
    git_dir.chmod(0o700)


def test_without_git_a_directory_works(make_checkout: MakeCheckout, tmp_path: Path) -> None:
    """Git is needed only where it is needed: a local path does without, and one under version control says so."""
    settings = Settings(home=tmp_path, environ={"PATH": str(tmp_path)})
    (tmp_path / "plain").mkdir()
    assert fetch(make_checkout(), settings=settings).revision == Revision("unknown")
    assert fetch(tmp_path / "plain", settings=settings).revision == Revision("none")


def test_without_git_a_url_is_a_clear_error(tmp_path: Path) -> None:
    """No git: a clone says so, with a hint."""
    settings = Settings(home=tmp_path, environ={"PATH": str(tmp_path)})
    assert code_of("file:///srv/r.git", settings) == "git_missing"


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf", "1e9"])
def test_bad_timeout(value: str, settings: Settings) -> None:
    """A time limit that is none is an OptionError naming the variable, before anything is cloned."""
    bad = Settings(settings.home, {**settings.environ, "AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS": value})
    with pytest.raises(OptionError, match="AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS"):
        fetch("file:///srv/r.git", settings=bad)


def test_timeout_is_kept(tmp_path: Path, settings: Settings) -> None:
    """A remote that never answers is given up after the time that the variable says."""
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 30\n")
    (tmp_path / "git").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{settings.environ['PATH']}"
    slow = Settings(settings.home, {"PATH": path, "AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS": "0.2"})
    assert code_of("https://host/o/r", slow) == "git_timeout"
    assert list(settings.targets_dir.iterdir()) == []


def test_clones_dir_that_is_none(tmp_path: Path, settings: Settings) -> None:
    """A clones_dir that cannot hold clones is an error of its own."""
    (tmp_path / "file").touch()
    with pytest.raises(TargetError) as caught:
        fetch("file:///srv/r.git", settings=settings, clones_dir=tmp_path / "file")
    assert caught.value.code == "clones_dir_unusable"


def test_shorthand_is_a_repository_on_github(upstream: Upstream, settings: Settings) -> None:
    """B130: `owner/repo@ref` that is no path is cloned from GitHub, or from the mirror that the environment names."""
    mirrored = replace(
        settings, environ={**settings.environ, "RUNNER_ENV_GITHUB_BASE": upstream.bare.parents[1].as_uri()}
    )
    checkout = fetch("team/orbit@v1", settings=mirrored)
    assert (checkout.source, checkout.revision.commit) == ("git", upstream.older)
    assert checkout.revision.url == f"{upstream.bare.parents[1].as_uri()}/team/orbit.git"


def test_a_path_wins_over_the_shorthand(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """`owner/repo` that exists is that directory."""
    (tmp_path / "owner/repo").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert fetch("owner/repo", settings=settings).root == tmp_path / "owner/repo"


def test_what_comes_from_elsewhere(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """URLs and shorthands take time, which is announced; what is here, or nowhere, is not."""
    (tmp_path / "own/here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    remote = ["owner/repo", "https://127.0.0.1/r.git", "https://127.0.0.1/a.zip", "git@127.0.0.1:r"]
    assert all(is_remote(target, settings) for target in remote)
    assert not any(is_remote(target, settings) for target in ["own/here", "own", "nothing", Path("owner/repo")])


def test_a_mistyped_path_is_told_as_one(tmp_path: Path, settings: Settings) -> None:
    """`a/b` that is neither a path nor a repository: the error says both."""
    mirrored = replace(settings, environ={**settings.environ, "RUNNER_ENV_GITHUB_BASE": tmp_path.as_uri()})
    with pytest.raises(TargetError) as caught:
        fetch("src/tests", settings=mirrored)
    assert caught.value.code == "clone_failed"
    assert "There is no directory 'src/tests' here either" in (caught.value.hint or "")
