"""TOML read for its values, with lines looked up in the text, which `tomllib` does not keep."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_MOST = 400_000
_HEADER = re.compile(r"^\s*\[{1,2}[\w\"'].*\]\s*(#.*)?$", re.MULTILINE)


def read(tree: Tree, path: str) -> dict[str, object]:
    """The tables of a TOML file; none if it is broken or too long."""
    text = tree.text(path)
    try:
        return tomllib.loads(text) if len(text) <= _MOST else {}
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def mapping(value: object, *keys: str) -> dict[str, object]:
    """The table under a path of keys; an empty one if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def strings(value: object) -> list[str]:
    """The texts of a list; a text is a list of itself."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def table_line(text: str, table: str, key: str = "") -> int:
    """The line, from 1, of `key` in the table with a dotted name; of the table or an outer one if that is not found.

    Args:
        text: the file.
        table: as in `tool.hatch.envs.default.scripts`; its parts may be quoted in the file.
        key: bare; may be quoted in the file, or followed by dotted parts.
    """
    parts = [*table.split("."), *([key] if key else [])]
    for kept in range(len(parts), 0, -1):
        header = re.compile(rf"^\s*\[\[?\s*{_dotted(parts[:kept])}\s*\]", re.MULTILINE).search(text)
        if not header:
            continue
        end = _HEADER.search(text, header.end())
        for tail in (parts[kept:], parts[kept : kept + 1]):
            assigned = re.compile(rf"^\s*{_dotted(tail)}\s*[=.]", re.MULTILINE) if tail else None
            if assigned and (found := assigned.search(text, header.end(), end.start() if end else len(text))):
                return text.count("\n", 0, found.end()) + 1
        return text.count("\n", 0, header.end()) + 1
    return 1


def _dotted(parts: list[str]) -> str:
    return r"\s*\.\s*".join(rf"[\"']?{re.escape(part)}[\"']?" for part in parts)
