"""Shell text → syntax tree, by tree-sitter's bash grammar; loaded on first use (about 35 ms)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from runner_env.execution.policy.bounds import TooComplex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Language, Node, Query

_MAX_NODES = 1_200_000

_TIGHT_DOCUMENT = re.compile(r"""<<-?[ \t]*(?:\w+|'\w+'|"\w+"|\\\w+)(?=[|;&<>)])""")
_GUARD = re.compile(r"""-[nzdefLsrwx]\s+"?\$\{?(\w+)|\$\{(\w+):?\?""")
SUBSTITUTIONS = frozenset(("command_substitution", "process_substitution"))


@cache
def _language() -> Language:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Language(tree_sitter_bash.language())


@cache
def _functions() -> Query:
    import tree_sitter

    return tree_sitter.Query(_language(), "(function_definition name: (word) @name)")


def parse(text: str) -> Node:
    """The root of the tree of `text`; what the grammar cannot read is an ERROR node in it.

    Raises:
        TooComplex: the tree has more nodes than an honest script of 2 MB.
    """
    from tree_sitter import Parser

    # The grammar takes `<<E|sh` for one long delimiter.
    text = _TIGHT_DOCUMENT.sub(r"\g<0> ", text)
    root = Parser(_language()).parse(text.encode("utf-8", "replace")).root_node
    if root.descendant_count > _MAX_NODES:
        raise TooComplex("it has too many parts")
    return root


def function_names(root: Node) -> frozenset[str]:
    """The names of all functions defined anywhere under `root`."""
    from tree_sitter import QueryCursor

    return frozenset(text_of(node) for node in QueryCursor(_functions()).captures(root).get("name", ()))


def guarded_names(text: str) -> set[str]:
    """The variables whose being empty `text` provides for: `[ -n "$X" ]`, `[[ -d $X/y ]]`, `${X:?}` and their like."""
    return {first or second for first, second in _GUARD.findall(text)}


def text_of(node: Node) -> str:
    """The source text of `node`."""
    return (node.text or b"").decode("utf-8", "replace")


def substitutions(node: Node) -> Iterator[Node]:
    """The outermost `$(…)`, backquotes, `<(…)` and `>(…)` under `node`, in order."""
    pending = [node]
    while pending:
        current = pending.pop()
        if current.type in SUBSTITUTIONS:
            yield current
        elif current.child_count:
            pending += reversed(current.children)


def descendants(node: Node, kind: str) -> Iterator[Node]:
    """Every node of type `kind` under `node`."""
    pending = [node]
    while pending:
        current = pending.pop()
        if current.type == kind:
            yield current
        pending += reversed(current.children)
