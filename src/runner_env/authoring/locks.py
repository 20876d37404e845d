"""The versions that a lock file of Python names, as constraints for pip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runner_env.authoring.reading import table, texts, toml

if TYPE_CHECKING:
    from pathlib import Path

CONSTRAINTS = ".aider_fsm/constraints.txt"
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_NEVER = frozenset(("pip", "setuptools", "wheel"))
_MOST_BYTES = 20 << 20


def constraints(root: Path) -> tuple[str, str]:
    """The lock file, and its packages as lines of constraints; both empty where there is none.

    A package that is locked at several versions without saying for what each is, is left to pip.
    """
    for name in _LOCKS:
        locked = toml(root, name, _MOST_BYTES)
        packages = locked.get("package") or locked.get("packages")
        versions: dict[str, dict[str, list[str]]] = {}
        for package in packages if isinstance(packages, list) else ():
            if _is_published(package):
                versions.setdefault(package["name"], {})[package["version"]] = _markers(package)
        lines = [line for each, found in versions.items() if each not in _NEVER for line in _lines(each, found)]
        if lines:
            return name, "\n".join((f"# The versions that {name} names.", *sorted(lines), ""))
    return "", ""


def _markers(package: dict[str, Any]) -> list[str]:
    """For which Pythons and platforms this version is."""
    one = package.get("markers")
    return texts(package.get("resolution-markers")) or ([one] if isinstance(one, str) else [])


def _lines(name: str, versions: dict[str, list[str]]) -> list[str]:
    if len(versions) == 1:
        return [f"{name}=={version}" for version in versions]
    if not all(versions.values()):
        return []
    return [f"{name}=={version} ; {' or '.join(f'({one})' for one in found)}" for version, found in versions.items()]


def _is_published(package: object) -> bool:
    """Whether a locked package comes from a registry, in a version that can be one."""
    if not isinstance(package, dict):
        return False
    name, version = package.get("name"), package.get("version")
    if not (isinstance(name, str) and isinstance(version, str)):
        return False
    source = table(package, "source")
    own = any(kind in source for kind in ("editable", "virtual", "directory", "path", "git", "url")) or package.get(
        "path"
    )
    foreign = source.get("type") in ("git", "directory", "file", "url") or own
    return (
        not foreign and re.fullmatch(r"[\w.-]+", name) is not None and re.fullmatch(r"[\w.+!-]+", version) is not None
    )
