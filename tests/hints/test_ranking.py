"""How sure a command is, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from runner_env.hints import find_hints

MakeRepository = Callable[[Mapping[str, str]], Path]


def block(heading: str, *commands: str) -> str:
    """A README with one block."""
    lines = "\n".join(commands)
    return f"# Tool\n\n## {heading}\n\n```bash\n{lines}\n```\n"


def test_at_most_six(repository: MakeRepository) -> None:
    """Never more than six."""
    text = block("Benchmarks", *(f"python bench.py --n {n}" for n in range(20)))
    assert len(find_hints(repository({"README.md": text, "bench.py": ""}))) == 6


def test_weak_ones_go(repository: MakeRepository) -> None:
    """What is much less sure than the first is left out, and returned where nothing surer is stated."""
    part = "python -m pytest tests/test_a.py"
    files = {"tests/test_a.py": "", "README.md": block("Tests", part)}
    assert part in [hint.command for hint in find_hints(repository(files))]
    files["README.md"] = block("Tests", "tox", part)
    found = [hint.command for hint in find_hints(repository(files))]
    assert found[0] == "tox"
    assert part not in found


def test_equal_ones_keep_their_order(repository: MakeRepository) -> None:
    """Of equally sure commands the one that is stated first comes first."""
    text = block("Evaluation", "python eval.py --data b", "python eval.py --data a")
    found = [hint.command for hint in find_hints(repository({"README.md": text, "eval.py": ""}))]
    assert found == ["python eval.py --data b", "python eval.py --data a"]


def test_missing_script(repository: MakeRepository) -> None:
    """A script that is not in the repository is less sure than one that is."""
    text = block("Evaluation", "python gone/eval.py", "python eval.py")
    found = find_hints(repository({"README.md": text, "eval.py": ""}))
    assert found[0].command == "python eval.py"


def test_a_script_that_is_not_declared(repository: MakeRepository) -> None:
    """A document that names a script which package.json does not have is out of date."""
    files = {"README.md": block("Tests", "npm test"), "package.json": '{"scripts": {"build": "tsc"}}'}
    assert find_hints(repository(files)) == ()


def test_one_meaning_is_one_hint(repository: MakeRepository) -> None:
    """Several ways to write the same are one hint, stated where it is surest, with what comes before it."""
    files = {
        "README.md": block("Tests", "pip install -e .", "pytest"),
        "CONTRIBUTING.md": block("Tests", "python -m pytest"),
    }
    (hint,) = find_hints(repository(files))
    assert hint.source == "CONTRIBUTING.md:6"
    assert hint.prerequisites == ("pip install -e .",)


def test_the_tests_before_a_benchmark(repository: MakeRepository) -> None:
    """Of a project that is not made to evaluate the tests come first; its benchmark is listed all the same."""
    files = {"Makefile": "test:\n\t./run\nbench:\n\t./bench\n", "README.md": block("Speed", "make bench")}
    assert [hint.command for hint in find_hints(repository(files))] == ["make test", "make bench"]


def test_what_is_written_down(repository: MakeRepository) -> None:
    """Where a document says `npm test`, that is the command, even where two managers have left a lock file."""
    files = {
        "package.json": '{"scripts": {"test": "node test/test"}}',
        "package-lock.json": "{}",
        "yarn.lock": "",
        "CONTRIBUTING.md": "# Contributing\n\nRun unit tests from the command-line via `npm test`.\n",
    }
    assert find_hints(repository(files))[0].command == "npm test"


def test_a_sentence_that_says_to_run_the_tests(repository: MakeRepository) -> None:
    """It counts under any heading, in the words of reStructuredText too."""
    text = "Usage\n=====\n\nOnce it has been built you can invoke :command:`make test` to run\nthe tests.\n"
    assert [hint.command for hint in find_hints(repository({"doc/usage.rst": text}))] == ["make test"]


def test_a_runner_without_its_file(repository: MakeRepository) -> None:
    """`task` in a repository that has no Taskfile is a word of another language."""
    text = 'Say in `tool.nimble`, to run tests, `task "test"`; then run `make test`.\n'
    found = find_hints(repository({"CONTRIBUTING.md": text, "Makefile": "test:\n\t./run\n"}))
    assert [hint.command for hint in found] == ["make test"]


def test_part_of_a_build(repository: MakeRepository) -> None:
    """Of CMake's targets that of the whole suite is first."""
    steps = "\n".join(f"      - run: cmake --build out --target run-{name}" for name in ("c-api-tests", "tests"))
    text = f"jobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n{steps}\n"
    found = find_hints(repository({".github/workflows/ci.yml": text, "CMakeLists.txt": ""}))
    assert found[0].command == "cmake --build out --target run-tests"
