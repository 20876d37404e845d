"""Edits as data, carried out as an agent with a shell would: nothing stops them but the file system."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Edit = str | Mapping[str, Any] | None
"""A text; `-> target` for a symbolic link; None to remove; or an object: see `make`."""


def carry_out(root: Path, edits: Mapping[str, Edit], canary: Path) -> None:
    """Make every edit that the file system allows."""
    for name, edit in edits.items():
        with suppress(OSError, ValueError):
            _edit(root, name.replace("$CANARY_DIR", str(canary)), edit, canary)


def _edit(root: Path, name: str, edit: Edit, canary: Path) -> None:
    path = root / name
    if edit is None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(edit, Mapping):
        make(root, path, edit)
        return
    text = edit.replace("$CANARY_DIR", str(canary))
    if text.startswith("-> "):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(text[3:])
    else:
        path.write_text(text, "utf-8")


def make(root: Path, path: Path, edit: Mapping[str, Any]) -> None:
    """`hardlink`, `fifo`, `socket`, `deep` (levels), `chmod`, or a file of `text`, `hex` or `size`, with `mode`."""
    if "hardlink" in edit:
        path.unlink(missing_ok=True)
        path.hardlink_to(root / edit["hardlink"])
    elif "fifo" in edit:
        os.mkfifo(path)
    elif "socket" in edit:
        _socket(path)
    elif "deep" in edit:
        _deep(path, edit["deep"])
    elif "chmod" in edit:
        path.chmod(int(edit["chmod"], 8))
    else:
        content = bytes.fromhex(edit["hex"]) if "hex" in edit else edit.get("text", "x" * edit.get("size", 0)).encode()
        path.write_bytes(content)
        if "mode" in edit:
            path.chmod(int(edit["mode"], 8))


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have a hundred characters
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _deep(path: Path, levels: int) -> None:
    path.mkdir()
    here = os.open(path, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
