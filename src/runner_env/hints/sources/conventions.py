"""Ecosystems with one way to run tests: a manifest and test files that are really there imply it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.cargo import below, implied
from runner_env.hints.sources.node import load
from runner_env.hints.sources.toml import mapping
from runner_env.hints.sources.tree import folder_of, is_aside, line_of

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree


@dataclass(frozen=True, slots=True)
class _Convention:
    """What implies a command.

    Attributes:
        manifest: a regular expression for the manifest's path.
        tests: one for the path of a test, in the manifest's folder.
        command: what runs the tests.
        marker: what the manifest must contain, a regular expression; empty: anything.
        without: a file beside the manifest that makes another convention hold.
    """

    manifest: str
    tests: str
    command: str
    marker: str = ""
    without: str = ""


_CONVENTIONS = (
    _Convention(r"mix\.exs", r"(?:apps/[^/]+/)?test/.*_test\.exs", "mix test"),
    _Convention(r"Package\.swift", r"(?:Tests|tests)/.*\.swift", "swift test"),
    _Convention(r"stack\.yaml", r"(?:.*/)?(?:test|tests|spec)/.*\.hs", "stack test"),
    _Convention(r"[^/]+\.cabal|cabal\.project", r"(?:.*/)?.*\.l?hs", "cabal test", r"(?im)^test-suite", "stack.yaml"),
    _Convention(r"shard\.yml", r"spec/.*_spec\.cr", "crystal spec"),
    _Convention(r"rebar\.config", r"(?:apps/[^/]+/)?test/.*_SUITE\.erl", "rebar3 ct"),
    _Convention(r"rebar\.config", r"(?:apps/[^/]+/)?(?:test|src)/.*_tests?\.erl", "rebar3 eunit"),
    _Convention(r"gleam\.toml", r"test/.*\.gleam", "gleam test"),
    _Convention(r"dune-project", r"(?:.*/)?tests?/(?:.*/)?(?:dune|.*\.ml|.*\.t)", "dune runtest"),
    _Convention(r"Project\.toml", r"test/runtests\.jl", "julia --project -e 'using Pkg; Pkg.test()'"),
    _Convention(r"DESCRIPTION", r"tests/testthat/test.*\.[rR]", "Rscript -e 'devtools::test()'", r"(?m)^Package:"),
    _Convention(r"elm\.json", r"tests/.*\.elm", "npx elm-test"),
    _Convention(r"spago\.(?:dhall|yaml)", r"test/.*\.purs", "spago test"),
    _Convention(r"build\.zig", r"(?:.*/)?[^/]+\.zig", "zig build test", r"step\(\s*\"test\""),
    _Convention(r"[^/]+\.nimble", r"tests/t.*\.nim", "nimble test"),
    _Convention(r"fpm\.toml", r"test/.*\.[fF]90", "fpm test"),
    _Convention(r"dub\.(?:json|sdl)", r"source/.*\.d", "dub test"),
    _Convention(r"\.busted|[^/]+\.rockspec", r"spec/.*_spec\.lua", "busted"),
    _Convention(r"foundry\.toml", r"test/.*\.t\.sol", "forge test"),
    _Convention(r"alire\.toml", r"tests/alire\.toml", "alr test"),
)
_SCRIPTS = (
    *("script/test", "scripts/test", "scripts/test.sh", "script/test.sh", "bin/test", "test.sh", "tests.sh"),
    *("run_tests.sh", "run-tests.sh", "runtests.sh", "run_tests.py", "runtests.py", "runtest", "runtests", "run-tests"),
    *(
        "tests/run.sh",
        "test/run.sh",
        "tests/run_tests.sh",
        "tests/runtests.py",
        "test/run_tests.sh",
        "tests/run-tests.sh",
    ),
    *("scripts/run_tests.sh", "scripts/run-tests.sh", "scripts/tests.sh", "tools/run_tests.sh"),
)
"""Where projects that follow no ecosystem's way keep what runs their tests."""
_FLUTTER = r"(?m)^\s+flutter:\s*$|^\s+sdk:\s*flutter"
_DOTNET_TEST = r"Microsoft\.NET\.Test\.Sdk|<IsTestProject>\s*true|xunit|NUnit|MSTest|TUnit"


def find(tree: Tree) -> list[Candidate]:
    """One candidate for each convention that holds at the root, or one folder deep if not there."""
    found: list[Candidate] = []
    for convention in _CONVENTIONS:
        for path in _shallow(tree, convention.manifest):
            folder = folder_of(path)
            beside = f"{folder}/{convention.without}".lstrip("/")
            if convention.without and tree.has(beside):
                continue
            if convention.marker and not tree.contains(convention.marker, [path]):
                continue
            if below(tree, folder, convention.tests, 1):
                found.append(implied(convention.command, path, line_of(tree.text(path), convention.marker), 0.7))
                break
    found = [c for c in found if not (c.text == "rebar3 eunit" and any(o.text == "rebar3 ct" for o in found))]
    return [*found, *_pub(tree), *_perl(tree), *_dotnet(tree), *_bats(tree), *_deno(tree), *_scripts(tree)]


def _shallow(tree: Tree, manifest: str) -> list[str]:
    """The manifests at the root, or else those one folder deep that are not for something beside the project."""
    expression = re.compile(manifest)
    found = [path for path in tree.shallow if expression.fullmatch(path.rpartition("/")[2])]
    at_root = [path for path in found if "/" not in path]
    return at_root[:2] or [path for path in found if not is_aside(path)][:3]


def _pub(tree: Tree) -> list[Candidate]:
    for path in _shallow(tree, r"pubspec\.yaml"):
        if below(tree, folder_of(path), r"(?:packages/[^/]+/)?test/.*_test\.dart", 1):
            flutter = tree.contains(_FLUTTER, [path])
            return [implied("flutter test" if flutter else "dart test", path, 1, 0.8)]
    return []


def _perl(tree: Tree) -> list[Candidate]:
    """`prove`, or what a distribution with code in C has to be built with first."""
    manifest = tree.first("Makefile.PL", "Build.PL", "cpanfile", "dist.ini")
    if not manifest or not tree.matching(r"t/.*\.t", 1):
        return []
    compiled = bool(tree.ending("xs"))
    if compiled and manifest in ("Makefile.PL", "Build.PL"):
        program = "make" if manifest == "Makefile.PL" else "./Build"
        return [replace(implied(f"{program} test", manifest, 1, 0.7), before=(f"perl {manifest}", program))]
    return [implied("prove -lr t", manifest, 1, 0.7)]


def _dotnet(tree: Tree) -> list[Candidate]:
    """`dotnet test` where a test project exists, for the solution if there is one, else for that project."""
    projects = tree.ending("csproj", "fsproj", "vbproj")[:80]
    tested = next((path for path in projects if tree.contains(_DOTNET_TEST, [path])), "")
    if not tested:
        return []
    solutions = [path for path in tree.ending("sln", "slnx") if path.count("/") < 2]
    if len([path for path in solutions if "/" not in path]) > 1:
        first = min(solutions, key=lambda path: ("test" not in path.lower(), len(path)))
        return [implied(f"dotnet test {first}", first, 1, 0.6)]
    if solutions:
        return [implied("dotnet test", solutions[0], 1, 0.8)]
    text = f"dotnet test {tested}" if "/" in tested else "dotnet test"
    return [Candidate(text, tested, 1, Origin.MANIFEST, "dotnet test", runner="dotnet", certainty=0.7)]


def _bats(tree: Tree) -> list[Candidate]:
    files = tree.ending("bats")[:60]
    if not files:
        return []
    top = files[0].rpartition("/")[0]
    nested = any(folder_of(path) != top for path in files)
    text = f"bats {'-r ' if nested else ''}{files[0].split('/')[0] if nested else top}" if top else "bats ."
    return [Candidate(text, files[0], 1, Origin.MANIFEST, "bats", runner="bats", certainty=0.7)]


def _deno(tree: Tree) -> list[Candidate]:
    """`deno task NAME`; without a task for tests `deno test`, if there are some."""
    path = tree.first("deno.json", "deno.jsonc")
    if not path:
        return []
    found: list[Candidate] = []
    for name, task in mapping(load(tree.text(path)), "tasks").items():
        command = task if isinstance(task, str) else mapping(task).get("command")
        if isinstance(command, str):
            line = line_of(tree.text(path), r'"tasks"\s*:', rf'"{name}"\s*:')
            text, context = f"deno task {name}", str(mapping(task).get("description", ""))
            found.append(Candidate(text, path, line, Origin.TASK, name, context, resolved=(command,), runner="deno"))
    stated = any("test" in candidate.name for candidate in found)
    if not stated and tree.matching(r"(?:.*/)?(?:[^/]+[._])?test\.[jt]sx?", 1):
        found.append(implied("deno test", path, 1, 0.6))
    return found


def _scripts(tree: Tree) -> list[Candidate]:
    """A script whose name says that it runs the tests, by the interpreter that its name or first line asks for."""
    path = tree.first(*_SCRIPTS)
    if not path or not tree.text(path).strip():
        return []
    marked = tree.text(path).startswith("#!")
    text = f"python {path}" if path.endswith(".py") else f"./{path}" if marked else f"sh {path}"
    return [Candidate(text, path, 1, Origin.MANIFEST, path, certainty=0.5)]
