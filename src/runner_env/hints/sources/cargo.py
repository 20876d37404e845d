"""`cargo test`, `cargo bench`, `go test ./...` and Go benchmarks, where such tests are really there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.tree import folder_of, line_of

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_RUST_TEST = r"^\s*#\[(?:\w+::)*(?:test\b|cfg\(test\)|rstest\b|test_case\b)"
_RUST_BENCH = r"^\s*\[\[bench\]\]"
_GO_TEST = r"^func (?:Test|Example|Fuzz)\w*\("
_GO_BENCH = r"^func Benchmark\w*\("


def find(tree: Tree) -> list[Candidate]:
    """At most one test and one benchmark command for each manifest."""
    found: list[Candidate] = []
    for path in tree.manifests("Cargo.toml"):
        found += _cargo(tree, path)
    for path in tree.manifests("go.mod", "go.work"):
        found += _go(tree, path)
    return found


def below(tree: Tree, folder: str, pattern: str, most: int = 200) -> list[str]:
    """Listed files below `folder` whose path in it matches `pattern` as a whole."""
    return tree.matching((re.escape(folder) + "/" if folder else "") + pattern, most)


def implied(text: str, path: str, line: int, certainty: float, name: str = "") -> Candidate:
    """What a manifest implies, in its own folder."""
    runner = text.split(maxsplit=1)[0].removeprefix("./")
    folder = folder_of(path)
    return Candidate(
        text, path, line, Origin.MANIFEST, name or text, workdir=folder, runner=runner, certainty=certainty
    )


def _cargo(tree: Tree, path: str) -> list[Candidate]:
    text, folder = tree.text(path), folder_of(path)
    line = line_of(text, r"^\s*\[(?:package|workspace)\]")
    integration = below(tree, folder, r"(?:.*/)?tests/[^/]+(?:/main)?\.rs", 1)
    sources = below(tree, folder, r"(?:.*/)?[^/]+\.rs")
    found: list[Candidate] = []
    if integration or tree.contains(_RUST_TEST, sources, 80):
        both = re.search(r"^\s*\[workspace\]", text, re.MULTILINE) and re.search(r"^\s*\[package\]", text, re.MULTILINE)
        members = both and re.search(r"^\s*members\s*=", text, re.MULTILINE)
        found.append(implied("cargo test --workspace" if members else "cargo test", path, line, 0.8))
    benches = below(tree, folder, r"(?:.*/)?benches/[^/]+(?:/main)?\.rs", 1)
    if benches or re.search(_RUST_BENCH, text, re.MULTILINE):
        found.append(implied("cargo bench", path, line_of(text, r"^\s*\[(?:package|workspace)\]", _RUST_BENCH), 0.7))
    return found


def _go(tree: Tree, path: str) -> list[Candidate]:
    text, folder = tree.text(path), folder_of(path)
    if path.endswith("go.work") and tree.has(f"{folder}/go.mod".lstrip("/")):
        return []
    tests = below(tree, folder, r"(?:.*/)?[^/]+_test\.go")
    found: list[Candidate] = []
    if tests and tree.contains(_GO_TEST, tests, 20):
        found.append(implied("go test ./...", path, line_of(text, r"^module\b"), 0.8))
    if tree.contains(_GO_BENCH, tests, 60):
        found.append(implied("go test -bench=. ./...", path, line_of(text, r"^module\b"), 0.4, "go benchmarks"))
    return found
