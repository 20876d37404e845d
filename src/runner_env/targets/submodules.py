"""Submodules: none is ever fetched, and a repository that tries something with them is refused."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from runner_env.core import Where
from runner_env.errors import TargetError
from runner_env.targets.address import masked

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.targets.git import Git

_FILE = ".gitmodules"
_OPTION = re.compile(r"(?:[A-Za-z+]+://)?(?:[^@/]*@)?-")


def refuse_unsafe_submodules(root: Path, git: Git) -> None:
    """Refuse a `.gitmodules` that would make a later `git submodule update` run a program or leave the checkout.

    Raises:
        TargetError: `submodule_unsafe`, or `git_failed` if git cannot read the file.
    """
    path = root / _FILE
    if not os.path.lexists(path):
        return
    if not stat.S_ISREG(path.lstat().st_mode):
        raise _unsafe("is not a regular file")
    # Read from standard input, the file's own includes would not be followed; from a file they must be switched off.
    listed = git.output("config", "--no-includes", "-z", "--list", "--file", os.fspath(path), cwd=root)
    for entry in os.fsdecode(listed).split("\0"):
        key, _, value = entry.partition("\n")
        if not key.startswith("submodule."):
            continue
        name, _, variable = key.removeprefix("submodule.").rpartition(".")
        if ".." in name.replace("\\", "/").split("/"):
            raise _unsafe(f"names a submodule {name!r}, which leads out of the repository")
        if variable == "url" and _is_unsafe_url(value):
            raise _unsafe(f"gives submodule {name!r} the URL {masked(value)!r}")
        if variable == "path" and (value.startswith("-") or ".." in value.split("/")):
            raise _unsafe(f"gives submodule {name!r} the path {value!r}")
        if variable == "update" and value.startswith("!"):
            raise _unsafe(f"gives submodule {name!r} a command to run")


def _is_unsafe_url(url: str) -> bool:
    """Whether git would take it for an option, of itself or of ssh, a place on this machine, or a program's name."""
    local = url.startswith(("/", "~")) or url.lower().startswith("file:")
    return local or bool(_OPTION.match(url)) or "::" in url.partition("/")[0] or "\n" in url


def _unsafe(what: str) -> TargetError:
    return TargetError(
        "submodule_unsafe",
        f"{_FILE} {what}.",
        where=Where(_FILE),
        hint="Submodules are never fetched here; remove the entry if the repository is to be trusted.",
    )
