"""Recipes from small repositories of each ecosystem."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from runner_env.authoring.model import Recipe
from runner_env.authoring.rules import propose

PYPROJECT = """\
[project]
name = "demo"
version = "1"
[project.optional-dependencies]
docs = ["sphinx"]
test = ["pytest", "pytest-mock"]
[tool.pytest.ini_options]
addopts = "--cov=demo"
"""


def proposed(root: Path, files: Mapping[str, str]) -> Recipe:
    """The recipe for a repository with these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    recipe = propose(root)
    assert recipe is not None
    return recipe


def test_a_python_project_gets_an_environment_with_its_test_extra(tmp_path: Path) -> None:
    """Its own extra for tests, the runner, and the plugin that its configuration asks for; no documentation tools."""
    recipe = proposed(tmp_path, {"pyproject.toml": PYPROJECT, "README.md": "## Testing\n\n    uv run pytest\n"})
    commands = [step.command for step in recipe.steps]
    assert commands[0].endswith("-m venv .aider_fsm/venv")
    assert commands[1] == "python -m pip install -e '.[test]'"
    assert "pytest-cov" in commands[-1]
    assert recipe.option.command == "pytest"
    assert recipe.boot_env["PATH"].startswith(".aider_fsm/venv/bin:")


def test_tox_is_looked_into(tmp_path: Path) -> None:
    """The command that tox runs is run without it, with what tox would install."""
    ini = "[tox]\nenvlist = py\n[testenv]\ndeps =\n    pytest\n    hypothesis\ncommands = pytest {posargs:tests}\n"
    recipe = proposed(tmp_path, {"tox.ini": ini, "setup.py": "from setuptools import setup\nsetup(name='demo')\n"})
    assert recipe.option.command == "pytest tests"
    assert recipe.option.stated == "tox"
    assert "hypothesis" in recipe.steps[-1].command


def test_requirement_files_for_tests_go_before_those_for_work(tmp_path: Path) -> None:
    """`requirements-test.txt` is taken, `requirements-dev.txt` is not."""
    files = {"requirements.txt": "six\n", "requirements-test.txt": "pytest\n", "requirements-dev.txt": "ruff\n"}
    recipe = proposed(
        tmp_path, {**files, "README.md": "## Testing\n\n    python -m pytest tests\n", "tests/test_a.py": ""}
    )
    commands = [step.command for step in recipe.steps]
    assert "python -m pip install -r requirements.txt" in commands
    assert "python -m pip install -r requirements-test.txt" in commands
    assert not any("requirements-dev" in command for command in commands)
    assert recipe.option.command == "python -m pytest tests"


def test_a_lock_file_gives_the_versions(tmp_path: Path) -> None:
    """The versions of `uv.lock` are constraints; the project itself is none of them."""
    lock = (
        '[[package]]\nname = "demo"\nversion = "1"\nsource = { editable = "." }\n'
        '[[package]]\nname = "pytest"\nversion = "8.4.2"\nsource = { registry = "r" }\n'
    )
    recipe = proposed(tmp_path, {"pyproject.toml": PYPROJECT, "uv.lock": lock, "README.md": "    uv run pytest\n"})
    assert "pytest==8.4.2\n" in recipe.files[".aider_fsm/constraints.txt"]
    assert "demo" not in recipe.files[".aider_fsm/constraints.txt"]
    assert all("-c .aider_fsm/constraints.txt" in step.command for step in recipe.steps[1:])


@pytest.mark.parametrize(
    ("lock", "install"),
    [
        ("package-lock.json", "npm ci --no-audit --no-fund"),
        ("", "npm install --no-audit --no-fund --no-package-lock"),
    ],
)
def test_node_installs_as_its_lock_file_says(tmp_path: Path, lock: str, install: str) -> None:
    """`npm ci` with a lock file, `npm install` that writes none without."""
    files = {"package.json": '{"name": "demo", "scripts": {"test": "mocha"}}', **({lock: "{}"} if lock else {})}
    recipe = proposed(tmp_path, files)
    assert [step.command for step in recipe.steps] == [install]
    assert recipe.option.command == "npm test"
    assert [option.command for option in recipe.others] == ["npx mocha"]


def test_cargo_runs_every_test(tmp_path: Path) -> None:
    """A share of passed tests needs all of them: the first failing crate must not end the run."""
    files = {"Cargo.toml": '[package]\nname = "demo"\nversion = "0.1.0"\n', "README.md": "## Tests\n\n    cargo test\n"}
    recipe = proposed(tmp_path, {**files, "tests/a.rs": "#[test]\nfn a() {}\n"})
    assert recipe.option.command == "cargo test --no-fail-fast"
    assert [step.command for step in recipe.steps] == ["cargo fetch"]


def test_cmake_is_configured_and_built_in_each_run(tmp_path: Path) -> None:
    """The sources may change between runs, so the build is no part of the bootstrap."""
    lists = "cmake_minimum_required(VERSION 3.10)\nproject(demo C)\nenable_testing()\nadd_test(NAME a COMMAND a)\n"
    recipe = proposed(tmp_path, {"CMakeLists.txt": lists})
    assert recipe.builds == ("cmake -S . -B build", "cmake --build build -j 2")
    assert recipe.option.command == "ctest --test-dir build --output-on-failure"
    assert recipe.steps == ()


def test_what_is_missing_from_a_checkout_is_generated(tmp_path: Path) -> None:
    """`configure.ac` without `configure`: it is generated, run, and the program is built."""
    files = {"configure.ac": "AC_INIT\n", "Makefile.am": "TESTS = a\n", "README": "Run `make check` to test it.\n"}
    recipe = proposed(tmp_path, {**files, "README.md": "## Testing\n\n    make check\n"})
    assert recipe.builds[:2] == ("autoreconf -fi", "./configure")
    assert recipe.builds[2].split()[0] == "make"


def test_nothing_stated_nothing_proposed(tmp_path: Path) -> None:
    """A repository without commands gets no contract."""
    (tmp_path / "notes.txt").write_text("hello\n", encoding="utf-8")
    assert propose(tmp_path) is None


def test_tox_called_with_options_is_looked_into_too(tmp_path: Path) -> None:
    """`uvx … tox -p auto` runs what `[testenv]` runs, with the checkout in the place of the installed package."""
    ini = (
        "[tox]\nenvlist = py39,py310\n[testenv]\nchangedir = .tox\n"
        "commands = pytest --doctest-modules {env_site_packages_dir}/demo {tox_root}/tests {posargs}\n"
    )
    files = {
        "README.md": "## Testing\n\n    uvx --with tox-uv tox -p auto\n",
        "tox.ini": ini,
        "src/demo/__init__.py": "",
        "tests/test_a.py": "def test_a(): pass\n",
        "pyproject.toml": '[project]\nname = "demo"\nversion = "1"\n',
    }
    assert proposed(tmp_path, files).option.command == "pytest --doctest-modules src/demo ./tests"


def test_what_manifests_imply_comes_after_what_is_stated(tmp_path: Path) -> None:
    """A `make test` that only prints is tried first; the tests of CMake are there for where it gives no score."""
    lists = "cmake_minimum_required(VERSION 3.10)\nproject(demo C)\nenable_testing()\nadd_test(NAME a COMMAND a)\n"
    recipe = proposed(tmp_path, {"CMakeLists.txt": lists, "Makefile": "test: demo\n\t./demo_test\n"})
    assert recipe.option.command == "make test"
    assert [option.command for option in recipe.others] == ["ctest --test-dir build --output-on-failure"]


def test_a_shipped_configure_is_not_generated_again(tmp_path: Path) -> None:
    """The tools that would generate it may be missing here, and could only spoil it."""
    files = {"configure": "#!/bin/sh\n", "configure.ac": "AC_INIT\n", "bootstrap": "#!/bin/sh\n"}
    ci = "script:\n  - ./bootstrap\n  - ./configure\n  - make\n  - make check\n"
    recipe = proposed(tmp_path, {**files, "Makefile.am": "TESTS = a\n", ".travis.yml": ci})
    assert recipe.builds == ("./configure", "make")


def test_a_separator_of_tox_is_filled_in(tmp_path: Path) -> None:
    """`{:}` and `{/}` are the machine's separators; they name no entry."""
    ini = "[testenv]\nsetenv = A = {toxinidir}{:}b{/}c\ncommands = pytest tests\n"
    recipe = proposed(tmp_path, {"tox.ini": ini, "setup.py": "from setuptools import setup\nsetup()\n"})
    assert (recipe.option.command, recipe.option.env["A"]) == ("pytest tests", ".:b/c")


def test_what_configure_makes_can_be_tested(tmp_path: Path) -> None:
    """Where `CMakeLists.txt` states tests, those of the Makefile that `configure` makes are there if it gives none."""
    lists = "cmake_minimum_required(VERSION 3.10)\nproject(demo C)\nenable_testing()\nadd_test(NAME a COMMAND a)\n"
    makefile = "all: demo\ntest: all\n\t./demo\ncheck: test\n"
    recipe = proposed(tmp_path, {"CMakeLists.txt": lists, "configure": "#!/bin/sh\n", "Makefile.in": makefile})
    assert (recipe.others[-1].command, recipe.others[-1].source) == ("make check", "Makefile.in:4")


def test_a_makefile_that_only_says_to_configure_is_made_by_configure(tmp_path: Path) -> None:
    """A `Makefile` shipped beside `configure` and `Makefile.in` is not yet the real one."""
    files = {
        "configure": "#!/bin/sh\n",
        "Makefile.in": "test: all\n\t./demo\n",
        "Makefile": "all:\n\t@echo configure\n",
    }
    recipe = proposed(tmp_path, {**files, "README": "To test:\n\n    make test\n"})
    assert (recipe.option.command, recipe.builds) == ("make test", ("./configure", "make -j2"))


def test_of_several_test_commands_the_one_of_the_whole_suite_is_run(tmp_path: Path) -> None:
    """The examples of the documentation come first in many a tox.ini; their score is not that of the tests."""
    commands = ("pytest README.rst", "pytest --doctest-modules src", "pytest -m slow", "pytest --tb=short")
    ini = "\n  ".join(("[testenv]\ncommands =", *commands)) + "\n"
    recipe = proposed(tmp_path, {"tox.ini": ini, "setup.py": "from setuptools import setup\nsetup()\n"})
    assert recipe.option.command == "pytest --tb=short"


def test_tox_without_its_commands_runs_for_this_python_alone(tmp_path: Path) -> None:
    """Where what tox runs gives no score, tox itself is tried, without its checks, documents and other Pythons."""
    ini = "[tox]\nenvlist = py39,py310,docs\n[testenv]\ndeps = pytest\ncommands = pytest tests\n"
    recipe = proposed(tmp_path, {"tox.ini": ini, "setup.py": "from setuptools import setup\nsetup()\n"})
    assert [recipe.option.command, *(option.command for option in recipe.others)][:2] == ["pytest tests", "tox -e py"]


@pytest.mark.parametrize(
    ("installed", "interpreter"), [("3.12.1", "PYENV_VERSION=3.12 python3.12"), ("3.13.0", '"$AIDER_FSM_PYTHON"')]
)
def test_a_python_that_pyenv_keeps(
    installed: str, interpreter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of pyenv there is a program for every version on the PATH; which one works is chosen by a variable."""
    for place in ("shims/python3.12", f"versions/{installed}/bin/python{installed[:4]}"):
        path = tmp_path / "pyenv" / place
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n", encoding="utf-8")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "pyenv/shims"))
    monkeypatch.setattr("runner_env.authoring.python.sys.version_info", (3, 11, 0))
    needs = '[project]\nname = "demo"\nversion = "1"\nrequires-python = "==3.12.*"\n'
    recipe = proposed(tmp_path / "repo", {"pyproject.toml": needs, "README.md": "## Testing\n\n    pytest\n"})
    assert f"|| {interpreter} -m venv" in recipe.steps[0].command
