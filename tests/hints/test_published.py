"""Ways in which real projects publish their commands that were once read wrongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from runner_env.hints import find_hints
from runner_env.hints.commands import split_commands
from runner_env.hints.names import Said, said
from runner_env.hints.preparation import prepares
from runner_env.hints.selection import selects

MakeRepository = Callable[[Mapping[str, str]], Path]
POM = "<project><artifactId>tool</artifactId></project>\n"
JAVA_TEST = "src/test/java/ToolTest.java"


def commands(root: Path) -> list[str]:
    """The commands of a repository, the surest first."""
    return [hint.command for hint in find_hints(root)]


def readme(*lines: str, heading: str = "Tests") -> str:
    """A README with one block."""
    return f"# Tool\n\n## {heading}\n\n```bash\n" + "\n".join(lines) + "\n```\n"


@pytest.mark.parametrize("runner", ["pipenv", "pdm", "pixi", "rye"])
def test_tasks_of_environment_managers(repository: MakeRepository, runner: str) -> None:
    """`pipenv run test` and its like are the tasks of that name, and other words behind `run` are programs."""
    tables = {
        "pipenv": ("Pipfile", "[scripts]"),
        "pdm": ("pyproject.toml", "[tool.pdm.scripts]"),
        "pixi": ("pyproject.toml", "[tool.pixi.tasks]"),
        "rye": ("pyproject.toml", "[tool.rye.scripts]"),
    }
    file, table = tables[runner]
    root = repository({file: f'{table}\ntest = "pytest tests/unit"\n', "README.md": readme(f"{runner} run test")})
    first, *_ = find_hints(root)
    assert (first.command, first.runner) == (f"{runner} run test", "pytest")


def test_stated_commands_stand_for_implied_ones(repository: MakeRepository) -> None:
    """What a manifest implies is left out where the authors state a command for the whole suite."""
    files = {"go.mod": "module example.org/tool\n", "tool_test.go": "func TestTool(t *testing.T) {}\n"}
    assert commands(repository(files)) == ["go test ./..."]
    files["README.md"] = readme("make check")
    assert commands(repository(files)) == ["make check"]


def test_a_stated_part_leaves_the_implied_whole(repository: MakeRepository) -> None:
    """A target for a part of the tests does not stand for what runs them all."""
    files = {
        "CMakeLists.txt": "enable_testing()\nadd_test(NAME all COMMAND all)\n",
        "README.md": readme("make bloat-test"),
    }
    assert "ctest --test-dir build --output-on-failure" in commands(repository(files))


def test_a_stated_build_that_runs_the_tests(repository: MakeRepository) -> None:
    """`./gradlew build` and `mvn clean install` are what the authors state, and they run the tests."""
    gradle = {"build.gradle": "plugins { id 'java' }\n", JAVA_TEST: "class ToolTest {}\n"}
    gradle["README.md"] = readme("./gradlew build", heading="Building from source")
    assert commands(repository(gradle)) == ["./gradlew build"]


def test_the_whole_comes_before_its_folders(repository: MakeRepository) -> None:
    """What the manifest of a folder implies goes where something is stated or implied for the whole repository."""
    root = repository(
        {
            "pom.xml": POM,
            JAVA_TEST: "class ToolTest {}\n",
            "client/c/CMakeLists.txt": "enable_testing()\nadd_test(NAME all COMMAND all)\n",
            "contrib/python/tests/test_client.py": "def test_client():\n    pass\n",
        }
    )
    assert commands(root) == ["mvn test"]


def test_makefiles_for_other_systems(repository: MakeRepository) -> None:
    """The makefile in a folder for another operating system is not the project's."""
    root = repository(
        {
            "configure.ac": "AC_INIT\n",
            "Makefile.am": "SUBDIRS = tests\n",
            "tests/Makefile.am": "TESTS = simple\n",
            "win32/Makefile": "test:\n\t./runtest.exe\n",
        }
    )
    assert commands(root) == ["make check"]


def test_everything_in_one_folder(repository: MakeRepository) -> None:
    """Where all lies in one folder of folders, the makefile two folders deep is the project's."""
    (hint,) = find_hints(repository({"libraries/libx/Makefile": "test: all\n\t./mtest\n"}))
    assert (hint.command, hint.workdir) == ("make test", "libraries/libx")


def test_configuration_that_is_to_be_written(repository: MakeRepository) -> None:
    """A runner with a configuration file that is not there ranks below the same one without."""
    text = "# Tool\n\n## Testing\n\nRun `vendor/bin/phpunit`.\n\n    vendor/bin/phpunit -c mysql.phpunit.xml\n"
    root = repository({"CONTRIBUTING.md": text, "phpunit.xml.dist": "<phpunit/>\n"})
    assert commands(root)[0] == "vendor/bin/phpunit"


def test_a_part_of_a_stated_path_goes(repository: MakeRepository) -> None:
    """`pytest tool/reading` is not listed beside `pytest tool`."""
    root = repository(
        {"README.md": readme("pytest tool", "pytest tool/reading"), "tool/reading/__init__.py": "", "setup.py": ""}
    )
    assert commands(root) == ["pytest tool"]


def test_own_benchmarks_of_a_benchmark_tool_are_examples(repository: MakeRepository) -> None:
    """What a tool's documentation shows its users is not how the tool itself is judged."""
    root = repository(
        {
            "pyproject.toml": '[project]\nname = "asv"\n',
            "README.md": "# asv\n\n## Usage\n\n```\nasv run\n```\n\n## Tests\n\n```\npytest\n```\n",
        }
    )
    assert commands(root) == ["pytest"]


def test_examples_of_using_a_benchmark(repository: MakeRepository) -> None:
    """In a benchmark's repository an example of its own program is an evaluation, whatever the program is called."""
    root = repository(
        {
            "pyproject.toml": '[project]\nname = "mtx"\ndescription = "A text embedding benchmark"\n'
            '[project.scripts]\nmtx = "mtx.cli:main"\n',
            "README.md": readme("mtx run -m org/model -t Banking", heading="Example usage"),
        }
    )
    assert commands(root) == ["mtx run -m org/model -t Banking"]


def test_encrypted_variables_are_no_environment(repository: MakeRepository) -> None:
    """An encrypted variable of Travis CI has no name to be set."""
    root = repository({".travis.yml": "env:\n  global:\n    - SEED=1\n    - secure: abc=\nscript:\n  - make test\n"})
    assert dict(find_hints(root)[0].env) == {"SEED": "1"}


def test_lines_of_code_and_names_of_files_are_no_commands(repository: MakeRepository) -> None:
    """An assignment of another language, or a file's name in a block of its own, is not run."""
    root = repository({"README.md": readme('track_tests.unit = "objects"', "tests/test_a.py"), "tests/test_a.py": ""})
    assert all(command == "pytest" for command in commands(root))


def test_a_target_that_only_builds(repository: MakeRepository) -> None:
    """`make test_all` that installs a program of that name runs no test."""
    makefile = "test: test_all\n\t./test_all\n\ntest_all:\n\tgo install ./fstest/test_all\n"
    assert commands(repository({"Makefile": makefile})) == ["make test"]


def test_check_with_linters_and_a_test_program(repository: MakeRepository) -> None:
    """`make check` that formats too is for tests if it runs a program of tests, and for style if it does not."""
    root = repository({"Makefile": "check:\n\tclang-format -n x.c\n\t./unit_test --gtest_shuffle\n"})
    assert commands(root) == ["make check"]
    assert commands(repository({"Makefile": "check:\n\truff check src tests\n\tmypy src\n"})) == []


def test_a_task_without_words(repository: MakeRepository) -> None:
    """A recipe with a wrapper that runs nothing is no error."""
    root = repository(
        {"Makefile": "check:\n\tenv\n\tsudo\n\ttime\n\nlint:\n\truff check .\n", "README.md": readme("make check")}
    )
    assert commands(root) == ["make check"]
    assert split_commands("") == ()


def test_much_recursion_in_makefiles_stays_cheap(repository: MakeRepository) -> None:
    """Targets that need one another in many ways are each filled in once, and all are listed."""
    rules = "".join(f"t{n}: {' '.join(f't{m}' for m in range(n))}\n" for n in range(1, 60))
    root = repository({"Makefile": f"t0:\n\ttrue\n{rules}test: t59\n\t./run-suite\n"})
    assert commands(root) == ["make test"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bundle exec ruby test/test_binder.rb", True),
        ("ruby test/test_all.rb", False),
        ("python tests/run_tests.py", False),
        ("lein do clean, test foo.core", True),
        ("lein test :unit", False),
        ('make check TESTS=""', True),
    ],
)
def test_what_picks_tests(text: str, expected: bool) -> None:
    """Single test files behind an interpreter, namespaces of Leiningen and an empty list of tests are no suite."""
    assert selects(split_commands(text)[0]) is expected


@pytest.mark.parametrize("text", ["nox --list-sessions", "nox -l", "tox -l", "go test -i ./..."])
def test_lists_and_preparations_are_no_tests(repository: MakeRepository, text: str) -> None:
    """What lists sessions, or builds what tests need, runs none of them."""
    assert commands(repository({"README.md": readme(text)})) == []


def test_names_that_say_no() -> None:
    """`no_test` is for no test, and a service is none either."""
    assert [said(name) for name in ("no_test", "skip-tests", "eval_service")] == [Said.OTHER] * 3


def test_output_is_no_preparation() -> None:
    """A line of a coverage table, or a question for a version, makes nothing ready."""
    assert not prepares(("tool/__init__.py", "33", "2", "91%"))
    assert not prepares(("cmake", "--version"))


def test_templates_of_orbs_are_not_filled(repository: MakeRepository) -> None:
    """A variable whose value is a template of CircleCI is not set."""
    config = (
        "version: 2.1\njobs:\n  test:\n    docker:\n      - image: x\n    environment:\n"
        "      PROXY: << parameters.proxy >>\n      MODE: on\n    steps:\n      - run: go test -v ./...\n"
    )
    (hint,) = find_hints(repository({".circleci/config.yml": config}))
    assert "PROXY" not in hint.env
