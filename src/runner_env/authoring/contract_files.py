"""The files of a contract as they lie in a repository."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from runner_env.authoring import tree
from runner_env.authoring.fence import is_contract
from runner_env.authoring.leftovers import CONTRACT, FOLDER
from runner_env.targets.inside import open_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader
    from pathlib import Path

_MOST_SHOWN = 64 << 10


def contract_hashes(root: Path) -> Mapping[str, str]:
    """The SHA-256 of every file of the contract in `root`, by path; of regular files only.

    Raises:
        TargetError, OSError: it cannot be read.
    """
    return {path: hashlib.file_digest(file, "sha256").hexdigest() for path, file in _files(root)}


def contract_texts(root: Path) -> Mapping[str, str]:
    """The text of those files, of each at most 64 KiB, by path.

    Raises:
        TargetError, OSError: it cannot be read.
    """
    return {path: file.read(_MOST_SHOWN).decode("utf-8", "replace") for path, file in _files(root)}


def _files(root: Path) -> Iterator[tuple[str, BufferedReader]]:
    """Each of them with its path, open until the next one is asked for."""
    for path, entry in sorted(tree.entries(root, _is_elsewhere).items()):
        if entry.is_file:
            with os.fdopen(open_inside(root, path), "rb") as file:
                yield path, file


def _is_elsewhere(path: str) -> bool:
    return path not in (CONTRACT, FOLDER) and not (path.startswith(f"{FOLDER}/") and is_contract(path))
