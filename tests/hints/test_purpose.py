"""What commands are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.hints.facts import Facts
from runner_env.hints.model import Purpose
from runner_env.hints.names import said
from runner_env.hints.purpose import Where, call_of
from runner_env.hints.selection import meaning, selects
from runner_env.hints.shelltext import words_of

MakeRepository = Callable[[Mapping[str, str]], Path]
_WORDS = [
    "pytest",
    "npm",
    "run",
    "test",
    "-m",
    "--",
    "uv",
    "env",
    "A=1",
    "cargo",
    "go",
    "./...",
    "make",
    "-C",
    "tox",
    "-e",
    "py",
    "docker",
    "compose",
    "eval",
    "python",
    ".",
    "/",
    "./",
    "-",
    "--",
    "time",
    "npx",
    "bash",
    "x.sh",
    "tests/a.py::b",
    "bundle",
    "exec",
    "\\u00e9",
    "-j",
    "4",
    "=",
    "yarn",
    "workspace",
    "nox",
    "-s",
    "timeout",
    "java",
    "nix-shell",
    "--run",
    "perl",
    "<x>",
    ")",
    "sudo",
]
TEST = """
pytest
python -m pytest tests
uv run --group dev pytest -q
poetry run pytest
coverage run -m pytest
python -m unittest discover
python setup.py test
tox
tox -e py311
nox -s tests
hatch test
npm test
npm t
npm run test:unit
yarn test
pnpm -r test
bun test
npx vitest run
npx jest
node --test
deno test -A
cargo test --workspace
cargo nextest run
go test ./...
gotestsum
make test
make check
just test
task test
rake
bundle exec rake spec
bundle exec rspec
bin/rails test
mvn -B verify
./mvnw test
./gradlew check
ctest --test-dir build
cmake --build build --target test
meson test -C build
bazel test //...
mix test
stack test
cabal test all
dotnet test
composer test
vendor/bin/phpunit
prove -l t
bats tests
swift test
dart test
zig build test
./run_tests.sh
python runtests.py
invoke test
"""
OTHER = """
pip install pytest
npm ci
npm run build
npm run lint
npm run test:watch
npm run test:types
npx playwright install
npm install --save-dev jest
vitest --watch
jest --init
tox -e lint
tox -e docs
nox -s lint
cargo clippy
cargo build --release
cargo test --no-run
go vet ./...
go build ./...
make
make install
make docs
make format
mvn -DskipTests package
./gradlew assemble
pytest --version
pytest --collect-only
ruff check .
mypy src
pre-commit run --all-files
codecov
docker build -t test .
python setup.py sdist
python train.py
python plot_results.py
./configure
git push
asv publish
python serve.py
"""


@pytest.fixture
def facts(repository: MakeRepository) -> Facts:
    """A repository with a few scripts."""
    return Facts(
        repository({"run_tests.sh": "", "runtests.py": "", "evaluate.py": "", "main.py": "", "bench/run.py": ""})
    )


@pytest.mark.parametrize("command", TEST.split("\n")[1:-1])
def test_tests(facts: Facts, command: str) -> None:
    """The usual ways to run a suite, in every ecosystem."""
    call = call_of(words_of(command), (), facts)
    assert call is not None
    assert call.purpose == "test"


@pytest.mark.parametrize("command", OTHER.split("\n")[1:-1])
def test_others(facts: Facts, command: str) -> None:
    """Installs, builds, linters, documentation, watchers, services, training: none of ours."""
    assert call_of(words_of(command), (), facts) is None


@pytest.mark.parametrize(
    ("command", "purpose"),
    [
        ("python -m tool.evaluate --dataset demo", "evaluate"),
        ("tool.evaluate --dataset demo", "evaluate"),
        ("python evaluate.py --fast", "evaluate"),
        ("python main.py --mode eval", "evaluate"),
        ("python main.py evaluate", "evaluate"),
        ("./run_eval.sh", "evaluate"),
        ("inspect eval arc.py", "evaluate"),
        ("accelerate launch evaluate.py --n 1", "evaluate"),
        ("cargo bench", "benchmark"),
        ("go test -bench=. ./...", "benchmark"),
        ("asv run", "benchmark"),
        ("npm run bench", "benchmark"),
        ("pytest --benchmark-only", "benchmark"),
    ],
)
def test_evaluations_and_benchmarks(facts: Facts, command: str, purpose: str) -> None:
    """By the script's name, a subcommand, an option, or the program."""
    call = call_of(words_of(command), (), facts)
    assert call is not None
    assert call.purpose == purpose


def test_by_heading(facts: Facts) -> None:
    """A program of the repository whose name says nothing is for what the heading above it says."""
    words = ("python", "bench/run.py")
    assert call_of(words, (), facts) is None
    call = call_of(words, (), facts, Where(("README.md", "Tool", "Benchmarks")))
    assert call is not None
    assert call.purpose == "benchmark"


def test_what_a_task_runs(facts: Facts) -> None:
    """The stand-in of npm is no suite, a `check` of linters neither; the program behind a task is its runner."""
    assert call_of(("npm", "test"), ('echo "Error: no test specified" && exit 1',), facts) is None
    assert call_of(("npm", "run", "check"), ("eslint .", "tsc"), facts) is None
    assert call_of(("make", "check"), ("ruff check .", "mypy src"), facts) is None
    call = call_of(("make", "check"), ("ruff check .", "python -m pytest"), facts)
    assert call is not None
    assert call.runner == "pytest"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("test", "test"),
        ("runTests", "test"),
        ("test:watch", "other"),
        ("lint", "other"),
        ("check", "maybe_test"),
        ("evaluate_results", "evaluate"),
        ("generate_eval", "other"),
        ("run_eval", "evaluate"),
        ("bench", "benchmark"),
        ("go", "nothing"),
    ],
)
def test_names(name: str, says: str) -> None:
    """What a name is not for outweighs what it is for; what is evaluated does not."""
    assert said(name) == says


@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=6))
def test_any_words(words: list[str]) -> None:
    """No sequence of words breaks it, nor what is asked of a command afterwards."""
    command = tuple(words)
    call = call_of(command, (" ".join(words),), Facts(Path("/nonexistent")))
    assert call is None or call.purpose is not None
    selects(command)
    assert isinstance(meaning(command), str)


@pytest.mark.parametrize(
    ("command", "purpose"),
    [
        ("make distcheck CONFIGURE_FLAGS=--enable-all", Purpose.TEST),
        ("topkg test", Purpose.TEST),
        ("./koch tests", Purpose.TEST),
        ("./koch boot", None),
        ("./gone tests", None),
        ("docker compose run ''", None),
    ],
)
def test_more_calls(command: str, purpose: Purpose | None, tmp_path: Path) -> None:
    """What automake checks; a program that the repository has the source of; a service without a name."""
    (tmp_path / "koch.nim").touch()
    call = call_of(words_of(command), (), Facts(tmp_path))
    assert (call and call.purpose) == purpose
