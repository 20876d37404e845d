"""What a name of a task, script, module or job says about its purpose."""

from __future__ import annotations

import re
from enum import StrEnum

from runner_env.hints.model import Purpose


class Said(StrEnum):
    """What a name says."""

    TEST = "test"
    MAYBE_TEST = "maybe_test"
    """A name that test suites and linters share: `check`, `ci`, `verify`."""
    EVALUATE = "evaluate"
    BENCHMARK = "benchmark"
    OTHER = "other"
    """Something else for certain: lint, docs, install, watch, release."""
    NOTHING = "nothing"


_TEST = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "test tests testing tester spec specs unittest unittests unit tap runtests runtest testsuite e2e pytest "
        "jest mocha vitest ava phpunit rspec karma cypress playwright testall alltests conformance acceptance qunit "
        "doctest doctests nosetests selftest checktest ctest gotest cargotest systemtest regtest pest junit testjs "
        "testunit"
    ).split()
)
_MAYBE = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "check checks ci verify coverage cov integration smoke regress regression validate precommit preflight qa "
        "functional system suite cover distcheck"
    ).split()
)
_EVALUATE = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "eval evals evaluate evaluates evaluation evaluations evaluator evaluating leaderboard evaluatefunctional "
        "runeval evalall autoeval judge"
    ).split()
)
_BENCHMARK = frozenset(
    [
        "bench",
        "benches",
        "benchmark",
        "benchmarks",
        "benchmarking",
        "perf",
        "performance",
        "asv",
        "microbench",
        "jmh",
        "speed",
    ]
)
_OTHER = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "lint linter linting format formatting fmt style doc docs documentation site website install uninstall "
        "clean watch watching watcher serve server dev develop start release publish deploy types type typecheck "
        "typing typings tsc mypy example examples setup gen generate generated fixtures fixture update upgrade "
        "debug debugger prepare prepack report open ui gui deps dependencies download upload build compile "
        "container image push tag changelog version bump eslint prettier xo standard ruff black flake8 isort pylint "
        "pyright spelling spellcheck links audit size bundle snapshot snapshots preview storybook demo repl console "
        "shell profile fuzz mutation mutate data dataset train training plot visualize visualise convert preprocess "
        "init create list help show view summarize summary aggregate collect inspect headed interactive tdd results "
        "merge export import stop down up logs vendor mock mocks stub cleanup codecov coveralls sdist wheel dist "
        "package packages nocheck dry licenses license copyright commit commits clippy vet tidy analyze analysis "
        "phpstan psalm cs csfix rubocop yamllint shellcheck actionlint dts attw nightwatch manual render playground "
        "ls version compare baseline tables table figure figures notebook quickstart scaffold new config configure "
        "login service dashboard"
    ).split()
)
_EVALUATED = frozenset(("data", "dataset", "results", "baseline", "image", "dev", "train", "generated", "types"))
"""What may be evaluated: `evaluate_results` is an evaluation, `results` is none."""
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")


def tokens(name: str) -> tuple[str, ...]:
    """The words that make up a name, lower case.

    >>> tokens("runTests:unit-py3")
    ('run', 'tests', 'unit', 'py', '3')
    """
    return tuple(token.lower() for token in _SPLIT.split(name) if token)


def said(name: str) -> Said:
    """What `name` says; what it is not for outweighs what it is for.

    >>> said("test:watch").value, said("check").value, said("run_eval").value
    ('other', 'maybe_test', 'evaluate')
    """
    found = set(tokens(name)) | {name.lower()}
    begins = (*(token for token in tokens(name) if token != "run"), "")[0]
    if tokens(name)[:1] in (("no",), ("skip",), ("without",)):
        return Said.OTHER
    if found & _OTHER and not (begins in _EVALUATE and found & _OTHER <= _EVALUATED):
        return Said.OTHER
    if found & _EVALUATE or any(token.startswith("evaluat") for token in found):
        return Said.EVALUATE
    if found & _BENCHMARK:
        return Said.BENCHMARK
    if found & _TEST:
        return Said.TEST
    return Said.MAYBE_TEST if found & _MAYBE else Said.NOTHING


def is_part(name: str) -> bool:
    """Whether a name that says test means a part of the suite only: `test:unit`, `test-py3`, `e2e`."""
    found = set(tokens(name)) - {"run", "all", "suite", "the", "py", "python", "script", "scripts", "sh", "ci", "full"}
    whole = {
        "test",
        "tests",
        "check",
        "spec",
        "testsuite",
        "unittest",
        "unittests",
        "runtests",
        "runtest",
        "pytest",
        "testing",
    }
    return len(found) > 1 or not found <= whole | {"cov", "coverage", "verify"}


PURPOSES = {Said.TEST: Purpose.TEST, Said.EVALUATE: Purpose.EVALUATE, Said.BENCHMARK: Purpose.BENCHMARK}
