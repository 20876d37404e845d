"""The guest stands alone: standard library only, any Python from 3.9."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import runner_env.guest

FILES = sorted(Path(runner_env.guest.__file__).parent.rglob("*.py"))
ISLAND = ("runner_env.guest", "runner_env.summaries", "runner_env.text", "runner_env.wire")
OPTIONAL = {"backends.py": {"llama_cpp"}}
"""What a program uses if it is installed, and explains if it is not."""


def test_imports_stay_on_the_island() -> None:
    """Nothing but the standard library and rooms that are as undemanding is imported at run time."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            strangers = [
                n
                for n in names
                if n.split(".")[0] not in sys.stdlib_module_names | OPTIONAL.get(file.name, set())
                and not n.startswith(ISLAND)
            ]
            assert strangers == [], file.name


def test_syntax_is_that_of_python_3_9() -> None:
    """Every file parses as Python 3.9, for a target may bring no newer one."""
    for file in FILES:
        ast.parse(file.read_text(), feature_version=(3, 9))
