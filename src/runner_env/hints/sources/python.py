"""What a Python project implies without a task: pytest by its configuration or requirements, unittest by its tests."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.tree import line_of

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_TESTS = r"(?:.*/)?(?:test_[^/]*|[^/]*_test|tests)\.py"
_CONFIGURED = (
    ("pytest.ini", r"^\[pytest\]"),
    (".pytest.ini", r"^\[pytest\]"),
    ("pytest.toml", r"^\[pytest\]"),
    ("pyproject.toml", r"^\[tool\.pytest(?:\.ini_options)?\]"),
    ("setup.cfg", r"^\[tool:pytest\]"),
    ("tox.ini", r"^\[pytest\]"),
)
_REQUIRED = r"""(?:^|["'\[,\s])pytest(?:[-_]\w+)*\s*(?:\[[\w,]+\])?\s*(?:[<>=!~;"',\s]|$)"""
_REQUIREMENTS = (
    r"[^/]*requirements[^/]*\.(?:txt|in)|requirements/[^/]+\.(?:txt|in)|setup\.(?:py|cfg)|pyproject\.toml|Pipfile"
    r"|environment[^/]*\.ya?ml|[^/]*-requires\.txt"
)
_SUITE = r"^\s*test_suite\s*=\s*[\"']"


def find(tree: Tree) -> list[Candidate]:
    """One runner of tests at most, `python manage.py test` apart, and `asv run` where a project has it set up."""
    found: list[Candidate] = []
    expression = re.compile(_TESTS)
    tests = [path for path in tree.ending("py") if expression.fullmatch(path)]
    if tests and not _is_beside(tree, tests):
        found += _django(tree) or _pytest(tree, tests) or _unittest(tree, tests)
    for path in tree.manifests("asv.conf.json", depth=1, most=1):
        folder = path.rpartition("/")[0]
        found.append(Candidate("asv run", path, 1, Origin.MANIFEST, "asv", workdir=folder, runner="asv", certainty=0.6))
    return found


def _is_beside(tree: Tree, tests: list[str]) -> bool:
    """Whether Python is only what lies somewhere inside a project that is built otherwise."""
    if tree.first(*_PYTHON_PROJECT) or any(path.count("/") < 2 for path in tests):
        return False
    return bool(tree.first(*_OTHER_PROJECT))


_PYTHON_PROJECT = (
    *("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "tox.ini", "Pipfile", "pytest.ini"),
    *("noxfile.py", "conftest.py", "environment.yml", "manage.py"),
)
_OTHER_PROJECT = (
    *("pom.xml", "build.gradle", "build.gradle.kts", "CMakeLists.txt", "meson.build", "configure.ac", "go.mod"),
    *("Cargo.toml", "package.json", "composer.json", "Gemfile", "mix.exs", "dune-project", "build.sbt"),
)


def _pytest(tree: Tree, tests: list[str]) -> list[Candidate]:
    base = Candidate("pytest", "", 1, Origin.MANIFEST, "pytest", runner="pytest", certainty=0.6)
    for path, pattern in _CONFIGURED:
        if tree.has(path) and re.search(pattern, tree.text(path), re.MULTILINE):
            return [replace(base, path=path, line=line_of(tree.text(path), pattern))]
    for path in tree.matching(_REQUIREMENTS, 20, within=tree.shallow):
        if re.search(_REQUIRED, tree.text(path), re.MULTILINE):
            return [replace(base, path=path, line=line_of(tree.text(path), _REQUIRED), certainty=0.5)]
    conftest = next((path for path in tree.ending("py") if path.rpartition("/")[2] == "conftest.py"), "")
    own = [path for path in tests if path.count("/") <= 4]
    if conftest or tree.contains(r"^\s*(?:import pytest|from pytest import)|^def test_\w+\(", own, 12):
        return [replace(base, path=conftest or own[0], certainty=0.4)]
    return []


def _unittest(tree: Tree, tests: list[str]) -> list[Candidate]:
    if tree.has("setup.py") and re.search(_SUITE, tree.text("setup.py"), re.MULTILINE):
        line = line_of(tree.text("setup.py"), _SUITE)
        return [Candidate("python setup.py test", "setup.py", line, Origin.MANIFEST, "test_suite", certainty=0.3)]
    # those in a folder for tests, not the tools for tests that a package ships
    ordered = sorted(tests, key=lambda path: not path.startswith(("test", "t/")))
    using = [path for path in ordered[:12] if "unittest" in tree.text(path)]
    if not using:
        return []
    folder = using[0].split("/")[0] if "/" in using[0] else ""
    # discovery goes down into packages only; a folder that is none is where it must begin
    needs_start = folder and not tree.has(f"{folder}/__init__.py")
    text = f"python -m unittest discover -s {folder}" if needs_start else "python -m unittest discover"
    if all(path.endswith("_test.py") for path in using):
        text += ' -p "*_test.py"'
    return [Candidate(text, using[0], 1, Origin.MANIFEST, "unittest", runner="unittest", certainty=0.4)]


def _django(tree: Tree) -> list[Candidate]:
    for path in tree.manifests("manage.py"):
        folder = path.rpartition("/")[0]
        configured = any(
            tree.has(name) and re.search(pattern, tree.text(name), re.MULTILINE) for name, pattern in _CONFIGURED
        )
        if "django" in tree.text(path) and not configured:
            return [
                Candidate(
                    "python manage.py test",
                    path,
                    1,
                    Origin.MANIFEST,
                    "django",
                    workdir=folder,
                    runner="django",
                    certainty=0.5,
                )
            ]
    return []
