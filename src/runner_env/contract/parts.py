"""The pieces that all three contract files have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.contract.model import CommandSpec
from runner_env.contract.problems import given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.contract.document import Node


def commands(section: Node, names: Sequence[str]) -> tuple[CommandSpec, ...]:
    """The commands that stand in `section` under one of `names`, as a list or as one text."""
    used = given(section, names)
    node = section.get(used[0]) if used else None
    if node is None:
        return ()
    # A single command is placed at its key, as every other single value is.
    if isinstance(node.value, str):
        return (CommandSpec(node.value.strip(), section.where_of(used[0])),)
    return tuple(CommandSpec(str(item.value).strip(), item.where) for item in node.items)


def env_texts(env: Node | None) -> dict[str, str]:
    """Values as stages get them: null is empty, true and false are `True` and `False`, numbers are as written.

    The predecessor turned numbers into Python's form (`1.10` into `1.1`); what an author wrote is what is meant.
    """
    return {name: _env_text(entry.node) for name, entry in env.entries.items()} if env else {}


def _env_text(node: Node) -> str:
    if node.value is None:
        return ""
    return str(node.value) if isinstance(node.value, bool | str) else node.text
