"""Which relative paths a contract may name: by their spelling when it is read, by their links when they are used."""

from __future__ import annotations

import os
from pathlib import Path


def path_problem(path: str) -> str | None:
    """What is wrong with `path` as a POSIX path inside the repository, as the end of a sentence; None if nothing."""
    if not path.strip():
        return "is empty"
    if "\0" in path or "\n" in path:
        return "contains a NUL character or a line break"
    if "\\" in path:
        return "contains a backslash; separate folders with /"
    if path.startswith("/"):
        return "is absolute; it must be relative to the repository"
    if path.startswith("~"):
        return "begins with ~, which is not expanded; it must be relative to the repository"
    return "leaves the repository" if _climbs_out(path) else None


def _climbs_out(path: str) -> bool:
    depth = 0
    for part in path.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def link_problem(repo: Path, rel: str) -> str | None:
    """The sentence that names the symbolic link by which `rel` leaves the repository; None if it stays inside.

    What does not exist, and links that run in circles, count as inside. The answer holds for the moment of asking only.
    """
    root, path = Path(os.path.realpath(repo)), repo
    for part in rel.split("/"):
        path /= part
        # Not Path.resolve: before Python 3.13 it raises on links that run in circles, which lead nowhere.
        if not Path(os.path.realpath(path)).is_relative_to(root):
            return f"{rel!r} leaves the repository at the symbolic link {part!r}."
    return None
