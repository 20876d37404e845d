"""Projects in C, C++ and Fortran: CMake with CTest, Meson, autotools; each with the build that tests need first."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.hints.sources.cargo import below, implied
from runner_env.hints.sources.tree import folder_of, line_of

if TYPE_CHECKING:
    from runner_env.hints.model import Candidate
    from runner_env.hints.sources.tree import Tree

_CTEST = (
    r"^[ \t]*(?:add_test|enable_testing|gtest_discover_tests|gtest_add_tests|catch_discover_tests"
    r"|doctest_discover_tests|include\s*\(\s*CTest)\b"
)
_OPTION = re.compile(
    r"^[ \t]*(?:option|cmake_dependent_option)\s*\(\s*(\w*TEST\w*)\s+\"[^\"]*\"\s+(\w+|\$\{\w+\})",
    re.MULTILINE | re.IGNORECASE,
)
_WANTED = re.compile(r"(?:\w+_)?(?:UNIT_?|ALL_)?TEST(?:S|ING)?(?:_ENABLED?)?|\w*BUILD_?TEST(?:S|ING)?", re.IGNORECASE)
_UNWANTED = re.compile(
    r"PERF|BENCH|FUZZ|COVER|INSTALL|EXAMPLE|VALGRIND|GPU|CUDA|SLOW|STRESS|EXTRA|SELF|DISABLE|NO_|SKIP|WITHOUT",
    re.IGNORECASE,
)
_AUTOMAKE_TESTS = r"^(?:TESTS\s*\+?=|check-local\s*:)"


def find(tree: Tree) -> list[Candidate]:
    """One command for each build system that has tests."""
    found: list[Candidate] = []
    for path in tree.manifests("CMakeLists.txt"):
        found += _cmake(tree, path)
    for path in tree.manifests("meson.build"):
        found += _meson(tree, path)
    if tree.has("configure.ac") or tree.has("configure.in") or tree.has("configure"):
        found += _autotools(tree)
    return found


def _cmake(tree: Tree, path: str) -> list[Candidate]:
    folder = folder_of(path)
    files = [path, *below(tree, folder, r"(?:.*/)?(?:CMakeLists\.txt|[^/]+\.cmake)")]
    files = list(dict.fromkeys(files))
    stating = next((file for file in files if re.search(_CTEST, tree.text(file), re.MULTILINE | re.IGNORECASE)), "")
    if not stating or not any(re.search(r"(?i)add_test|discover_tests|gtest_add_tests", tree.text(f)) for f in files):
        return []
    options = _OPTION.findall("\n".join(tree.text(file) for file in files[:3]))
    wanted = [name for name, default in options if default.upper() != "ON" and _WANTED.fullmatch(name)]
    flags = [f"-D{name}=ON" for name in wanted if not _UNWANTED.search(name)]
    configure = " ".join(["cmake", "-S", ".", "-B", "build", *flags[:2]])
    line = line_of(tree.text(stating), rf"(?i){_CTEST}")
    made = implied("ctest --test-dir build --output-on-failure", stating, line, 0.7, "ctest")
    return [replace(made, workdir=folder, before=(configure, "cmake --build build"))]


def _meson(tree: Tree, path: str) -> list[Candidate]:
    folder = folder_of(path)
    files = [path, *below(tree, folder, r".*/meson\.build")]
    stating = next((file for file in files if re.search(r"^\s*test\s*\(", tree.text(file), re.MULTILINE)), "")
    if not stating:
        return []
    made = implied("meson test -C build", stating, line_of(tree.text(stating), r"^\s*test\s*\("), 0.8)
    return [replace(made, workdir=folder, before=("meson setup build",))]


def _autotools(tree: Tree) -> list[Candidate]:
    """`make check`, where automake has tests; a makefile that is written by hand is not looked at here."""
    files = sorted(tree.ending("am", "mk")[:60], key=lambda path: ("/" in path, not path.startswith("test")))
    stating = next((file for file in files if re.search(_AUTOMAKE_TESTS, tree.text(file), re.MULTILINE)), "")
    if not stating:
        return []
    before = [] if tree.has("configure") else [_generator(tree)]
    made = implied("make check", stating, line_of(tree.text(stating), _AUTOMAKE_TESTS), 0.8)
    return [replace(made, workdir="", before=(*before, "./configure", "make"))]


def _generator(tree: Tree) -> str:
    script = tree.first("autogen.sh", "bootstrap.sh", "bootstrap", "buildconf")
    return f"./{script}" if script else "autoreconf -fi"
