"""Repositories to official commands, from end to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from runner_env.hints import Hint, find_hints

MakeRepository = Callable[[Mapping[str, str]], Path]
CARGO = '[package]\nname = "tool"\nversion = "1.0.0"\n'
WORKFLOW = """\
name: CI
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.11", "3.12"]
    steps:
      - uses: actions/checkout@v4
      - run: pip install -e .[test]
      - run: python -m pytest -q
"""
ALIKE: dict[str, tuple[dict[str, str], str]] = {
    "readme": ({"README.md": "# Tool\n\n## Tests\n\n```bash\npip install -e .\npytest\n```\n"}, "pytest"),
    "inline": ({"README.md": "# Tool\n\n## Testing\n\nRun `make test` to run all tests.\n"}, "make test"),
    "table": ({"CONTRIBUTING.md": "# Develop\n\n| command | does |\n|---|---|\n| `npm test` | tests |\n"}, "npm test"),
    "rest": ({"README.rst": "Tool\n====\n\nTesting\n-------\n\nRun::\n\n    $ tox\n"}, "tox"),
    "plain": ({"HACKING": "Tests\n=====\n\nRun the tests:\n\n    make check\n"}, "make check"),
    "adoc": ({"README.adoc": "= Tool\n\n== Tests\n\n----\n./gradlew test\n----\n"}, "./gradlew test"),
    "docs": (
        {"docs/contributing.md": "# Contributing\n\n```console\n$ cargo test\n...\n```\n", "Cargo.toml": CARGO},
        "cargo test",
    ),
    "ci": ({".github/workflows/ci.yml": WORKFLOW, "tests/test_a.py": ""}, "python -m pytest -q"),
    "make": ({"Makefile": "test:\n\tgo test ./...\n\nlint:\n\tgolangci-lint run\n"}, "make test"),
    "npm": (
        {"package.json": '{"scripts": {"test": "jest", "lint": "eslint ."}}', "package-lock.json": "{}"},
        "npm test",
    ),
    "tox": ({"tox.ini": "[tox]\nenvlist = py311,lint\n\n[testenv]\ncommands = pytest {posargs}\n"}, "tox"),
}


def commands(root: Path) -> list[str]:
    """The commands of the hints."""
    return [hint.command for hint in find_hints(root)]


@pytest.mark.parametrize("kind", ALIKE)
def test_first(repository: MakeRepository, kind: str) -> None:
    """Whatever kind of file states it, the suite's command is the first."""
    files, command = ALIKE[kind]
    assert commands(repository(files))[:1] == [command]


def test_nothing_stated(repository: MakeRepository) -> None:
    """A repository that states nothing has no hints."""
    readme = "# Tool\n\nA library.\n\n```bash\npip install tool\n```\n\n```python\nimport tool\n```\n"
    assert find_hints(repository({"README.md": readme, "src/tool.py": ""})) == ()


def test_evaluation_in_readme(repository: MakeRepository) -> None:
    """B080: a fenced evaluation command is found, with its source and purpose."""
    (hint,) = find_hints(
        repository({"README.md": "# Bench\n\n```bash\npython -m benchtool.evaluate --dataset demo\n```\n"})
    )
    assert (hint.command, hint.purpose) == ("python -m benchtool.evaluate --dataset demo", "evaluate")
    assert hint.source == "README.md:4"


def test_prose_is_not_taken(repository: MakeRepository) -> None:
    """B081: prose, BibTeX, `cd` and installs are no hints, whatever words they have."""
    text = (
        "# Eval\n\n```\nThis evaluates models\n```\n\n```\n@misc{eval,\n title = {Evaluation},\n}\n```\n\n"
        "```bash\ngit clone https://example.invalid/x/evaluation-harness\ncd evaluation-harness\n"
        "pip install bench-eval\n```\n"
    )
    assert find_hints(repository({"README.md": text})) == ()


def test_steps_before(repository: MakeRepository) -> None:
    """B082: the steps of a CI job before the tests are prerequisites, not part of the command."""
    (hint,) = find_hints(repository({".github/workflows/ci.yml": WORKFLOW}))
    assert hint.command == "python -m pytest -q"
    assert hint.prerequisites == ("pip install -e .[test]",)


def test_agreement(repository: MakeRepository) -> None:
    """A README's command that a script stands behind is surer than either alone, and is one hint."""
    readme = {"README.md": "# Tool\n\n## Tests\n\n```\nnpm test\n```\n"}
    scripts = {"package.json": '{"scripts": {"test": "jest"}}'}
    alone: Hint = find_hints(repository(readme))[0]
    (both,) = find_hints(repository({**readme, **scripts}))
    assert both.confidence > alone.confidence
    assert both.runner == "jest"


def test_stand_in(repository: MakeRepository) -> None:
    """The stand-in of npm for a missing suite is no hint, even if a document names it."""
    script = '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'
    assert (
        find_hints(repository({"package.json": script, "README.md": "# T\n\n## Tests\n\n```\nnpm test\n```\n"})) == ()
    )


def test_one_file_is_not_the_suite(repository: MakeRepository) -> None:
    """A single test that a document shows ranks below the whole suite, or goes."""
    text = "# Tests\n\n```\npytest tests/test_a.py::test_b\npytest -k b\npytest\n```\n"
    assert commands(repository({"CONTRIBUTING.md": text, "tests/test_a.py": ""})) == ["pytest"]


def test_other_projects(repository: MakeRepository) -> None:
    """Tests of a dependency, of vendored code, of examples and of templates are not ours."""
    readme = "# Tool\n\n## Dependencies\n\n```\ngit clone https://example.invalid/o/dep\ncd dep\nmake test\n```\n"
    script = '{"scripts": {"test": "jest"}}'
    places = ("node_modules/x", "third_party/y", "examples/z", "tests/fixtures/app", "template/{{name}}")
    files = {f"{place}/package.json": script for place in places}
    assert find_hints(repository({"README.md": readme, **files})) == ()


def test_users_own_code(repository: MakeRepository) -> None:
    """A testing tool's README shows how others test; its own suite is what its CI runs."""
    text = "# pytest-tool\n\n## Usage\n\n```\npytest --tool\n```\n"
    manifest = '[project]\nname = "pytest-tool"\n'
    tox = "[testenv]\ncommands = pytest\n"
    assert commands(repository({"README.md": text, "pyproject.toml": manifest, "tox.ini": tox}))[0] == "tox"


def test_placeholders(repository: MakeRepository) -> None:
    """A command with a placeholder is left out, one with documented choices takes the first."""
    text = "# Evaluation\n\n```\npython eval.py --model <name>\npython eval.py --data [a|b]\n```\n"
    assert commands(repository({"README.md": text, "eval.py": ""})) == ["python eval.py --data a"]


def test_folder_of_a_package(repository: MakeRepository) -> None:
    """A command of a package comes after that of the root, and says where it runs."""
    text = "# Tests\n\n```\nmake test\n```\n\n```\ncd packages/web\nnpm test\n```\n"
    files = {"CONTRIBUTING.md": text, "packages/web/package.json": '{"scripts": {"test": "vitest run"}}'}
    found = find_hints(repository(files))
    assert [(hint.command, hint.workdir) for hint in found] == [("make test", ""), ("npm test", "packages/web")]


def test_evaluation_repository(repository: MakeRepository) -> None:
    """In a repository that evaluates, its own programs in the README are evaluations; data and plots are not."""
    block = "```bash\npython download_data.py\npython main.py --n 10\npython plot.py\n```\n"
    text = f"# A benchmark for tools\n\n## Usage\n\n{block}"
    files = {"README.md": text, "main.py": "", "download_data.py": "", "plot.py": ""}
    (hint,) = find_hints(repository(files))
    assert (hint.command, hint.purpose, hint.prerequisites) == (
        "python main.py --n 10",
        "evaluate",
        ("python download_data.py",),
    )


def test_hostile_repository(repository: MakeRepository, tmp_path: Path) -> None:
    """Links out of the repository, circles, undecodable and huge files change nothing and break nothing."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/README.md").write_text("# T\n\n```\npytest outside\n```\n")
    root = repository({"Makefile": "test:\n\tpytest\n", "tests/test_a.py": ""})
    (root / "docs").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "README.md").symlink_to(tmp_path / "outside/README.md")
    (root / "CONTRIBUTING.md").write_bytes(b"\xff\xfe\x00" + b"`" * 300_000)
    assert commands(root) == ["make test"]


def test_deterministic(repository: MakeRepository) -> None:
    """The same repository gives the same hints in the same order."""
    root = repository(
        {"Makefile": "test:\n\tpytest\nbench:\n\tpytest --benchmark-only\n", "tox.ini": "[testenv]\ncommands=pytest\n"}
    )
    assert find_hints(root) == find_hints(root)
