"""`runner_env.targets.tracked`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import TargetError
from runner_env.settings import Settings
from runner_env.targets import TrackedState, changed_tracked, diff, is_tracked

MakeCheckout = Callable[..., Path]
GitCommand = Callable[..., str]


def _edit(root: Path, _git: GitCommand) -> None:
    (root / "a.txt").write_text("changed\n")


def _edit_same_size_same_time(root: Path, _git: GitCommand) -> None:
    found = (root / "a.txt").stat()
    (root / "a.txt").write_text("ONE\n")
    os.utime(root / "a.txt", ns=(found.st_atime_ns, found.st_mtime_ns))


def _remove(root: Path, _git: GitCommand) -> None:
    (root / "a.txt").unlink()


def _make_executable(root: Path, _git: GitCommand) -> None:
    (root / "a.txt").chmod(0o755)


def _make_link(root: Path, _git: GitCommand) -> None:
    (root / "a.txt").unlink()
    (root / "a.txt").symlink_to("sub/b.txt")


def _make_fifo(root: Path, _git: GitCommand) -> None:
    (root / "a.txt").unlink()
    os.mkfifo(root / "a.txt")


def _make_directory(root: Path, _git: GitCommand) -> None:
    (root / "a.txt").unlink()
    (root / "a.txt").mkdir()


def _commit(root: Path, git: GitCommand) -> None:
    _edit(root, git)
    git(root, "commit", "-q", "-a", "-m", "hidden")


def _stage_and_restore(root: Path, git: GitCommand) -> None:
    _edit(root, git)
    git(root, "add", "a.txt")


def _untrack(root: Path, git: GitCommand) -> None:
    git(root, "rm", "-q", "--cached", "a.txt")


def _assume_unchanged(root: Path, git: GitCommand) -> None:
    git(root, "update-index", "--assume-unchanged", "a.txt")
    _edit(root, git)


def _skip_worktree(root: Path, git: GitCommand) -> None:
    git(root, "update-index", "--skip-worktree", "a.txt")
    _edit(root, git)


@pytest.mark.parametrize(
    "change",
    [
        _edit,
        _edit_same_size_same_time,
        _remove,
        _make_executable,
        _make_link,
        _make_fifo,
        _make_directory,
        _commit,
        _stage_and_restore,
        _untrack,
        _assume_unchanged,
        _skip_worktree,
    ],
)
@pytest.mark.parametrize("dirty_before", [False, True])
def test_every_change_is_seen(
    change: Callable[[Path, GitCommand], None],
    *,
    dirty_before: bool,
    make_checkout: MakeCheckout,
    git: GitCommand,
    settings: Settings,
) -> None:
    """A change of a tracked file is reported, also of one that was modified before, and also if git is told not to."""
    root = make_checkout()
    if dirty_before:
        (root / "a.txt").write_text("mine\n")
    before = changed_tracked(root, settings=settings)
    change(root, git)
    assert diff(before, changed_tracked(root, settings=settings)) == ("a.txt",)


def test_no_change(make_checkout: MakeCheckout, git: GitCommand, settings: Settings) -> None:
    """Untracked files, a commit of what was modified already and a second look are no changes."""
    root = make_checkout()
    (root / "a.txt").write_text("mine\n")
    before = changed_tracked(root, settings=settings)
    (root / "new.txt").write_text("untracked\n")
    git(root, "commit", "-q", "-a", "-m", "mine")
    assert diff(before, changed_tracked(root, settings=settings)) == ()


def test_newly_tracked_file_is_a_change(make_checkout: MakeCheckout, git: GitCommand, settings: Settings) -> None:
    """A file that a run put under git's care is reported."""
    root = make_checkout()
    before = changed_tracked(root, settings=settings)
    (root / "new.txt").write_text("new\n")
    git(root, "add", "new.txt")
    assert diff(before, changed_tracked(root, settings=settings)) == ("new.txt",)


def test_sparse_checkout_is_no_change(make_checkout: MakeCheckout, git: GitCommand, settings: Settings) -> None:
    """Files that a sparse checkout leaves out are not reported as removed."""
    root = make_checkout()
    git(root, "sparse-checkout", "set", "--no-cone", "/a.txt")
    state = changed_tracked(root, settings=settings)
    assert not (root / "sub").exists()
    assert state.files["sub/b.txt"].startswith("100644 ")
    assert not state.dirty


def test_strange_names(make_checkout: MakeCheckout, settings: Settings) -> None:
    """RT084: names with a leading dash, newline, quote, 255 bytes or undecodable bytes come back as they are."""
    names = ["-n", "a\nb", "it's", "caf\udce9", "x" * 255, ":(top)x", "\t1 .M", "sub dir/-- x"]
    root = make_checkout(files=dict.fromkeys(names, "one\n"))
    before = changed_tracked(root, settings=settings)
    assert set(before.files) == set(names)
    for name in names:
        (root / name).write_text("changed\n")
    assert diff(before, changed_tracked(root, settings=settings)) == tuple(sorted(names))
    assert all(map(is_tracked(root, settings=settings), names))


def test_subdirectory(make_checkout: MakeCheckout, settings: Settings) -> None:
    """Below the top of a repository, paths are relative to the checkout and nothing above it counts."""
    root = make_checkout()
    before = changed_tracked(root / "sub", settings=settings)
    (root / "a.txt").write_text("changed\n")
    (root / "sub" / "b.txt").write_text("changed\n")
    assert diff(before, changed_tracked(root / "sub", settings=settings)) == ("b.txt",)
    assert not is_tracked(root / "sub", settings=settings)("a.txt")


def test_no_repository(tmp_path: Path, settings: Settings) -> None:
    """Where no repository is, nothing is tracked."""
    (tmp_path / "a.txt").touch()
    assert changed_tracked(tmp_path, settings=settings) == TrackedState({})
    assert not is_tracked(tmp_path, settings=settings)("a.txt")


def test_without_git_a_repository_cannot_be_watched(make_checkout: MakeCheckout, tmp_path: Path) -> None:
    """That git is missing is said, and not taken for "nothing changed"."""
    settings = Settings(home=tmp_path, environ={"PATH": str(tmp_path)})
    with pytest.raises(TargetError) as caught:
        changed_tracked(make_checkout(), settings=settings)
    assert caught.value.code == "git_missing"


def test_submodule_files_are_not_looked_at(
    make_checkout: MakeCheckout, git: GitCommand, settings: Settings, tmp_path: Path
) -> None:
    """RT079: a submodule's own configuration has no say when the outer repository is looked at."""
    root, inner = make_checkout(), make_checkout("inner")
    git(root, "submodule", "add", "-q", str(inner), "inner")
    git(root, "commit", "-q", "-m", "submodule")
    git(root / "inner", "config", "core.fsmonitor", f"touch '{tmp_path}/pwned'")
    (root / ".gitmodules").unlink()
    assert changed_tracked(root, settings=settings).files["inner"].startswith("160000 ")
    assert not (tmp_path / "pwned").exists()


def test_nothing_is_written(make_checkout: MakeCheckout, settings: Settings) -> None:
    """B004: a look writes nothing into the checkout, not even a refreshed index."""
    root = make_checkout()
    os.utime(root / "a.txt", (1, 1))

    def everything() -> dict[Path, tuple[int, int]]:
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(root.rglob("*"))}

    before = everything()
    changed_tracked(root, settings=settings)
    assert everything() == before
