"""Which paths no stage has any business deleting."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from runner_env.execution.policy.markers import BRACKET, HOME, QUESTION, STAR, literal, unsure

SYSTEM = frozenset(
    (
        *("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt"),
        *("proc", "root", "run", "sbin", "srv", "sys", "usr", "var", "Applications", "Library", "System"),
        *("Users", "Volumes", "private"),
    )
)
CORE = frozenset(
    ["bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "sys", "usr", "System", "Library"]
)
_HOMES = frozenset(("home", "Users"))
_EVERYTHING = frozenset(("*", "**", ".*", "?*", "*?", ".[!.]*", ".??*", "..?*", ".[^.]*", "*.*"))
_DEVICE = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme\d|mmcblk|disk|rdisk|md\d|dm-|loop\d|mapper/|mem$|kmem$|port$)")
_CRITICAL_FILES = frozenset(f"/etc/{name}" for name in ["passwd", "shadow", "group", "gshadow", "sudoers", "fstab"])


def absolute(path: str, cwd: str | None) -> str | None:
    """`path` with `.`, `..` and doubled slashes worked out; it begins with `/` or the HOME marker; None if unknown."""
    if not path or unsure(path[0]):
        return None
    if path[0] not in {"/", HOME}:
        if cwd is None or unsure(cwd):
            return None
        path = f"{cwd}/{path}"
    base = HOME if path[0] == HOME else ""
    parts = list[str]()
    for part in path[len(base) :].split("/"):
        if part == "..":
            if not parts:
                base = ""
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return base + "".join(f"/{part}" for part in parts) or "/"


def is_everything(part: str) -> bool:
    """Whether the last part of a path is a glob for all there is."""
    return bool({STAR, QUESTION, BRACKET} & set(part)) and literal(part) in _EVERYTHING


def protected(path: str, cwd: str | None) -> str | None:
    """What `path` stands for, if it is `/`, the home directory, a top-level system directory or all that lies in one.

    Args:
        path: an evaluated word, with markers.
        cwd: what relative paths start from; None if unknown.

    Returns:
        A name such as `/`, `~` or `/etc`; None if the path is none of these, or cannot be told.
    """
    full = absolute(path, cwd)
    if full is None:
        return None
    base, parts = (HOME, full[1:]) if full[0] == HOME else ("", full)
    names = [part for part in parts.split("/") if part]
    if names == ["tmp"]:
        return "/tmp"
    while names and is_everything(names[-1]):
        names.pop()
    if base:
        return None if names else "~"
    if not names:
        return "/"
    if len(names) == 1:
        return _top_level(names[0])
    return f"/{names[0]}/{literal(names[1])}" if len(names) == 2 and names[0] in _HOMES else None


def _top_level(name: str) -> str | None:
    if name in SYSTEM:
        return f"/{name}"
    pattern = literal(name)
    if pattern == name or unsure(name):
        return None
    return next((f"/{known}" for known in sorted(SYSTEM) if fnmatchcase(known, pattern)), None)


def is_block_device(path: str) -> bool:
    """Whether `path` names a disk or the machine's memory."""
    return bool(_DEVICE.match(absolute(path, None) or ""))


def is_critical_file(path: str, cwd: str | None) -> bool:
    """Whether overwriting `path` locks everybody out of the machine."""
    return absolute(path, cwd) in _CRITICAL_FILES
