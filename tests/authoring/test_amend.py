"""Recipes changed by what their run said."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner_env.authoring.amend import Said, amended, incomplete
from runner_env.authoring.model import Option, Recipe, Step

VENV = Step("test -x .aider_fsm/venv/bin/python || python3 -m venv .aider_fsm/venv")
LENIENT = "npm install typescript@latest --legacy-peer-deps"
OPTION = Option("pytest", "pytest", "README.md:3", "pytest")


def _after(recipe: Recipe, root: Path, said: Said) -> Recipe:
    new = amended(recipe, root, said)
    assert new is not None
    return new


@pytest.mark.parametrize(
    ("output", "package"),
    [
        ("E   ModuleNotFoundError: No module named 'yaml'", "PyYAML"),
        ("E       fixture 'mocker' not found", "pytest-mock"),
        ("pytest: error: unrecognized arguments: --cov=demo --cov-report=xml", "pytest-cov"),
        ("async def functions are not natively supported.", "pytest-asyncio"),
        ("ERROR: Missing required plugins: pytest-timeout", "pytest-timeout"),
        ("ImportError: cannot import name 'notset' from '_pytest.monkeypatch'", "pytest<9"),
    ],
)
def test_what_was_missing_is_installed(tmp_path: Path, output: str, package: str) -> None:
    """Modules, fixtures, options and plugins, each by the package that brings it."""
    new = _after(Recipe(OPTION, (VENV,)), tmp_path, Said("evaluation", "pytest", output))
    assert package in new.steps[-1].command


def test_a_module_of_the_repository_is_imported_not_installed(tmp_path: Path) -> None:
    """No package of the same name is fetched from anywhere."""
    (tmp_path / "demo.py").write_text("", encoding="utf-8")
    said = Said("evaluation", "pytest", "ModuleNotFoundError: No module named 'demo'")
    new = _after(Recipe(OPTION, (VENV,)), tmp_path, said)
    assert new.option.command == "python -m pytest"
    assert new.steps == (VENV,)


def test_nothing_is_tried_twice(tmp_path: Path) -> None:
    """A module that is missing after its package was installed is not installed again."""
    said = Said("evaluation", "pytest", "ModuleNotFoundError: No module named 'yaml'", scored=True)
    once = _after(Recipe(OPTION, (VENV,)), tmp_path, said)
    assert amended(once, tmp_path, said) is None


def test_a_score_is_left_alone_where_nothing_was_missing(tmp_path: Path) -> None:
    """Failed tests are the repository's own."""
    assert amended(Recipe(OPTION, (VENV,)), tmp_path, Said("evaluation", "pytest", "1 failed", scored=True)) is None


def test_installs_become_more_modest(tmp_path: Path) -> None:
    """An extra that cannot be had is left out, then the editable form, then the project."""
    step = Step("python -m pip install -e '.[test]'")
    recipe = Recipe(OPTION, (VENV, step))
    seen = []
    for _ in range(4):
        at = recipe.steps[1].command if len(recipe.steps) > 1 else ""
        new = amended(recipe, tmp_path, Said("bootstrap", at, "error"))
        if new is None:
            break
        recipe = new
        seen.append(recipe.steps[1].command if len(recipe.steps) > 1 else "")
    assert seen == [
        "python -m pip install -e .",
        "python -m pip install .",
        "python -m pip install . --no-build-isolation",
        "",
    ]


def test_an_unknown_package_is_left_out(tmp_path: Path) -> None:
    """The one that pip names, not the others."""
    step = Step("python -m pip install good bad")
    said = Said("bootstrap", step.command, "ERROR: No matching distribution found for bad")
    assert _after(Recipe(OPTION, (VENV, step)), tmp_path, said).steps[1].command == "python -m pip install good"


def test_pins_that_cannot_be_had_are_loosened(tmp_path: Path) -> None:
    """A requirement file becomes the names in it."""
    (tmp_path / "dev.txt").write_text(
        "# all\nold==0.1\nother>=2 ; python_version < '3.9'\n-r more.txt\n", encoding="utf-8"
    )
    step = Step("python -m pip install -r dev.txt")
    new = _after(Recipe(OPTION, (VENV, step)), tmp_path, Said("bootstrap", step.command, "error"))
    assert new.steps[1].command == "python -m pip install old other"


@pytest.mark.parametrize(
    ("command", "output", "next_command"),
    [
        ("npm ci --no-audit --no-fund", "", "npm install --no-audit --no-fund --no-package-lock"),
        ("npm install --no-audit", "ERESOLVE could not resolve", "npm install --no-audit --legacy-peer-deps"),
        ("npm install --no-audit", "node-gyp failed", "npm install --no-audit --ignore-scripts"),
        (
            "npm install --no-audit",
            "npm error notarget No matching version found for typescript@next.",
            "npm install --no-audit --no-save typescript@latest",
        ),
        ("npm install typescript@latest", "No matching version found for typescript@next.", LENIENT),
        ("pnpm install --frozen-lockfile", "", "pnpm install --no-frozen-lockfile"),
    ],
)
def test_node_installs_become_more_lenient(tmp_path: Path, command: str, output: str, next_command: str) -> None:
    """A lock file that does not fit, peers that disagree, scripts that do not build, a version that is no more."""
    recipe = Recipe(Option("npm test", "mocha", "package.json:3", "npm test"), (Step(command),))
    assert _after(recipe, tmp_path, Said("bootstrap", command, output)).steps[0].command == next_command


def test_a_build_that_was_not_made_is_made(tmp_path: Path) -> None:
    """Node tests that look for `dist` get `npm run build` before them."""
    (tmp_path / "package.json").write_text('{"name": "demo", "scripts": {"build": "tsc"}}', encoding="utf-8")
    recipe = Recipe(Option("npm test", "mocha", "package.json:3", "npm test"))
    said = Said("evaluation", "npm test", "Error: Cannot find module '../dist/index.js'")
    assert _after(recipe, tmp_path, said).builds == ("npm run build",)


def test_tests_that_a_linter_kept_from_running_are_run_without_it(tmp_path: Path) -> None:
    """What npm runs before a script is left out where the run ended there, and not where the tests themselves ended."""
    scripts = '{"scripts": {"pretest": "eslint .", "test": "tape test"}}'
    (tmp_path / "package.json").write_text(scripts, encoding="utf-8")
    recipe = Recipe(Option("npm test", "tape", "package.json:3", "npm test"))
    ended = "\n> demo@1.0.0 pretest\n> eslint .\n\nsh: 1: eslint: not found\n"
    new = _after(recipe, tmp_path, Said("evaluation", "npm test", ended))
    assert (new.option.command, new.amended) == ("npm test --ignore-scripts", ("without pretest",))
    tested = f"{ended}\n> demo@1.0.0 test\n> tape test\n"
    assert amended(recipe, tmp_path, Said("evaluation", "npm test", tested)) is None


def test_workers_that_find_different_tests_give_way_to_one_process(tmp_path: Path) -> None:
    """Tests in the order of a set cannot be shared out; they can be run."""
    recipe = Recipe(Option("pytest -n auto --dist loadfile tests", "pytest", "tox.ini:3", "tox"), (VENV,))
    said = Said("evaluation", recipe.option.command, "Different tests were collected between gw1 and gw0.")
    assert _after(recipe, tmp_path, said).option.command == "pytest tests -n 0"


def test_the_next_stated_command_is_tried(tmp_path: Path) -> None:
    """Where nothing is known to be missing, another official command may do."""
    other = Option("make check", "make", "README.md:9", "make check")
    new = _after(Recipe(OPTION, (), others=(other,)), tmp_path, Said("evaluation", "pytest", "what?"))
    assert new.option.command == "make check"


@pytest.mark.parametrize(
    ("output", "lacks"),
    [
        ("Can't locate HTTP/Status.pm in @INC (you may need to install the HTTP::Status module)", "HTTP/Status.pm"),
        ("#     Error:  Can't locate URI/Escape.pm in @INC", "URI/Escape.pm"),
        ("LoadError: cannot load such file -- nokogiri", "nokogiri"),
        ("Can't locate t/lib/Own.pm in @INC", None),
        ("# Can't locate Optional.pm in @INC, so nothing is compared", None),
    ],
)
def test_a_score_without_the_libraries_that_tests_need_is_none(tmp_path: Path, output: str, lacks: str | None) -> None:
    """Tests that could not begin for want of a library of Perl or Ruby say nothing about the repository."""
    (tmp_path / "t/lib").mkdir(parents=True)
    (tmp_path / "t/lib/Own.pm").write_text("1;\n", encoding="utf-8")
    assert incomplete(Recipe(OPTION), tmp_path, output) == ((lacks,) if lacks else ())


def test_perl_finds_what_lies_at_the_top(tmp_path: Path) -> None:
    """Test libraries that are named from the top are found, as they were before Perl 5.26."""
    (tmp_path / "xt").mkdir()
    (tmp_path / "xt/Run.pm").write_text("1;\n", encoding="utf-8")
    said = Said("evaluation", "prove -lr xt", "Can't locate xt/Run.pm in @INC (you may need to install xt::Run)")
    assert _after(Recipe(OPTION), tmp_path, said).boot_env["PERL_USE_UNSAFE_INC"] == "1"


def test_a_package_of_node_that_cannot_be_had_makes_a_score_none(tmp_path: Path) -> None:
    """It was asked for and left out, and the tests still miss it."""
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    output = "Error: Cannot find module 'tape'"
    recipe = _after(Recipe(OPTION), tmp_path, Said("evaluation", "npm test", output))
    for _ in range(3):
        recipe = _after(recipe, tmp_path, Said("bootstrap", recipe.steps[-1].command, "npm ERR! 404"))
        if not recipe.steps:
            break
    assert recipe.steps == ()
    assert incomplete(recipe, tmp_path, output) == ("tape",)
