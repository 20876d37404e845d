"""Programs whose very call says what it is for: test runners, and the subcommands of build tools that run tests."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from runner_env.hints.model import Purpose


class Call(NamedTuple):
    """What a call is for (None: for certain none of ours), how surely (0 to 1), and which program does the work."""

    purpose: Purpose | None
    strength: float
    runner: str


_T, _E, _B = Purpose.TEST, Purpose.EVALUATE, Purpose.BENCHMARK

# first word → (pattern of the rest, purpose, strength, runner); the first that fits counts
_RULES: dict[str, tuple[tuple[str, Purpose | None, float, str], ...]] = {
    "pytest": (
        (r".*--(?:version|help|collect-only|co|fixtures|markers|trace-config|setup-plan)\b", None, 0, ""),
        (r".*--(?:benchmark-only|codspeed)\b|.*\bbench(?:marks?)?(?:/|\.py|\b(?=$| ))(?!.*-skip)", _B, 0.85, "pytest"),
        (r".*--(?:flake8|pylint|mypy|black|isort|ruff)\b(?!.*tests?/)", None, 0, ""),
        (r"", _T, 0.95, "pytest"),
    ),
    "py.test": ((r"", _T, 0.95, "pytest"),),
    "unittest": ((r"", _T, 0.9, "unittest"),),
    "nose2": ((r"", _T, 0.9, "nose2"),),
    "nosetests": ((r"", _T, 0.85, "nose"),),
    "nose": ((r"", _T, 0.85, "nose"),),
    "trial": ((r"", _T, 0.85, "trial"),),
    "twisted.trial": ((r"", _T, 0.85, "trial"),),
    "stestr": ((r"run|last", _T, 0.85, "stestr"),),
    "behave": ((r"", _T, 0.75, "behave"),),
    "zope-testrunner": ((r"", _T, 0.85, "zope-testrunner"),),
    "zope.testrunner": ((r"", _T, 0.85, "zope-testrunner"),),
    "asv": ((r"(?:run|continuous|dev)\b", _B, 0.9, "asv"), (r"", None, 0, "")),
    "jest": ((r".*--(?:watch|watchAll|init|showConfig|clearCache|version)\b", None, 0, ""), (r"", _T, 0.85, "jest")),
    "vitest": (
        (r"(?:watch|dev|init|list|typecheck)\b|.*--(?:watch|ui)\b", None, 0, ""),
        (r"bench\b", _B, 0.85, "vitest"),
        (r"", _T, 0.85, "vitest"),
    ),
    "mocha": ((r"init\b|.*(?:--watch|-w)\b", None, 0, ""), (r"", _T, 0.85, "mocha")),
    "_mocha": ((r"", _T, 0.85, "mocha"),),
    "ava": ((r".*(?:--watch|-w)\b", None, 0, ""), (r"", _T, 0.85, "ava")),
    "tap": ((r"", _T, 0.8, "tap"),),
    "tape": ((r"", _T, 0.8, "tape"),),
    "borp": ((r"", _T, 0.8, "borp"),),
    "uvu": ((r"", _T, 0.8, "uvu"),),
    "jasmine": ((r"init", None, 0, ""), (r"", _T, 0.8, "jasmine")),
    "karma": ((r"start.*--single-run", _T, 0.75, "karma"), (r"", None, 0, "")),
    "wtr": ((r"", _T, 0.75, "wtr"),),
    "qunit": ((r"", _T, 0.8, "qunit"),),
    "playwright": ((r"test(?!.*--(?:ui|debug|headed))", _T, 0.7, "playwright"), (r"", None, 0, "")),
    "cypress": ((r"run", _T, 0.7, "cypress"), (r"", None, 0, "")),
    "nx": ((r"(?:run-many|affected).*\btest|test\b", _T, 0.8, "nx"),),
    "turbo": ((r"(?:run )?test\b", _T, 0.8, "turbo"),),
    "lerna": ((r"(?:run )?test\b", _T, 0.8, "lerna"),),
    "ng": ((r"test\b", _T, 0.8, "karma"),),
    "grunt": ((r"test\b|$", _T, 0.7, "grunt"),),
    "gulp": ((r"test\b", _T, 0.75, "gulp"),),
    "aegir": ((r"test\b", _T, 0.85, "aegir"),),
    "react-scripts": ((r"test\b", _T, 0.8, "jest"),),
    "deno": ((r"test\b", _T, 0.9, "deno"), (r"bench\b", _B, 0.85, "deno")),
    "node": (
        (r".*--test\b(?!.*--watch)", _T, 0.85, "node"),
        (r".*--check\b", None, 0, ""),
    ),
    "cargo": (
        (r"(?:\+\S+ )?test\b.*--no-run|(?:\+\S+ )?bench\b.*--no-run", None, 0, ""),
        (r"(?:\+\S+ )?(?:-\S+ )*(?:test|t)\b.*--doc\b", _T, 0.7, "cargo"),
        (r"(?:\+\S+ )?(?:-\S+ )*(?:test|t)(?: |$)", _T, 0.95, "cargo"),
        (r"(?:\+\S+ )?nextest (?:run|r)\b", _T, 0.9, "nextest"),
        (r"(?:\+\S+ )?(?:tarpaulin|llvm-cov)\b(?! (?:clean|report|show))", _T, 0.6, "cargo"),
        (
            r"(?:\+\S+ )?(?:hack|careful|miri|all-features|xtask|make|llvm-lines) (?:-\S+ )*(?:next)?test\b",
            _T,
            0.75,
            "cargo",
        ),
        (r"(?:\+\S+ )?(?:bench|criterion|codspeed run)\b", _B, 0.9, "cargo"),
        (
            r"(?:\+\S+ )?(?:install|fmt|clippy|check|build|b|doc|add|publish|update|deny|audit|generate\S*|vet)\b",
            None,
            0,
            "",
        ),
    ),
    "cross": ((r"(?:\+\S+ )?test\b", _T, 0.75, "cargo"),),
    "go": (
        (r"test\b.*-run[= ](?:\^\$|NONE|XXX|none|\^#)\S*.*-bench|test\b.*-bench\b", _B, 0.85, "go"),
        (r"test\b.*(?:-fuzz\b| -c\b| -i\b|-list\b)", None, 0, ""),
        (r"test(?: |$)", _T, 0.95, "go"),
        (r"(?:vet|build|install|get|mod|generate|fmt|work|version|env|doc|tool)\b", None, 0, ""),
    ),
    "gotestsum": ((r"", _T, 0.85, "go"),),
    "richgo": ((r"test\b", _T, 0.8, "go"),),
    "ginkgo": ((r"(?!(?:bootstrap|generate|watch|init)\b)", _T, 0.8, "ginkgo"),),
    "ctest": ((r".*(?:-N|--show-only)\b", None, 0, ""), (r"", _T, 0.95, "ctest")),
    "meson": ((r"test\b.*--benchmark", _B, 0.85, "meson"), (r"test\b", _T, 0.95, "meson"), (r"", None, 0, "")),
    "cmake": (
        (r"--build .*(?:-t|--target)[ =]?(?:run[-_])?(?:test|check|tests|RUN_TESTS)(?= |$)", _T, 0.85, "ctest"),
        (r"--build .*(?:-t|--target)[ =]?(?:\S*[-_])?(?:test|check|tests|\w*unittests?)\b", _T, 0.75, "ctest"),
        (r"", None, 0, ""),
    ),
    "ninja": ((r".*\b(?:test|check)$", _T, 0.85, "ninja"), (r"", None, 0, "")),
    "bazel": ((r"(?:-\S+ )*(?:test|coverage)\b", _T, 0.9, "bazel"), (r"", None, 0, "")),
    "bazelisk": ((r"(?:-\S+ )*test\b", _T, 0.9, "bazel"), (r"", None, 0, "")),
    "buck2": ((r"test\b", _T, 0.9, "buck2"),),
    "scons": ((r".*\b(?:check|test)\b", _T, 0.8, "scons"),),
    "waf": ((r".*\b(?:check|test)\b", _T, 0.8, "waf"),),
    "b2": ((r".*\btest\b", _T, 0.8, "b2"),),
    "xmake": ((r"test\b", _T, 0.85, "xmake"),),
    "mvn": (
        (r".*-D(?:skipTests|maven\.test\.skip)\b(?!=false)", None, 0, ""),
        (
            r".*\b(?:spotless|checkstyle|site|javadoc|deploy|release|dependency|versions|help|archetype)[:\w]*",
            None,
            0,
            "",
        ),
        (r"(?:.* )?(?:integration-)?test(?: |$)", _T, 0.92, "maven"),
        (r"(?:.* )?verify(?: |$)", _T, 0.85, "maven"),
        (r"(?:.* )?(?:install|package)(?: |$)", _T, 0.55, "maven"),
        (r"", None, 0, ""),
    ),
    "gradle": (
        (r".*-x ?(?:test|check)\b", None, 0, ""),
        (r"(?:.* )?\S*\bjmh\b", _B, 0.85, "gradle"),
        (r"(?:.* )?(?:\S*:)?(?:test|\w*[a-z]Tests?|allTests|jvmTest|testAll|test[A-Z]\w+)(?: |$)", _T, 0.92, "gradle"),
        (r"(?:.* )?(?:\S*:)?check(?: |$)", _T, 0.85, "gradle"),
        (r"(?:.* )?(?:\S*:)?build(?: |$)", _T, 0.6, "gradle"),
        (r"", None, 0, ""),
    ),
    "ant": ((r"(?:.* )?\S*(?:test|check)\S*(?: |$)", _T, 0.85, "ant"), (r"", None, 0, "")),
    "sbt": ((r".*\bjmh:run", _B, 0.85, "sbt"), (r".*\btest(?:s|All|Only|JVM|JS|Quick|Full)?\b", _T, 0.9, "sbt")),
    "mill": ((r".*\.test\b", _T, 0.85, "mill"),),
    "lein": ((r".*\btest\b|midje|kaocha", _T, 0.9, "lein"),),
    "clojure": ((r".*test", _T, 0.8, "clojure"),),
    "clj": ((r".*test", _T, 0.8, "clojure"),),
    "bb": ((r"test\b", _T, 0.8, "bb"),),
    "mix": ((r"(?:test|coveralls\S*|espec)(?: |$)", _T, 0.95, "mix"), (r"", None, 0, "")),
    "rebar3": ((r".*\b(?:eunit|ct|proper|test)\b", _T, 0.9, "rebar3"), (r"", None, 0, "")),
    "gleam": ((r"test\b", _T, 0.9, "gleam"),),
    "stack": ((r".*\btest\b|.*--test\b", _T, 0.9, "stack"), (r"bench\b", _B, 0.85, "stack"), (r"", None, 0, "")),
    "cabal": (
        (r"(?:v2-|new-)?test\b", _T, 0.9, "cabal"),
        (r"(?:v2-|new-)?bench\b", _B, 0.85, "cabal"),
        (r"(?:v2-|new-)?run (?:test|spec)\b", _T, 0.8, "cabal"),
        (r"", None, 0, ""),
    ),
    "topkg": ((r"test\b", _T, 0.85, "topkg"), (r"", None, 0, "")),
    "b0": ((r"test\b|.*\btest$", _T, 0.8, "b0"), (r"", None, 0, "")),
    "dune": ((r"(?:runtest|test)\b|build.*@(?:\S*/)?runtest", _T, 0.9, "dune"), (r"", None, 0, "")),
    "swift": ((r"test\b", _T, 0.95, "swift"), (r"", None, 0, "")),
    "xcodebuild": ((r".*\btest\b", _T, 0.8, "xcodebuild"), (r"", None, 0, "")),
    "fastlane": ((r".*\b(?:test|tests|scan)\b", _T, 0.7, "fastlane"),),
    "dotnet": (
        (r"test\b.*--list-tests", None, 0, ""),
        (r"test(?: |$)|vstest\b", _T, 0.95, "dotnet"),
        (r"run\b.*bench", _B, 0.8, "dotnet"),
        (r"run\b.*test", _T, 0.7, "dotnet"),
        (r"", None, 0, ""),
    ),
    "phpunit": ((r"install\b|.*--(?:version|list\S+|generate\S+|migrate\S+)", None, 0, ""), (r"", _T, 0.92, "phpunit")),
    "simple-phpunit": ((r"install|.*--version", None, 0, ""), (r"", _T, 0.9, "phpunit")),
    "pest": ((r"", _T, 0.92, "pest"),),
    "paratest": ((r"", _T, 0.85, "phpunit"),),
    "codecept": ((r"run\b", _T, 0.85, "codeception"),),
    "behat": ((r"", _T, 0.75, "behat"),),
    "phpspec": ((r"run\b", _T, 0.8, "phpspec"),),
    "phpbench": ((r"run\b", _B, 0.85, "phpbench"),),
    "kahlan": ((r"", _T, 0.8, "kahlan"),),
    "prove": ((r"", _T, 0.92, "prove"),),
    "yath": ((r"(?:test)?\b", _T, 0.85, "yath"),),
    "dzil": ((r"test\b", _T, 0.85, "dzil"), (r"", None, 0, "")),
    "minil": ((r"test\b", _T, 0.85, "minil"), (r"", None, 0, "")),
    "Build": ((r"test\b", _T, 0.85, "prove"),),
    "rspec": ((r".*--(?:init|version)\b", None, 0, ""), (r"", _T, 0.92, "rspec")),
    "cucumber": ((r"", _T, 0.75, "cucumber"),),
    "rails": ((r"(?:test\S*|spec)\b", _T, 0.85, "rails"), (r"", None, 0, "")),
    "appraisal": ((r".*\b(?:rspec|rake|test|spec)\b", _T, 0.75, "rake"), (r"", None, 0, "")),
    "busted": ((r"", _T, 0.9, "busted"),),
    "bats": ((r"", _T, 0.9, "bats"),),
    "shellspec": ((r"(?!--(?:init|version))", _T, 0.9, "shellspec"),),
    "shpec": ((r"", _T, 0.85, "shpec"),),
    "kcov": ((r".*\bbats\b", _T, 0.6, "bats"),),
    "flutter": ((r"test\b", _T, 0.9, "flutter"), (r"", None, 0, "")),
    "dart": ((r"(?:run )?test\b|pub run test", _T, 0.9, "dart"), (r"", None, 0, "")),
    "melos": ((r"(?:run )?test\b", _T, 0.8, "melos"),),
    "elm-test": ((r"(?!init)", _T, 0.9, "elm-test"),),
    "zig": ((r"build .*\btest\b|test\b", _T, 0.92, "zig"), (r"", None, 0, "")),
    "nimble": ((r"(?:-\S+ )*test\b", _T, 0.92, "nimble"), (r"", None, 0, "")),
    "testament": ((r"", _T, 0.85, "testament"),),
    "crystal": ((r"spec\b", _T, 0.92, "crystal"), (r"", None, 0, "")),
    "dub": ((r"test\b", _T, 0.92, "dub"), (r"", None, 0, "")),
    "fpm": ((r"test\b", _T, 0.85, "fpm"),),
    "alr": ((r"test\b", _T, 0.8, "alr"),),
    "forge": ((r"test\b", _T, 0.92, "forge"), (r"", None, 0, "")),
    "hardhat": ((r"test\b", _T, 0.9, "hardhat"), (r"", None, 0, "")),
    "truffle": ((r"test\b", _T, 0.85, "truffle"),),
    "anchor": ((r"test\b", _T, 0.85, "anchor"),),
    "julia": ((r".*Pkg\.test|.*test/runtests\.jl", _T, 0.92, "julia"), (r".*bench", _B, 0.8, "julia")),
    "Rscript": ((r".*(?:devtools::(?:test|check)|testthat::|rcmdcheck|tinytest::)", _T, 0.85, "testthat"),),
    "R": ((r".*CMD check\b|.*(?:devtools::(?:test|check)|testthat::)", _T, 0.85, "R"), (r"", None, 0, "")),
    "luarocks": ((r"test\b", _T, 0.85, "luarocks"), (r"", None, 0, "")),
    "perl": ((r"(?:\./)?Build(?:\.PL)? test|-Ilib t/\S+", _T, 0.7, "prove"), (r"(?:Makefile|Build)\.PL", None, 0, "")),
    "raku": ((r".*\bprove6?\b", _T, 0.7, "prove"),),
    "zef": ((r"test\b", _T, 0.8, "zef"), (r"", None, 0, "")),
    "inspect": ((r"eval(?:-set)?\b", _E, 0.9, "inspect"), (r"", None, 0, "")),
    "promptfoo": ((r"eval\b", _E, 0.85, "promptfoo"), (r"", None, 0, "")),
    "deepeval": ((r"test run\b", _E, 0.85, "deepeval"), (r"", None, 0, "")),
    "hyperfine": ((r"", _B, 0.7, "hyperfine"),),
    "k6": ((r"run\b", _B, 0.6, "k6"),),
    "molecule": ((r"test\b", _T, 0.8, "molecule"),),
    "helm": ((r"unittest\b", _T, 0.8, "helm"), (r"", None, 0, "")),
    "terraform": ((r"test\b", _T, 0.8, "terraform"), (r"", None, 0, "")),
    "ansible-test": ((r"(?:units|integration)\b", _T, 0.8, "ansible-test"),),
    "opa": ((r"test\b", _T, 0.85, "opa"),),
    "nvim": ((r".*(?:PlenaryBusted|minimal_init|test)", _T, 0.75, "plenary"),),
    "emacs": ((r".*(?:ert-run-tests-batch|buttercup-run)", _T, 0.8, "ert"),),
    "eask": ((r"test\b", _T, 0.8, "ert"),),
    "robot": ((r"", _T, 0.7, "robot"),),
    "pre-commit": ((r"", None, 0, ""),),
}
_ALIASES = {
    "gradlew": "gradle",
    "mvnw": "mvn",
    "mvnd": "mvn",
    "bazelw": "bazel",
    "py.test": "pytest",
    "pytest-3": "pytest",
}


@cache
def _compiled(program: str) -> tuple[tuple[re.Pattern[str], Call], ...] | None:
    """The rules of a program; compiled when it is first met, for most repositories meet few."""
    rules = _RULES.get(_ALIASES.get(program, program))
    if rules is None:
        return None
    return tuple((re.compile(pattern), Call(purpose, strength, runner)) for pattern, purpose, strength, runner in rules)


def is_known(program: str) -> bool:
    """Whether a program's calls are told apart by their arguments."""
    return program in _RULES or program in _ALIASES


def direct_call(words: tuple[str, ...]) -> Call | None:
    """What a call of a known program is for; None for programs that are not known to be for anything.

    Args:
        words: the program and its arguments, without wrappers.
    """
    program = words[0].rpartition("/")[2]
    rules = _compiled(program)
    if rules is None:
        return None
    rest = " ".join(words[1:])[:2_000]
    return next((call for pattern, call in rules if pattern.match(rest)), None)
