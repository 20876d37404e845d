"""Commands that run a part of a suite: one file, one case, a pattern; and forms that mean the same."""

from __future__ import annotations

import re

from runner_env.hints.model import Purpose
from runner_env.hints.runners import direct_call
from runner_env.hints.tasks import named_task, script_of
from runner_env.hints.unwrap import unwrap

_ONE_FILE = re.compile(
    r"(?:^|/)(?:test[_-]?\w*|\w+[_-]?(?:test|spec)s?|t\d+\w*|\d+[\w-]*|[\w.-]+)\.(?:py|[cm]?[jt]sx?|rb|php|go|t"
    r"|bats|exs|lua|pl|rs|cr|dart)(?::.*)?$"
)
_ONE_SCRIPT = re.compile(
    r"(?:^|/)(?:tests?|specs?|t)/(?:.*/)?(?:test_(?!all|suite|runner|main)\w+|\w+_(?:test|spec))\.\w+$"
)
_SELECTORS: dict[str, frozenset[str]] = {
    "pytest": frozenset(("-k", "--lf", "--last-failed", "--pdb", "--deselect", "--ff", "--sw", "--failed-first")),
    "go": frozenset(("-run", "-test.run")),
    "ctest": frozenset(("-R", "-I", "--tests-regex", "--rerun-failed")),
    "jest": frozenset(
        ("-t", "--testNamePattern", "-o", "--onlyChanged", "--findRelatedTests", "-u", "--updateSnapshot")
    ),
    "vitest": frozenset(("-t", "--testNamePattern", "-u", "--update", "related")),
    "mocha": frozenset(("-g", "--grep", "-f", "--fgrep")),
    "ava": frozenset(("-m", "--match", "-u", "--update-snapshots")),
    "phpunit": frozenset(("--filter", "--group")),
    "pest": frozenset(("--filter", "--group")),
    "rspec": frozenset(("-e", "--example", "-t", "--tag")),
    "gradle": frozenset(("--tests",)),
    "sbt": frozenset(("testOnly",)),
    "mix": frozenset(("--only", "--stale", "--failed")),
    "dotnet": frozenset(("--filter",)),
    "deno": frozenset(("--filter",)),
    "swift": frozenset(("--filter",)),
    "forge": frozenset(("--match-test", "--match-path", "--match-contract", "--mt", "--mp", "--mc")),
    "meson": frozenset(("--list",)),
    "unittest": frozenset(("-k",)),
    "stack": frozenset(("--ta", "--test-arguments")),
    "bats": frozenset(("-f", "--filter")),
}
_VARIABLE = re.compile(
    r"^(?:TESTS?|TEST_?\w+|T|TESTOPTS|SPEC|FILE|ARGS|TESTARGS|ONLY|FILTER|PATTERN|CASE|CASES|SUITE)=.*"
    r"|^-D(?:test|it\.test)=.+"
)


def selects(words: tuple[str, ...]) -> bool:
    """Whether a test command picks tests, so that it does not run the suite.

    >>> selects(("pytest", "tests/test_a.py::test_b")), selects(("pytest", "tests"))
    (True, False)
    """
    inner = unwrap(words)
    if not inner:
        return False
    program = inner[0].rpartition("/")[2]
    program = {"gradlew": "gradle", "py.test": "pytest"}.get(program, program)
    rest = inner[1:]
    options = {re.split(r"=", word)[0] for word in rest if word.startswith("-")}
    options |= {"-" + word[1] for word in rest if program == "pytest" and re.match(r"^-k\S", word)}
    if options & _SELECTORS.get(program, frozenset()) or any(_VARIABLE.match(word) for word in rest):
        return True
    if program in _SELECTIONS:
        return _SELECTIONS[program](rest)
    if named_task(inner) is not None:
        return _passes_selection(rest)
    if program in ("python", "node", "bash", "sh", "ruby", "perl"):
        return bool(_ONE_SCRIPT.search(script_of(inner))) or any(
            "::" in word or word in ("-t", "-k", "--grep") for word in rest
        )
    return any("::" in word or _ONE_FILE.search(word) for word in rest if not word.startswith("-"))


def _cargo_filter(rest: tuple[str, ...]) -> bool:
    at = next((number for number, word in enumerate(rest) if word in ("test", "t", "bench", "run")), None)
    if at is None:
        return False
    valued = frozenset(
        (  # noqa: SIM905 - one word a line would be unreadable
            "--features -F -p --package --manifest-path --target --profile --test --bench --bin --example -j --jobs "
            "--exclude --target-dir -Z"
        ).split()
    )
    position = at + 1
    while position < len(rest):
        word = rest[position]
        if word == "--":
            return any(not each.startswith("-") and not each.isdigit() for each in rest[position + 1 :])
        if word in ("--test", "--bench", "--bin", "--example"):
            return True
        if not word.startswith("-"):
            return True
        position += 2 if word in valued else 1
    return False


def _go_files(rest: tuple[str, ...]) -> bool:
    return any(word.endswith(".go") for word in rest)


def _unittest_names(rest: tuple[str, ...]) -> bool:
    return rest[:1] != ("discover",) and any("." in word and not word.startswith("-") for word in rest)


def _lein_names(rest: tuple[str, ...]) -> bool:
    """`lein test some.namespace`; `lein test :unit` picks by a selector that the project defines."""
    behind = rest[rest.index("test") + 1 :] if "test" in rest else ()
    return any(not word.startswith(":") for word in behind)


_SELECTIONS = {"lein": _lein_names, "cargo": _cargo_filter, "go": _go_files, "unittest": _unittest_names}


def _passes_selection(rest: tuple[str, ...]) -> bool:
    """`npm test -- -t name`, `tox -e py -- tests/test_a.py`."""
    if "--" not in rest:
        return any("::" in word or (_ONE_FILE.search(word) and "/" in word) for word in rest)
    behind = rest[rest.index("--") + 1 :]
    return any(
        word in ("-t", "-k", "-g", "--grep", "-run", "-R", "-o", "--filter", "-u")
        or "::" in word
        or _ONE_FILE.search(word)
        for word in behind
    )


def meaning(words: tuple[str, ...], purpose: Purpose | None = None) -> str:
    """A form that commands of the same meaning share: the program, what it works on, and what picks a part of it.

    Of a test script only the script counts, of other scripts every word.

    >>> meaning(("uv", "run", "python", "-m", "pytest", "-q")) == meaning(("pytest",))
    True
    >>> meaning(("npm", "t")) == meaning(("yarn", "run", "test"))
    True
    """
    inner = unwrap(words)
    if not inner:
        return ""
    task = named_task(inner)
    if task is not None and inner[0] in ("npm", "yarn", "pnpm", "bun"):
        return f"script {task[1]}"
    program = inner[0].rpartition("/")[2]
    program = re.sub(r"(?:\.bat|\.cmd)$", "", program)
    program = {"gradlew": "gradle", "mvnw": "mvn", "py.test": "pytest", "gmake": "make"}.get(program, program)
    if direct_call(inner) is None and task is None:
        if purpose is Purpose.TEST:
            return script_of(inner) or program
        return " ".join((program, *inner[1:]))
    return " ".join((program, *_objects(program, inner[1:])))


_VALUED = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "-j -C -n --numprocesses -c --jobs -p --config --features -F --timeout -o --maxfail --cov --cov-report --dist "
        "--build-config -timeout -coverprofile -covermode -count -parallel --profile --reporter --output-junit -W -r "
        "--tb"
    ).split()
)
_PICKS = frozenset(
    ["-m", "-k", "-e", "-s", "-L", "-LE", "-tags", "-t", "--package", "--workspace", "--doc", "--bench", "-bench"]
)


def _objects(program: str, rest: tuple[str, ...]) -> list[str]:
    """Arguments without the options that change how, not what."""
    kept: list[str] = []
    at = 1 if program == "tox" and rest[:1] and rest[0] in ("run", "r", "run-parallel", "p") else 0
    while at < len(rest):
        word = rest[at]
        if word in _VALUED and not (word == "-p" and program == "cargo"):
            following = rest[at + 1] if at + 1 < len(rest) else ""
            at += 2 if word != "-j" or re.match(r"^[\d$]", following) else 1
            continue
        if (not word.startswith("-") and "=" not in word) or word.partition("=")[0] in _PICKS:
            kept.append(word.removeprefix("./").rstrip("/") or word)
        at += 1
    return [
        word for word in kept if (not word.isdigit() and word not in ("tests", "test/", "...")) or program != "pytest"
    ]
