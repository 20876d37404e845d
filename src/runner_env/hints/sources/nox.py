"""Sessions of `noxfile.py`, read as a syntax tree and never run."""

from __future__ import annotations

import ast
import re
import warnings
from shlex import quote
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_RUNS = ("run", "run_always", "run_install")
_MOST = 300_000
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Names = dict[str, list[str]]


def find(tree: Tree) -> list[Candidate]:
    """`nox -s NAME` for every session."""
    if not tree.has("noxfile.py") or len(tree.text("noxfile.py")) > _MOST:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            module = ast.parse(tree.text("noxfile.py"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    functions = {node.name: node for node in module.body if isinstance(node, _Function)}
    names: _Names = {}
    for statement in module.body:
        _assign(statement, names)
    found: list[Candidate] = []
    for function in functions.values():
        session = _session_name(function)
        if session:
            found.append(_candidate(function, session, functions, names))
    return found


def _candidate(function: _Function, session: str, functions: dict[str, _Function], names: _Names) -> Candidate:
    env: dict[str, str] = {}
    commands = _commands(function, functions, _parameters(function, dict(names)), env, {function.name})
    context = (ast.get_docstring(function) or "").partition("\n\n")[0].replace("\n", " ")
    line = function.lineno
    return Candidate(
        f"nox -s {session}",
        "noxfile.py",
        line,
        Origin.TASK,
        session,
        context,
        resolved=tuple(dict.fromkeys(commands)),
        env=env,
        runner="nox",
    )


def _session_name(function: _Function) -> str:
    for decorator in function.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(call) in ("nox.session", "session", "nox_uv.session", "nox_poetry.session"):
            for keyword in decorator.keywords if isinstance(decorator, ast.Call) else []:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value)
            return function.name
    return ""


def _parameters(function: _Function, names: _Names) -> _Names:
    """The names that `nox.parametrize` gives, each with its first value."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("parametrize"):
            keys = [key.strip() for key in _text(decorator.args[0], names).split(",")] if decorator.args else []
            values = decorator.args[1] if len(decorator.args) > 1 else None
            first = values.elts[0] if isinstance(values, (ast.List, ast.Tuple)) and values.elts else None
            if isinstance(first, ast.Call) and first.args:
                first = first.args[0]
            parts = first.elts if isinstance(first, (ast.Tuple, ast.List)) and len(keys) > 1 else [first]
            names |= {key: [_text(part, names)] for key, part in zip(keys, parts, strict=False) if part}
    return names


def _commands(
    function: _Function, functions: dict[str, _Function], names: _Names, env: dict[str, str], seen: set[str]
) -> list[str]:
    """What `session.run` is called with, helpers of the same file followed, in the order of the text."""
    found: list[str] = []
    for node in _in_order(function):
        _assign(node, names)
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in _RUNS and _is_session(node.func.value):
            words = [word for argument in node.args for word in _words(argument, names)]
            if words and words[0]:
                found.append(" ".join(words))
                _environment(node, names, env)
        elif isinstance(node.func, ast.Name) and node.func.id in functions and node.func.id not in seen:
            seen.add(node.func.id)
            found += _commands(functions[node.func.id], functions, names, env, seen)
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "chdir" and _is_session(node.func.value):
            folder = [word for argument in node.args for word in _words(argument, names)]
            found += [f"cd {folder[0]}"] if folder and "{" not in folder[0] else []
    return found


def _is_session(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and ("session" in node.id or node.id == "s")


def _in_order(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        found.append(child)
        found += _in_order(child)
    return found


def _assign(node: ast.AST, names: _Names) -> None:
    """Remembers constants and lists of constants that get a name; the first one wins over those of later branches."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        value, target = node.value, node.targets[0].id
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        value, target = node.value, node.target.id
    else:
        return
    words = _words(value, names)
    if target not in names and (words or isinstance(value, (ast.List, ast.Tuple))):
        names[target] = words


def _words(node: ast.expr, names: _Names) -> list[str]:
    """The shell words of an argument: constants as they are, what is not known left out."""
    if isinstance(node, ast.Starred):
        return _words(node.value, names)
    if isinstance(node, (ast.List, ast.Tuple)):
        return [word for item in node.elts for word in _words(item, names)]
    if isinstance(node, ast.Name):
        return [quote(word) for word in names.get(node.id, [])]
    if isinstance(node, (ast.BoolOp, ast.IfExp)):
        # `session.posargs or ["tests"]`
        choices = node.values if isinstance(node, ast.BoolOp) else [node.orelse, node.body]
        return next((words for item in choices if (words := _words(item, names))), [])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and not isinstance(node.left, ast.Constant):
        return _words(node.left, names) + _words(node.right, names)
    text = _text(node, names)
    return [quote(text)] if text and "{" not in text else []


def _text(node: ast.expr, names: _Names) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, (str, int, float)) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part.value if isinstance(part, ast.FormattedValue) else part, names) or "{}" for part in node.values
        )
    if isinstance(node, ast.Name):
        return (names.get(node.id) or [""])[0]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        left, right = _text(node.left, names), _text(node.right, names)
        return f"{left}/{right}" if left and right else right
    if (
        isinstance(node, ast.Call)
        and node.args
        and re.fullmatch(r"str|Path|pathlib\.Path|os\.fspath", ast.unparse(node.func))
    ):
        return _text(node.args[0], names)
    return ""


def _environment(call: ast.Call, names: _Names, env: dict[str, str]) -> None:
    for keyword in call.keywords:
        if keyword.arg == "env" and isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                text = _text(value, names)
                if isinstance(key, ast.Constant) and text and "{" not in text:
                    env[str(key.value)] = text
