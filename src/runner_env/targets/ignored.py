"""What git ignores in a working tree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner_env.targets.repository import borrowed, find_repository, read_head

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.targets.git import Git


def ignored_by_git(root: Path, git: Git) -> frozenset[str]:
    """The untracked files and directories that the repository's own `.gitignore` files name, outermost only.

    Args:
        root: absolute, resolved directory.
        git: for a look into it.

    Returns:
        POSIX paths relative to `root` (undecodable bytes as surrogates); none where no git repository is.

    Raises:
        TargetError: git cannot read the repository.
    """
    repository = find_repository(root)
    if repository is None:
        return frozenset()
    with borrowed(repository, read_head(repository, git), git) as local:
        listed = local.output(
            "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--", ".", cwd=root
        )
    return frozenset(os.fsdecode(path).rstrip("/") for path in listed.split(b"\0") if path)
