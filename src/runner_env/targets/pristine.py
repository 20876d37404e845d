"""Whether a clone or snapshot of ours is exactly as it was made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.targets.repository import config_text, object_format, scratch_git_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.targets.git import Git

OWN_FILES = frozenset({"HEAD", "config", "index", "shallow"})
"""All that the git directory of a clone of ours holds beside objects."""


def is_pristine(path: Path, commit: str, config: Mapping[str, str], local: Git) -> bool:
    """Whether files and git directory are as they were made: every content compared, ignored files counted.

    Args:
        path: the top of the tree.
        commit: the one commit it has.
        config: the settings that were written into it.
        local: git for a look into it.
    """
    git_dir = path / ".git"
    if path.is_symlink() or git_dir.is_symlink() or not git_dir.is_dir():
        return False
    if (git_dir / "objects/info/alternates").exists() or control_files(git_dir) - OWN_FILES:
        return False
    expected = {"HEAD": commit + "\n", "config": config_text(config)}
    if any((git_dir / name).read_text(errors="surrogateescape") != text for name, text in expected.items()):
        return False
    with scratch_git_dir(head=commit, config=object_format(commit)) as scratch:
        # An index of our own: the one in the clone may have been told to look away.
        git = local.at(scratch, work_tree=path, index=scratch / "index", objects=git_dir / "objects")
        if git.run("read-tree", commit, cwd=path).code != 0:
            return False
        status = git.run(
            "status", "-z", "--porcelain=v2", "--untracked-files=all", "--ignored=matching", "--no-renames",
            "--ignore-submodules=none", cwd=path,
        )  # fmt: skip
    return status.code == 0 and not status.stdout


def control_files(git_dir: Path) -> set[str]:
    """Everything in a git directory that is not an object: refs, hooks, logs, settings."""
    found: set[str] = set()
    for folder, folders, names in os.walk(git_dir):
        if Path(folder) == git_dir and "objects" in folders:
            folders.remove("objects")
        found |= {(Path(folder) / name).relative_to(git_dir).as_posix() for name in names}
    return found
