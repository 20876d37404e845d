"""A recipe from rules: from what a repository states and declares to the commands that make it ready and test it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.authoring.choice import PYTHON_RUNNERS, options
from runner_env.authoring.model import Option, Recipe
from runner_env.authoring.native import native
from runner_env.authoring.node import NODE_RUNNERS, node_steps
from runner_env.authoring.python import python_steps
from runner_env.hints.reading import exists
from runner_env.hints.shelltext import words_of

if TYPE_CHECKING:
    from pathlib import Path

_MOST_OTHERS = 6
_PYTHON_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile")
_PYTHON_PROGRAMS = frozenset(("python", "python3", "tox", "nox", "hatch", "poe", "inv", "invoke", "pytest"))


def propose(root: Path) -> Recipe | None:
    """The recipe for a repository; None if it states no command that tests or evaluates it.

    Nothing is run, and nothing outside `root` is read.
    """
    found = options(root)
    if not found:
        return None
    return made(root, found[0], found[1:][:_MOST_OTHERS])


def made(root: Path, option: Option, others: tuple[Option, ...] = ()) -> Recipe:
    """The recipe whose evaluation is `option`."""
    place = root / option.workdir if option.workdir and (root / option.workdir).is_dir() else root
    if place == root and option.workdir:
        option = replace(option, workdir="" if not (root / option.workdir).is_dir() else option.workdir)
    recipe = Recipe(option, others=others)
    kind = _ecosystem(place, root, option)
    if kind == "node":
        home = place if exists(place, "package.json") else root
        steps, env = node_steps(home, root, option)
        return replace(recipe, steps=steps, boot_env=env)
    if kind == "python":
        home = place if any(exists(place, name) for name in _PYTHON_FILES) else root
        steps, env, files = python_steps(home, option)
        return replace(recipe, steps=steps, boot_env=env, files=files)
    return native(recipe, place, root)


def _ecosystem(place: Path, root: Path, option: Option) -> str:
    program = (words_of(option.command) or ("",))[0].rpartition("/")[2]
    node = option.runner in NODE_RUNNERS or program in ("npm", "yarn", "pnpm", "bun", "npx", "node")
    if node and (exists(place, "package.json") or exists(root, "package.json")):
        return "node"
    if option.runner in PYTHON_RUNNERS or program in _PYTHON_PROGRAMS:
        return "python"
    others = ("CMakeLists.txt", "configure", "configure.ac", "Cargo.toml", "go.mod", "meson.build", "Makefile.PL")
    if option.runner in ("make", "", "just", "task") and not any(exists(place, name) for name in others):
        if any(exists(place, name) for name in _PYTHON_FILES):
            return "python"
        if exists(place, "package.json"):
            return "node"
    return "native"
