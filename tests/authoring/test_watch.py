"""Whether the target stayed as it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.authoring.watch import TargetWatch, escaped
from runner_env.targets.git import Git
from runner_env.targets.ignored import ignored_by_git

from .conftest import git, write


def begin(root: Path) -> TargetWatch:
    """Look at a target now."""
    return TargetWatch.begin(root, ignored_by_git(root, Git.local(os.environ)))


@pytest.fixture
def repository(target: Path) -> Path:
    """The target under version control, with things that git ignores."""
    write(target, {".gitignore": "*.log\n/data/\n", "a.log": "x", "data/x": "x", ".aider_fsm/metrics.json": "{}"})
    write(target, {".aider_fsm/.gitignore": "metrics.json\n", "node_modules/a.js": "x", ".env": "KEY=1"})
    git(target, "init", "-q")
    return target


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda root: (root / "src/app.py").write_text("x = 2\n"), "src/app.py"),
        (lambda root: (root / "tests/test_app.py").unlink(), "tests/test_app.py"),
        (lambda root: (root / "conftest.py").write_text(""), "conftest.py"),
        (lambda root: write(root, {".git/hooks/pre-commit": "true\n"}), ".git/hooks/pre-commit"),
        (lambda root: (root / ".git/config").write_text("[core]\n"), ".git/config"),
        (lambda root: (root / ".aider_fsm/metrics.json").write_text('{"ok": 1}'), ".aider_fsm/metrics.json"),
        (lambda root: (root / "src/app.py").chmod(0o777), "src/app.py"),
        (lambda root: (root / ".env").write_text("KEY=2"), ".env"),
        (lambda root: (root / "link").symlink_to("/etc"), "link"),
    ],
    ids=["edit", "removal", "new", "hook", "git settings", "ignored output", "permissions", "secrets", "link"],
)
def test_a_change_is_seen(repository: Path, change: Callable[[Path], object], path: str) -> None:
    """Edits, new and removed files, permissions, hooks; outputs also where git ignores them."""
    watch = begin(repository)
    assert watch.changed() == ()
    change(repository)
    assert path in watch.changed()
    assert path in escaped(watch.changed()).message


def test_times_cannot_hide_it(repository: Path) -> None:
    """A file of the same size whose time of change was set back has changed."""
    before = (repository / "src/app.py").stat()
    watch = begin(repository)
    (repository / "src/app.py").write_text("x = 9\n")
    os.utime(repository / "src/app.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watch.changed() == ("src/app.py",)


def test_what_is_let_be(repository: Path) -> None:
    """Logs that git ignores, caches, packages, and what git notes for itself may change meanwhile."""
    watch = begin(repository)
    write(repository, {"a.log": "more", "data/y": "x", "node_modules/b.js": "x", "src/__pycache__/a.pyc": "x"})
    write(repository, {".aider_fsm/artifacts/r/x": "x"})
    git(repository, "add", "-A")
    assert watch.changed() == ()
