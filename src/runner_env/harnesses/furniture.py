"""The home directory of agent programs: what they find there of what the operator has."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runner_env.harnesses.footprints import Place

_LARGEST = 4 << 20
"""Bytes of a file that is copied; what is larger is a log or a database."""


@dataclass(frozen=True, slots=True)
class Furniture:
    """What leads out of the home directory.

    Attributes:
        kept: files that the programs may write to.
        read: folders that they may read.
    """

    kept: tuple[Path, ...]
    read: tuple[Path, ...]


def furnish(home: Path, places: tuple[Place, ...], environ: Mapping[str, str]) -> Furniture:
    """Have programs find what is theirs where they look for it. What is there already stays as it is.

    Args:
        home: the home directory; it exists.
        places: what is theirs; a file that is kept before the folder that it is in.
        environ: the operator's environment.

    Raises:
        OSError: the disk would not take it.
    """
    kept: list[Path] = []
    read: list[Path] = []
    for place in places:
        path, here = place.path(environ), home / place.default
        if path is None or not path.exists():
            continue
        here.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.kept:
            kept.append(path.resolve())
            _link(here, path)
        elif path.is_dir():
            here.mkdir(mode=0o700, exist_ok=True)
            read += _fill(here, place, path)
        else:
            _copy(path, here)
    return Furniture(tuple(kept), tuple(read))


def _fill(here: Path, place: Place, path: Path) -> Iterator[Path]:
    with suppress(PermissionError):  # the program could not read it either
        for entry in path.iterdir():
            if entry.is_file():
                _copy(entry, here / entry.name)
            elif entry.is_dir() and place.shows(entry.name):
                _link(here / entry.name, entry)
                yield entry.resolve()


def _link(here: Path, path: Path) -> None:
    if not os.path.lexists(here):
        here.symlink_to(path.resolve())


def _copy(path: Path, here: Path) -> None:
    if not os.path.lexists(here) and path.stat().st_size <= _LARGEST and os.access(path, os.R_OK):
        shutil.copy(path, here)
