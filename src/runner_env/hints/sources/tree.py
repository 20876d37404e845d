"""What the sources look at: the files of a repository that are its own, listed once within bounds."""

from __future__ import annotations

import os
import re
from collections import deque
from dataclasses import dataclass, field
from itertools import islice, takewhile
from posixpath import basename, dirname, join, normpath
from typing import TYPE_CHECKING

from runner_env.hints.reading import read_text
from runner_env.hints.sources.yamltext import Node, NotYaml, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MOST_FILES = 4_000
_MOST_FOLDERS = 800
_MOST_ENTRIES = 2_000
_MOST_DEPTH = 10
_MOST_BYTES = 1_000_000
_HIDDEN = frozenset(
    {".github", ".circleci", ".gitlab", ".ci", ".buildkite", ".azure", ".azure-pipelines", ".woodpecker", ".builds"}
)
_FOREIGN = frozenset(
    {
        "3rdparty",
        "Godeps",
        "Pods",
        "__fixtures__",
        "__mocks__",
        "__pycache__",
        "__snapshots__",
        "_build",
        "_vendor",
        "assets",
        "bower_components",
        "build",
        "corpora",
        "corpus",
        "demo",
        "demos",
        "deps",
        "dist",
        "env",
        "example",
        "examples",
        "expected",
        "extern",
        "external",
        "externals",
        "fixture",
        "fixtures",
        "golden",
        "i18n",
        "locale",
        "locales",
        "node_modules",
        "obj",
        "out",
        "public",
        "resources",
        "sample",
        "samples",
        "site-packages",
        "snapshots",
        "static",
        "submodules",
        "target",
        "template",
        "templates",
        "test cases",
        "test-data",
        "test_data",
        "testcases",
        "testdata",
        "third-party",
        "third_party",
        "thirdparty",
        "vendor",
        "vendored",
        "venv",
        "virtualenv",
    }
)
_ASIDE = re.compile(
    r"(?:.*[ _-])?(?:docs?|documentation|web ?site|site|www|scripts?|tools?|ci|tests?|specs?|t|__tests__|testing"
    r"|benchmarks?|nw|netware|win\d*|windows|vms|os400|msvc\w*|vc\d+)(?:[ _-].*)?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Tree:
    """A repository as the sources see it.

    Attributes:
        root: its directory.
        files: POSIX paths relative to it, the shallow ones first, at most 4 000; folders that hold other projects,
            fixtures, examples or what was built are left out.
    """

    root: Path
    files: tuple[str, ...]
    _known: frozenset[str]
    _endings: dict[str, list[str]]
    _texts: dict[str, str | None] = field(default_factory=dict)
    _documents: dict[str, Node] = field(default_factory=dict)

    def has(self, path: str) -> bool:
        """Whether the file is one of the listed ones."""
        return path in self._known

    def first(self, *paths: str) -> str:
        """The first of `paths` that is listed; else empty."""
        return next((path for path in paths if path in self._known), "")

    def readable(self, path: str) -> bool:
        """Whether a file that another one includes can be read and says something, listed or not."""
        return bool(self.text(path))

    def text(self, path: str) -> str:
        """The text of a file, at most 1 MB of it, read once; empty if it cannot be read or leads outside."""
        if path not in self._texts:
            self._texts[path] = read_text(self.root, path, _MOST_BYTES)
        return self._texts[path] or ""

    def document(self, path: str) -> Node:
        """The YAML document in a file, read once; an empty node if it is missing or broken."""
        if path not in self._documents:
            try:
                self._documents[path] = parse(self.text(path))
            except NotYaml:
                self._documents[path] = Node("", 1)
        return self._documents[path]

    def matching(self, pattern: str, most: int = 200, *, within: Iterable[str] | None = None) -> list[str]:
        """Files that the regular expression `pattern` matches as a whole.

        Args:
            pattern: for the whole path.
            most: how many are returned at most.
            within: some of the listed files, to look at fewer than all.
        """
        expression = re.compile(pattern)
        return list(islice(filter(expression.fullmatch, self.files if within is None else within), most))

    def ending(self, *endings: str) -> list[str]:
        """Listed files whose name ends with a dot and one of `endings`, the shallow ones first."""
        found = [path for ending in endings for path in self._endings.get(ending, [])]
        return sorted(found, key=lambda path: path.count("/")) if len(endings) > 1 else found

    @property
    def shallow(self) -> Iterator[str]:
        """Listed files at the root or one folder deep."""
        return takewhile(lambda path: path.count("/") < 2, self.files)

    def manifests(self, *names: str, depth: int = 2, most: int = 6) -> list[str]:
        """The manifests with one of these file names: that at the root alone, or else the shallowest ones.

        Args:
            names: file names.
            depth: how many folders deep is looked.
            most: how many are returned.
        """
        listed = {path for name in names for path in self._endings.get(name.rpartition(".")[2], ())}
        found = [path for path in listed if path.count("/") <= depth and basename(path) in names]
        if not found:
            return []
        if any("/" not in path for path in found):
            return [path for name in names for path in found if path == name]
        own = sorted(path for path in found if not is_aside(path))
        shallowest = min((path.count("/") for path in own), default=0)
        return [path for path in own if path.count("/") == shallowest][:most]

    def contains(self, pattern: str, paths: list[str], most: int = 40) -> bool:
        """Whether the text of one of the first `most` of `paths` has the regular expression `pattern`."""
        expression = re.compile(pattern, re.MULTILINE)
        return any(expression.search(self.text(path)) for path in paths[:most])


def scan(root: Path) -> Tree:
    """The files of the repository at `root`, breadth first, so that what lies deep is what a bound cuts off."""
    files: list[str] = []
    queue = deque([""])
    folders = 0
    while queue and len(files) < _MOST_FILES and folders < _MOST_FOLDERS:
        folder = queue.popleft()
        folders += 1
        prefix = f"{folder}/" if folder else ""
        names, below = _listed(root, folder)
        files += [prefix + name for name in names]
        if folder.count("/") < _MOST_DEPTH:
            queue += [prefix + name for name in below if _own(name)]
    del files[_MOST_FILES:]
    endings: dict[str, list[str]] = {}
    for path in files:
        endings.setdefault(path.rpartition("/")[2].rpartition(".")[2], []).append(path)
    return Tree(root, tuple(files), frozenset(files), endings)


def _listed(root: Path, folder: str) -> tuple[list[str], list[str]]:
    """The sorted names of the files and the folders in a folder; links to folders are neither."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(root / folder if folder else root) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file(follow_symlinks=False) or (entry.is_symlink() and entry.is_file()):
                    files.append(entry.name)
    except OSError:
        pass
    return sorted(files), sorted(folders)


def _own(name: str) -> bool:
    return (
        (not name.startswith((".", "{{")) or name in _HIDDEN)
        and name not in _FOREIGN
        and not name.endswith(".egg-info")
    )


def is_aside(path: str) -> bool:
    """Whether a manifest lies in a folder for something beside the project: its documentation, its tests, its tools."""
    return any(_ASIDE.fullmatch(part) for part in path.split("/")[:-1])


def inside(folder: str, relative: str) -> str | None:
    """`relative`, seen from `folder`, as a path relative to the repository; None if it leads outside.

    >>> inside("a/b", "../c"), inside("", "."), inside("", "..")
    ('a/c', '', None)
    """
    path = normpath(join(folder, relative)) if relative else folder
    if path.startswith(("/", "..")):
        return None
    return "" if path == "." else path


def folder_of(path: str) -> str:
    """The folder of a file, empty for the root."""
    return dirname(path)


def line_of(text: str, *patterns: str) -> int:
    """The line, from 1, where the last of regular expressions that are looked for one behind the other begins.

    A pattern that is not found is passed over.
    """
    at = begun = 0
    for pattern in patterns:
        match = re.compile(pattern, re.MULTILINE).search(text, at)
        if match:
            begun, at = match.start(), match.end()
    return text.count("\n", 0, begun) + 1


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """The lines of `text` with their numbers, from 1."""
    return enumerate(text.split("\n"), 1)
