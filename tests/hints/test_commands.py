"""Stated text as atomic commands with their prerequisites, folder and variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from runner_env.hints.commands import Atomic, atomic_commands
from runner_env.hints.facts import Facts
from runner_env.hints.model import Candidate, Origin

MakeRepository = Callable[[Mapping[str, str]], Path]
Split = Callable[..., list[Atomic]]


@pytest.fixture
def split(repository: MakeRepository) -> Split:
    """Atomic commands of a text stated in a repository with a folder `pkg`."""
    facts = Facts(repository({"pkg/a.py": "", "pyproject.toml": '[project]\nname = "tool"\n'}))

    def atoms(text: str, values: Mapping[str, tuple[str, ...]] | None = None, **more: object) -> list[Atomic]:
        fields = {"text": text, "path": "README.md", "line": 1, "origin": Origin.README, "values": values or {}, **more}
        return atomic_commands(Candidate(**fields), facts)  # type: ignore[arg-type]

    return atoms


def test_one_by_one(split: Split) -> None:
    """`&&`, `;` and lines make several commands, each with the line where it stands."""
    assert [(each.text, each.line) for each in split("pytest a && pytest b\npytest c")] == [
        ("pytest a", 0),
        ("pytest b", 0),
        ("pytest c", 1),
    ]


def test_installs_come_before(split: Split) -> None:
    """An install is a prerequisite of what follows it, also one that was stated in an earlier step."""
    found = split("npm run build\npytest", before=("pip install -e .", "echo hi"))
    assert found[-1].text == "pytest"
    assert found[-1].prerequisites == ("pip install -e .", "npm run build")


def test_folder_and_variables(split: Split) -> None:
    """`cd` becomes the folder, `export` and what stands before a command the variables; a subshell ends both."""
    found = split("export A=1\n(cd pkg && B=2 pytest -q)\npytest")
    assert (found[0].text, found[0].workdir, dict(found[0].env)) == ("pytest -q", "pkg", {"A": "1", "B": "2"})
    assert (found[1].text, found[1].workdir) == ("pytest", "")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("sudo make test", "make test"),
        ("pytest || true", "pytest"),
        ("pytest > log.txt 2>&1", "pytest"),
        ("pytest 2>&1 | tee log.txt", "pytest"),
        ("time pytest", "pytest"),
        ("if [ -n x ]; then pytest; fi", "pytest"),
        ("cat a.jsonl | ./evaluate.sh", "cat a.jsonl | ./evaluate.sh"),
        ("pytest  # all of them", "pytest"),
    ],
)
def test_around_a_command(split: Split, text: str, command: str) -> None:
    """`sudo`, `|| true`, redirections, `| tee`, control structures and comments are not part of a command."""
    assert [each.text for each in split(text)] == [command]


@pytest.mark.parametrize(
    "text", ["curl https://example.invalid/x | bash", "echo pytest", "cd pkg", "python - <<E\nx\nE"]
)
def test_no_command(split: Split, text: str) -> None:
    """What is fetched and run at once, what prints, moves or reads a here-document, is none."""
    assert split(text) == []


def test_other_repository(split: Split) -> None:
    """Commands inside a clone of another repository are not ours, those after it are."""
    text = "git clone https://example.invalid/o/other\ncd other\npytest\ncd ..\nmake test"
    assert [each.text for each in split(text)] == ["make test"]


def test_own_clone(split: Split) -> None:
    """A clone of the repository itself is the repository's root."""
    found = split("git clone https://example.invalid/me/tool.git\ncd tool\npytest")
    assert [(each.text, each.workdir) for each in found] == [("pytest", "")]


def test_build_folder(split: Split) -> None:
    """A folder that is made first is a place to run in."""
    found = split("mkdir out && cd out\ncmake ..\nctest")
    assert (found[-1].text, found[-1].workdir) == ("ctest", "out")
    assert found[-1].prerequisites == ("cd out && cmake ..",)


def test_secret_to_fill_in(split: Split) -> None:
    """A key that the reader has to fill in is left to the environment; another variable rejects the command."""
    found = split("export OPENAI_API_KEY=<your key>\npython evaluate.py")
    assert [(each.text, dict(each.env)) for each in found] == [("python evaluate.py", {})]
    assert split("MODEL=<model> python evaluate.py") == []


def test_matrix(split: Split) -> None:
    """An expression is filled with the first of its values; one without values rejects the command."""
    assert [each.text for each in split("tox -e ${{ matrix.env }}", {"${{ matrix.env }}": ("py311", "py312")})] == [
        "tox -e py311"
    ]
    assert split("tox -e ${{ matrix.env }}") == []


def test_a_step_of_several_commands(repository: MakeRepository) -> None:
    """What is stated before is one command each, without comments, and without what other systems install with."""
    root = repository({"Makefile": ""})
    stated = ("apt-get update\napt-get install -y cmake  # the build", "brew install cmake", "cd b\nmake install")
    candidate = Candidate("make test", "ci.yml", 1, Origin.CI, before=stated)
    (found,) = atomic_commands(candidate, Facts(root))
    assert found.prerequisites == ("apt-get update", "apt-get install -y cmake", "cd b\nmake install")
