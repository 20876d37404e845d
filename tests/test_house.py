"""The house rules that a program can check."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import runner_env

PACKAGE = Path(runner_env.__file__).parent
ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(PACKAGE.rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    """Every function of a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, Function):
            yield node


def body_lines(function: Function) -> int:
    """Lines of a function without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_is_read_in_one_sitting(path: Path) -> None:
    """At most 500 lines a module, 60 a function."""
    assert len(path.read_text("utf-8").splitlines()) <= 500
    assert {f.name: body_lines(f) for f in functions(path) if body_lines(f) > 60} == {}


def test_functions_are_short() -> None:
    """The median function has at most 8 lines, one in twenty more than 40."""
    lengths = sorted(body_lines(function) for path in MODULES for function in functions(path))
    assert lengths[len(lengths) // 2] <= 8
    assert lengths[int(len(lengths) * 0.95)] <= 40


def test_every_test_says_what_it_pins() -> None:
    """Each test function has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for function in functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_broad_excepts_say_why() -> None:
    """`except Exception` and broader only with a comment on the same line."""
    broad = re.compile(r"^\s*except(\s+\(?[^:]*\b(Base)?Exception\b[^:]*)?\s*:(?!.*#)")
    found = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if broad.match(line) and not _reraises(path, number)
    ]
    assert found == []


def _reraises(path: Path, line: int) -> bool:
    """Whether the handler at that line ends by raising again, which swallows nothing."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ExceptHandler) and node.lineno == line:
            return isinstance(node.body[-1], ast.Raise)
    return False
