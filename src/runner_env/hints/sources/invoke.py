"""Tasks of `tasks.py` for the program `invoke`, read as a syntax tree and never run."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_MOST = 300_000


def find(tree: Tree) -> list[Candidate]:
    """`invoke NAME` for every task that runs commands which are written out."""
    text = tree.text("tasks.py") if tree.has("tasks.py") else ""
    if "invoke" not in text or len(text) > _MOST:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[Candidate] = []
    for node in module.body:
        commands = _commands(node) if isinstance(node, ast.FunctionDef) and _is_task(node) else ()
        if isinstance(node, ast.FunctionDef) and commands:
            name = node.name.replace("_", "-")
            context = (ast.get_docstring(node) or "").partition("\n")[0]
            found.append(
                Candidate(
                    f"invoke {name}",
                    "tasks.py",
                    node.lineno,
                    Origin.TASK,
                    name,
                    context,
                    resolved=commands,
                    runner="invoke",
                )
            )
    return found


def _is_task(function: ast.FunctionDef) -> bool:
    decorators = [item.func if isinstance(item, ast.Call) else item for item in function.decorator_list]
    return any(ast.unparse(item) in ("task", "invoke.task") for item in decorators)


def _commands(function: ast.FunctionDef) -> tuple[str, ...]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args]
    return tuple(
        argument.value
        for call in sorted(calls, key=lambda call: call.lineno)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("run", "sudo")
        if isinstance(argument := call.args[0], ast.Constant) and isinstance(argument.value, str)
    )
