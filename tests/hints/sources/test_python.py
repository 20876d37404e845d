"""Python: tox, nox, tasks in pyproject.toml, and what tests imply."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources import tox

Repository = Callable[[Mapping[str, str]], list[Candidate]]


def resolved(candidates: list[Candidate]) -> dict[str, tuple[str, ...]]:
    """What each candidate finally runs."""
    return {candidate.text: candidate.resolved for candidate in candidates}


TOX = """
    [tox]
    envlist = py{39,310}-{a,b}, lint, cov
    [base]
    paths = src tests
    [testenv]
    description = run the tests
    setenv =
        COVERAGE_FILE = {toxworkdir}/c
        LEVEL = 1
    commands_pre = python -m pip check
    commands =
        py39: {envpython} old.py
        pytest {posargs:{[base]paths}} \\
            --basetemp={envtmpdir}
        - coverage report
    [testenv:lint]
    commands = flake8 {[base]paths}
    [testenv:cov]
    changedir = docs
    commands =
        {[testenv]commands}
        cov {env:X:y}
    [testenv:empty]
    deps = x
"""


def test_tox_ini_is_resolved(found: Repository) -> None:
    """Substitutions, factors, continuation lines, other sections, working folders, marks that forgive a failure."""
    environments = {candidate.text: candidate for candidate in found({"tox.ini": TOX})}
    own = ("python -m pip check", "pytest src tests --basetemp=.tox/tmp", "coverage report")
    assert resolved(list(environments.values())) == {
        "tox": (own[0], "python old.py", *own[1:]),
        "tox -e lint": (own[0], "flake8 src tests"),
        "tox -e cov": ("cd docs", *own, "cov y"),
        "tox -e empty": own,
    }
    assert (environments["tox"].line, environments["tox -e lint"].line) == (11, 17)
    assert environments["tox"].env == {"LEVEL": "1"}
    assert environments["tox"].runner == "tox"


def test_tox_inside_pyproject_in_both_forms(found: Repository) -> None:
    """`legacy_tox_ini` keeps its lines; native commands are words, with references and posargs."""
    text = """
        [tool.tox]
        requires = ["tox>=4"]
        [tool.tox.env_run_base]
        commands = [["pytest", "-m", "not slow", {replace = "posargs", default = ["tests"], extend = true}]]
        [tool.tox.env.types]
        description = "check types"
        commands = [{replace = "ref", of = ["env_run_base", "commands"], extend = true}, ["mypy", "{tox_root}"]]
    """
    native = {candidate.text: candidate for candidate in found({"pyproject.toml": text})}
    assert native["tox"].resolved == ("pytest -m 'not slow' tests",)
    assert native["tox -e types"].resolved == ("pytest -m 'not slow' tests", "mypy .")
    assert (native["tox"].line, native["tox -e types"].line, native["tox -e types"].context) == (4, 7, "check types")
    legacy = found({"pyproject.toml": '[tool.tox]\nlegacy_tox_ini = """\n[testenv]\ncommands = pytest\n"""\n'})
    assert [(candidate.text, candidate.line) for candidate in legacy] == [("tox", 4)]


def test_environment_lists_expand() -> None:
    """Braces multiply, ranges count."""
    assert tox.expand("py{39,310}-{a,b}, lint\nx{1-3}") == [
        "py39-a", "py39-b", "py310-a", "py310-b", "lint", "x1", "x2", "x3",
    ]  # fmt: skip


def test_nox_sessions_are_read_and_never_run(found: Repository) -> None:
    """Names, constants, lists, f-strings, parameters, helpers of the same file; the file's code has no effect."""
    text = '''
        import nox
        open("ran", "w")
        PATHS = ["src", "tests"]

        def helper(session, level):
            session.run("pytest", "-x", *session.posargs)

        @nox.session(name="unit tests", python=["3.9"])
        @nox.parametrize("django", ["4.2", "5.0"])
        def unit(session, django):
            """Run the tests.

            More.
            """
            session.install(f"django=={django}")
            session.run("coverage", "run", f"--tag={django}", "-m", "pytest", *PATHS, env={"A": "1"})
            helper(session, 2)

        @nox.session
        def lint(session):
            args = session.posargs or ["src"]
            session.run("ruff", "check", *args)

        def none(session):
            session.run("nope")
    '''
    sessions = {candidate.text: candidate for candidate in found({"noxfile.py": text})}
    assert resolved(list(sessions.values())) == {
        "nox -s unit tests": ("coverage run --tag=4.2 -m pytest src tests", "pytest -x"),
        "nox -s lint": ("ruff check src",),
    }
    unit = sessions["nox -s unit tests"]
    assert (unit.context, unit.env, unit.runner) == ("Run the tests.", {"A": "1"}, "nox")


def test_tasks_of_project_managers(found: Repository) -> None:
    """hatch, poe, taskipy, pdm and pixi, tasks that name tasks followed, cycles ended."""
    text = """
        [tool.hatch.envs.default.scripts]
        test = "pytest {args:tests}"
        cov = ["test --cov", "coverage report"]
        [tool.hatch.envs.extra.scripts]
        all = "cov"
        [tool.poe.tasks]
        unit = "pytest -q"
        _hidden = "no"
        both = ["unit", "loop"]
        loop = { sequence = ["both"] }
        [tool.poe.tasks.shelled]
        help = "in a shell"
        shell = "make | tee x"
        [tool.taskipy.tasks]
        test = "task unit"
        unit = { cmd = "pytest u", help = "h" }
        [tool.pdm.scripts]
        bench = { composite = ["one", "python b.py"] }
        one = { cmd = ["python", "-m", "my tests"] }
        called = { call = "pkg.run:main" }
        [tool.pixi.tasks]
        t = { cmd = "pytest p", depends-on = ["prepare"] }
        prepare = "make prepare"
    """
    tasks = found({"pyproject.toml": text})
    assert resolved(tasks) == {
        "hatch run test": ("pytest tests",),
        "hatch run cov": ("pytest tests --cov", "coverage report"),
        "hatch run extra:all": ("pytest tests --cov", "coverage report"),
        "poe unit": ("pytest -q",),
        "poe both": ("pytest -q",),
        "poe loop": ("pytest -q",),
        "poe shelled": ("make | tee x",),
        "task test": ("pytest u",),
        "task unit": ("pytest u",),
        "pdm run bench": ("python -m 'my tests'", "python b.py"),
        "pdm run one": ("python -m 'my tests'",),
        "pdm run called": ("python -c 'import pkg.run; pkg.run.main()'",),
        "pixi run t": ("make prepare", "pytest p"),
        "pixi run prepare": ("make prepare",),
    }
    lines = {task.text: task.line for task in tasks}
    assert (lines["hatch run cov"], lines["poe unit"], lines["poe shelled"], lines["task unit"]) == (3, 7, 11, 16)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": "[tool.pytest.ini_options]\n", "tests/test_a.py": "def test_a(): ...\n"}, "pytest"),
        ({"requirements-dev.txt": "x\npytest>=7\n", "tests/test_a.py": "def test_a(): ...\n"}, "pytest"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n", "src/a.py": "\n"}, None),
        (
            {"tests/test_a.py": "import unittest\nclass A(unittest.TestCase): ...\n"},
            "python -m unittest discover -s tests",
        ),
        (
            {"tests/__init__.py": "", "tests/test_a.py": "import unittest\n"},
            "python -m unittest discover",
        ),
        ({"manage.py": "import django\n", "app/tests.py": "import django.test\n"}, "python manage.py test"),
        ({"setup.py": "setup(\n  test_suite='tests')\n", "tests/test_a.py": "x = 1\n"}, "python setup.py test"),
        ({"README.md": "a library\n", "lib/a.py": "x = 1\n"}, None),
        ({"vendor/other/tests/test_a.py": "import pytest\n", "a.py": ""}, None),
    ],
)
def test_tests_imply_their_runner_only_where_they_exist(
    found: Repository, files: Mapping[str, str], expected: str | None
) -> None:
    """Nothing stated and no tests: nothing returned; another project's tests are not this one's."""
    implied = found(files)
    assert [candidate.text for candidate in implied] == ([expected] if expected else [])
    assert all(candidate.origin is Origin.MANIFEST and candidate.certainty < 1 for candidate in implied)


def test_invoke_tasks(found: Repository) -> None:
    """Commands that are written out, underscores as dashes; functions that are no tasks are none."""
    text = '''
        from invoke import task
        @task(help={"x": "y"})
        def run_tests(c):
            """Run the tests."""
            c.run("pytest -q")
            c.run(f"{c} x")
        def other(c):
            c.run("nope")
    '''
    tasks = found({"tasks.py": text})
    assert [(task.text, task.resolved, task.line, task.context) for task in tasks] == [
        ("invoke run-tests", ("pytest -q",), 3, "Run the tests.")
    ]
