"""The package itself: two names, loaded when used, and nothing heavy before."""

from __future__ import annotations

import subprocess
import sys

import pytest

import runner_env

HEAVY = ("asyncio", "click", "httpx2", "pydantic", "rich", "ruamel", "tree_sitter", "subprocess")


def test_import_loads_nothing_heavy() -> None:
    """`import runner_env` loads none of the heavy packages, and nothing of its own but itself."""
    source = (
        "import sys\nbefore = set(sys.modules)\nimport runner_env\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('runner_env.')))\n"
        "dir(runner_env), runner_env.__doc__, runner_env.__all__\n"
        "assert not any(name.startswith('runner_env.') for name in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    roots, own = done.stdout.split("\n")[:2]
    assert not set(HEAVY) & set(roots.split())
    assert own == ""


def test_all_is_sorted_and_complete() -> None:
    """`__all__` has every public name once, in order, and each can be had."""
    assert sorted(set(runner_env.__all__)) == runner_env.__all__
    assert set(runner_env.__all__) == {name for name in dir(runner_env) if not name.startswith("_")}
    for name in runner_env.__all__:
        assert getattr(runner_env, name).__module__ == "runner_env.session"


def test_dir_lists_the_version_too() -> None:
    """`dir()` shows what can be had before it was loaded; the version is that of the distribution."""
    from importlib.metadata import version

    assert set(dir(runner_env)) == {"EnvSession", "setup", "__version__"}
    assert runner_env.__version__ == version("runner-env")


def test_other_names_are_unknown() -> None:
    """A name that does not exist is an AttributeError that says so, as of any module."""
    with pytest.raises(AttributeError, match=r"'runner_env'.*'no_such_name'"):
        _ = runner_env.no_such_name  # type: ignore[attr-defined]


def test_star_import() -> None:
    """`from runner_env import *` brings the two names."""
    names: dict[str, object] = {}
    exec("from runner_env import *", names)
    assert {"EnvSession", "setup"} <= set(names)
