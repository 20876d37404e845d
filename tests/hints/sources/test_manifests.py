"""What manifests imply, and what lies outside a repository's own files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.table import find

Repository = Callable[[Mapping[str, str]], list[Candidate]]

CASES: dict[str, tuple[dict[str, str], list[str]]] = {
    "cargo": ({"Cargo.toml": "[package]\n", "src/lib.rs": "#[cfg(test)]\nmod t {}\n"}, ["cargo test"]),
    "cargo workspace": (
        {"Cargo.toml": "[package]\n[workspace]\nmembers=['a']\n", "a/tests/x.rs": "", "benches/b.rs": ""},
        ["cargo test --workspace", "cargo bench"],
    ),
    "cargo without tests": ({"Cargo.toml": "[package]\n", "src/lib.rs": "fn a() {}\n"}, []),
    "go": (
        {"go.mod": "module x\n", "a/a_test.go": "func TestA(t *testing.T) {}\nfunc BenchmarkA(b *testing.B) {}\n"},
        ["go test ./...", "go test -bench=. ./..."],
    ),
    "go without tests": ({"go.mod": "module x\n", "a.go": "func TestA() {}\n"}, []),
    "cmake": (
        {
            "CMakeLists.txt": 'option(X_BUILD_TESTS "t" OFF)\noption(X_FUZZ_TESTS "t" OFF)\nenable_testing()\n',
            "test/CMakeLists.txt": "add_test(NAME a COMMAND a)\n",
        },
        ["ctest --test-dir build --output-on-failure"],
    ),
    "cmake without tests": ({"CMakeLists.txt": "project(x)\n# add_test(x)\n"}, []),
    "meson": ({"meson.build": "project('x')\n", "t/meson.build": "test('a', e)\n"}, ["meson test -C build"]),
    "autotools": ({"configure.ac": "", "tests/Makefile.am": "TESTS = a\n"}, ["make check"]),
    "autotools without tests": ({"configure.ac": "", "Makefile.am": "check_PROGRAMS = fuzz\n"}, []),
    "maven": ({"pom.xml": "<project/>", "src/test/java/a/ATest.java": ""}, ["mvn test"]),
    "maven wrapper": ({"pom.xml": "<project/>", "mvnw": "", "core/src/test/java/a/ATest.java": ""}, ["./mvnw test"]),
    "maven without tests": ({"pom.xml": "<project/>", "src/main/java/a/A.java": ""}, []),
    "gradle": ({"build.gradle.kts": "plugins {}", "gradlew": "", "src/test/kotlin/a.kt": ""}, ["./gradlew test"]),
    "sbt": ({"build.sbt": "", "src/test/scala/a/ASpec.scala": ""}, ["sbt test"]),
    "rspec": ({"Gemfile": "", ".rspec": "", "spec/a_spec.rb": ""}, ["bundle exec rspec"]),
    "phpunit": ({"phpunit.xml.dist": "<testsuites/>", "tests/ATest.php": ""}, ["vendor/bin/phpunit"]),
    "dotnet": (
        {"a.sln": "", "src/a.csproj": "<Project/>", "test/b.csproj": '<PackageReference Include="xunit"/>'},
        ["dotnet test"],
    ),
    "dotnet without tests": ({"a.sln": "", "src/a.csproj": "<Project/>"}, []),
    "bats": ({"test/a.bats": "", "test/sub/b.bats": ""}, ["bats -r test"]),
    "mix": ({"mix.exs": "", "test/a_test.exs": ""}, ["mix test"]),
    "swift": ({"Package.swift": "", "Tests/XTests/a.swift": ""}, ["swift test"]),
    "stack": ({"stack.yaml": "", "x.cabal": "test-suite a\n", "test/Spec.hs": ""}, ["stack test"]),
    "cabal": ({"x.cabal": "name: x\ntest-suite a\n", "test/Spec.hs": ""}, ["cabal test"]),
    "dart": ({"pubspec.yaml": "name: x\n", "test/a_test.dart": ""}, ["dart test"]),
    "flutter": (
        {"pubspec.yaml": "dependencies:\n  flutter:\n    sdk: flutter\n", "test/a_test.dart": ""},
        ["flutter test"],
    ),
    "perl": ({"Makefile.PL": "", "t/a.t": ""}, ["prove -lr t"]),
    "perl with C": ({"Makefile.PL": "", "x.xs": "", "t/a.t": ""}, ["make test"]),
    "r": ({"DESCRIPTION": "Package: x\n", "tests/testthat/test-a.R": ""}, ["Rscript -e 'devtools::test()'"]),
    "dune": ({"dune-project": "", "test/dune": ""}, ["dune runtest"]),
    "crystal": ({"shard.yml": "", "spec/a_spec.cr": ""}, ["crystal spec"]),
    "erlang": ({"rebar.config": "", "test/a_SUITE.erl": "", "test/b_tests.erl": ""}, ["rebar3 ct"]),
    "julia": ({"Project.toml": "", "test/runtests.jl": ""}, ["julia --project -e 'using Pkg; Pkg.test()'"]),
    "script": ({"script/test": "#!/bin/sh\nprove\n"}, ["./script/test"]),
    "script without a first line": ({"run_tests.sh": "prove\n"}, ["sh run_tests.sh"]),
    "nested": ({"rust/Cargo.toml": "[package]\n", "rust/tests/a.rs": ""}, ["cargo test"]),
    "foreign": (
        {"third_party/x/go.mod": "module x\n", "third_party/x/a_test.go": "func TestA(t *T) {}\n", "vendor/b.bats": ""},
        [],
    ),
    "nothing": ({"README.md": "text", "Dockerfile": "RUN make test\n"}, []),
}


@pytest.mark.parametrize("name", CASES)
def test_a_manifest_implies_a_command_only_with_tests(found: Repository, name: str) -> None:
    """Each ecosystem's own way, below full certainty; nothing stated and no tests: nothing returned."""
    files, expected = CASES[name]
    implied = found(files)
    assert [candidate.text for candidate in implied] == expected
    assert all(candidate.origin is Origin.MANIFEST and candidate.certainty < 1 for candidate in implied)


def test_what_has_to_be_built_first_is_stated_apart(found: Repository) -> None:
    """CMake with the options that switch the tests on, autotools with their generator; nested ones in their folder."""
    cmake = found(CASES["cmake"][0])[0]
    assert cmake.before == ("cmake -S . -B build -DX_BUILD_TESTS=ON", "cmake --build build")
    assert (cmake.path, cmake.line) == ("CMakeLists.txt", 3)


def test_autotools_are_generated_first(found: Repository) -> None:
    """`autoreconf` where there is no `configure` yet."""
    assert found(CASES["autotools"][0])[0].before == ("autoreconf -fi", "./configure", "make")


def test_a_nested_project_is_run_in_its_folder(found: Repository) -> None:
    """The shallowest manifest, if the root has none."""
    assert found(CASES["nested"][0])[0].workdir == "rust"


def test_links_that_lead_outside_are_never_read(tmp_path: Path) -> None:
    """A linked file outside states nothing, a linked folder is not walked; a link within the repository is read."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    (outside / "tests").mkdir(parents=True)
    root.mkdir()
    (outside / "Makefile").write_text("test:\n\techo out\n", "utf-8")
    (root / "real.mk").write_text("test:\n\techo in\n", "utf-8")
    (root / "makefile").symlink_to(outside / "Makefile")
    (root / "tests").symlink_to(outside / "tests")
    assert find(root) == []
    (root / "makefile").unlink()
    (root / "makefile").symlink_to("real.mk")
    assert [candidate.resolved for candidate in find(root)] == [("echo in",)]


def test_files_that_are_none_do_not_block(tmp_path: Path) -> None:
    """A FIFO, a folder and undecodable bytes in place of files that sources read."""
    os.mkfifo(tmp_path / "Makefile")
    (tmp_path / "package.json").mkdir()
    (tmp_path / "tox.ini").write_bytes(b"\xff\xfe\x00[testenv]\ncommands = \x80")
    (tmp_path / "pyproject.toml").write_bytes(b"[tool.poe\x80")
    assert find(tmp_path) == []


HOSTILE = {
    ".github/actions/a/action.yml": "runs:\n  using: composite\n  steps:\n" + "  - uses: ./.github/actions/a\n" * 300,
    ".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n" + "    - uses: ./.github/actions/a\n" * 300,
    ".gitlab-ci.yml": "a:\n  script:\n"
    + "  - !reference [a, script]\n" * 300
    + "b:\n  extends: [b, b, b]\n  script: x\n",
    ".circleci/config.yml": "commands:\n  c:\n    steps:\n" + "    - c\n" * 300 + "jobs: {j: {steps: [c]}}\n",
    "azure-pipelines.yml": "steps:\n" + "- template: azure-pipelines.yml\n" * 300,
    "tox.ini": "[testenv]\ncommands =\n" + "  {[testenv]commands}\n" * 300 + "  {[a]b}\n[a]\nb = " + "{[a]b}" * 300,
    "Makefile": "A = $(A)$(A)\nB = "
    + "$(B)" * 500
    + "\nt: "
    + "t " * 500
    + "\n\t$(A) $(B)\n"
    + "\tx"
    + " " * 50_000
    + ":\n",
    "package.json": '{"scripts": {"a": "'
    + "npm run a && npm run b && " * 200
    + 'x", "b": "'
    + "npm run a && " * 200
    + 'y"}}',
    "pyproject.toml": "[tool.poe.tasks]\na = [" + '"a", "b", ' * 200 + "]\nb = [" + '"a", "b", ' * 200 + "]\n",
    "composer.json": '{"scripts": {"a": [' + '"@b", ' * 200 + '"x"], "b": [' + '"@a", ' * 200 + '"y"]}}',
    "noxfile.py": "import nox\n@nox.session\ndef a(session):\n"
    + "    a(session); b(session)\n" * 50
    + "def b(session):\n"
    + "    a(session); b(session)\n" * 50,
    "justfile": "a: " + "a b " * 200 + "\n  x\nb: " + "a b " * 200 + "\n  {{x}}\n",
    "Rakefile": "task :a => [" + ":a, :b, " * 200 + ":b]\ntask :b => :a\n" + "desc 'x" + " " * 20_000 + "\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_repeats_itself_comes_to_an_end(found: Repository, name: str) -> None:
    """Each kind of file with references in circles and in ever growing numbers; a bound that only a blow-up breaks."""
    begun = time.monotonic()
    found({".github/actions/a/action.yml": HOSTILE[".github/actions/a/action.yml"], name: HOSTILE[name]})
    assert time.monotonic() - begun < 20
