"""Parts of a suite, and commands of one meaning."""

from __future__ import annotations

import pytest

from runner_env.hints.selection import meaning, selects
from runner_env.hints.shelltext import words_of


@pytest.mark.parametrize(
    "command",
    [
        "pytest tests/test_a.py::test_b",
        "pytest tests/test_a.py",
        "pytest -k name",
        "npm test -- -t name",
        "npx jest src/a.test.ts",
        "go test -run TestA ./...",
        "cargo test parser",
        "cargo test --test cli",
        "mvn -Dtest=FooTest test",
        "./gradlew test --tests FooTest",
        "python -m unittest tests.test_a",
        "make test TESTS=a",
        "tox -e py311 -- tests/test_a.py",
        "bundle exec rspec spec/a_spec.rb",
        "ctest -R name",
        "vendor/bin/phpunit --filter name",
    ],
)
def test_selects(command: str) -> None:
    """Each ecosystem's ways to run one file or one case."""
    assert selects(words_of(command))


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "pytest -m 'not slow' tests",
        "npm test",
        "go test -race ./...",
        "cargo test --all-features",
        "tox -e py311",
        "cargo test -- --nocapture",
        "python -m unittest discover",
        "ctest --test-dir build",
        "mvn -B test",
    ],
)
def test_whole_suite(command: str) -> None:
    """Options that change how, not what, select nothing."""
    assert not selects(words_of(command))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pytest", "uv run python -m pytest -q"),
        ("pytest", "pytest tests/"),
        ("npm test", "yarn run test"),
        ("npm test", "npm run test -- --coverage"),
        ("go test ./...", "go test -v -race ./..."),
        ("./gradlew test", "gradle test --info"),
        ("make test", "make -j test"),
        ("ctest", "ctest -j 4 --output-on-failure"),
        ("tox", "tox run"),
    ],
)
def test_same_meaning(one: str, other: str) -> None:
    """Wrappers, verbosity and the package manager do not change the meaning."""
    assert meaning(words_of(one)) == meaning(words_of(other))


@pytest.mark.parametrize(
    ("one", "other"), [("pytest -m slow", "pytest"), ("make test", "make bench"), ("tox -e py311", "tox -e py312")]
)
def test_other_meaning(one: str, other: str) -> None:
    """Another target, another marker, another environment are another command."""
    assert meaning(words_of(one)) != meaning(words_of(other))
