"""What CI services have in common: lists of command lines that one shell runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.yamltext import Node

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Budget:
    """How many more steps a source follows, so that what repeats what repeats comes to an end."""

    left: int = 2_000

    def spend(self) -> bool:
        """Whether one more step may be followed; it is counted."""
        self.left -= 1
        return self.left >= 0


def flat(node: Node) -> list[Node]:
    """The command lines of a script: a scalar, a list of scalars, or lists within lists."""
    if isinstance(node.value, list):
        return [line for item in node.value for line in flat(item)]
    return [node] if isinstance(node.value, str) and node.value.strip() else []


def block(lines: list[Node]) -> Node:
    """One text of many command lines, blank lines between them, so that its lines are the file's where they ascend."""
    if not lines:
        return Node("", 1)
    begun = lines[0].line
    text: list[str] = []
    for node in lines:
        text += [""] * max(0, node.line - begun - len(text))
        text += node.text.split("\n")
    return Node("\n".join(text), begun)


def texts(node: Node) -> dict[str, str]:
    """The entries of a mapping that are scalars, or mappings with `value`; a list's `NAME=value` words likewise."""
    found: dict[str, str] = {}
    for key, value in node.entries.items():
        if isinstance(value.value, str):
            found[key] = value.text
        elif value.get("value").text:
            found[key] = value.get("value").text
    found.pop("secure", None)  # an encrypted variable, whose name is not stated
    for item in node.items if isinstance(node.value, (list, str)) else []:
        found |= assignments(item.text) if item.text else texts(item)
    return found


def assignments(text: str) -> dict[str, str]:
    """`A=1 B="two words"` as a mapping."""
    pairs = re.findall(r"([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)", text)
    return {name: value.strip("\"'") for name, value in pairs}


def used(env: dict[str, str], *lines: str) -> dict[str, tuple[str, ...]]:
    """For each `$NAME` and `${NAME}` of `lines` that `env` sets, as written, its value."""
    found: dict[str, tuple[str, ...]] = {}
    for text in lines:
        for match in re.finditer(r"\$(?:\{(\w+)\}|(\w+))", text):
            value = env.get(match[1] or match[2])
            if value is not None and "$" not in value:
                found[match[0]] = (value,)
    return found


def candidate(
    path: str, run: Node, name: str, before: Iterable[str] = (), env: dict[str, str] | None = None
) -> Candidate:
    """A candidate of origin CI for the text of `run`, with what `env` says of its variables."""
    earlier = tuple(before)
    return Candidate(
        run.text,
        path,
        run.line,
        Origin.CI,
        name,
        before=earlier,
        values=used(env or {}, run.text, *earlier),
        env=env or {},
    )
