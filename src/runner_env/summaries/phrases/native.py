"""Runners of the C family and of the tools that build it."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Block, Phrase
from runner_env.summaries.phrases.building import of_block, of_phrases

_c = re.compile
_AUTOMAKE = _c(r"(?:PASS|FAIL|SKIP|XFAIL): \S")
C_FAMILY = (
    of_phrases(
        "catch2",
        (b"test cases: ", b"All tests passed (", b" test case", b"No tests ran"),
        Phrase(
            _c(
                r"test cases: +(?P<total>\d+)(?: +\| +(?P<passed>\d+) passed)?(?: +\| +(?P<failed>\d+) failed)?"
                r"(?: +\| +(?P<skipped>\d+) skipped)?(?: +\| +(?P<xfailed>\d+) failed as expected)?"
            ),
            sequel=_c(r"assertions: "),
        ),
        Phrase(_c(r"All tests passed \([\d']+ assertions? in (?P<passed>\d+) test cases?\)")),
        Phrase(_c(r"Passed (?:all |both )?(?P<passed>\d+) test cases? with (?:\d+|no) assertions?\.")),
        Phrase(
            _c(r"Failed (?P<alone>)(?:all |both )?(?P<failed>\d+) test cases?, failed (?:all |both )?\d+ assertions?\.")
        ),
        Phrase(_c(r"No tests ran(?P<total>)"), evidence=_c(r"={70,}|Filters: |No test cases matched ")),
    ),
    of_phrases(
        "doctest-cpp",
        (b"[doctest] test cases:",),
        Phrase(
            _c(
                r"\[doctest\] test cases: +\d+ +\| +(?P<passed>\d+) passed +\| +(?P<failed>\d+) failed +\|(?: +"
                r"(?P<skipped>\d+) skipped)?"
            ),
            sequel=_c(r"\[doctest\] assertions: "),
        ),
    ),
    of_phrases(
        "criterion",
        (b"Synthesis: ",),
        Phrase(
            _c(
                r"\[=+\] Synthesis: Tested: (?P<total>\d+) \| Passing: (?P<passed>\d+) \| Failing: "
                r"(?P<failed>\d+) \| Crashing: (?P<errors>\d+)"
            )
        ),
    ),
    of_block(
        "cmocka",
        (b" test(s)",),
        Block(
            _c(
                r"\[=+\] (?:.*: )?(?P<total>\d+) test\(s\) run\.|\[ {2}PASSED {2}\] (?P<passed>\d+) test\(s\)\."
                r"|\[ {2}SKIPPED \] (?P<skipped>\d+) test\(s\).*|\[ {2}FAILED {2}\] .*?(?P<failed>\d+) test\(s\).*"
            ),
            need=("total", "passed"),
            between=_c(r"\[ +(?:SKIPPED|FAILED)"),
        ),
    ),
    of_phrases(
        "check",
        (b"%: Checks: ",),
        Phrase(_c(r"\d+%: Checks: (?P<total>\d+), Failures: (?P<failed>\d+), Errors: (?P<errors>\d+)")),
    ),
    of_phrases(
        "unity",
        (b" Ignored",),
        Phrase(
            _c(r"(?P<total>\d+) Tests (?P<failed>\d+) Failures (?P<skipped>\d+) Ignored"),
            sequel=_c(r"OK$|FAIL$"),
            within=1,
        ),
    ),
    of_block(
        "meson",
        (b"Ok:  ",),
        Block(
            _c(
                r"(?:Ok: +(?P<passed>\d+)|Expected Fail: +(?P<xfailed>\d+)|Fail: +(?P<failed>\d+)"
                r"|Unexpected Pass: +(?P<xpassed>\d+)|Skipped: +(?P<skipped>\d+)"
                r"|Timeout: +(?P<failed2>\d+)|Ignored: +\d+|Pending: +\d+)"
            ),
            need=("passed",),
        ),
    ),
    of_block(
        "automake",
        (b"# TOTAL:",),
        Block(
            _c(
                r"# (?:TOTAL: +(?P<total>\d+)|PASS: +(?P<passed>\d+)|SKIP: +(?P<skipped>\d+)|XFAIL: +"
                r"(?P<xfailed>\d+)|FAIL: +(?P<failed>\d+)|XPASS: +(?P<xpassed>\d+)"
                r"|ERROR: +(?P<errors>\d+))"
            ),
            need=("total", "passed", "failed", "errors"),
            evidence=_c(r"(?:Testsuite summary for|PASS: |FAIL: |SKIP: |XFAIL: |ERROR: )"),
        ),
        over=("tap",),
    ),
    of_block(
        "automake",
        (b" tests passed", b" test passed"),
        Block(
            _c(
                r"(?:(?:All )?(?P<passed>\d+) tests? passed"
                r"|\((?P<skipped>\d+) tests? (?:was|were) not run\))"
            ),
            need=("passed",),
            evidence=_AUTOMAKE,
        ),
        name="automake-old",
    ),
    of_phrases(
        "automake",
        (b" tests failed", b" test failed"),
        Phrase(
            _c(r"(?P<failed>\d+) of (?P<total>\d+) tests? failed"),
            evidence=_AUTOMAKE,
            sequel=_c(r"={3,}$|Please report to |See "),  # not what was not run: that is no part of the total
            within=0,
        ),
        name="automake-old-failed",
    ),
    of_block(
        "lit",
        (b"Testing Time:",),
        Block(
            _c(
                r" {2}(?:Passed *: +(?P<passed>\d+)|Failed *: +(?P<failed>\d+)|Unsupported *: +(?P<skipped>\d+)"
                r"|Skipped *: +(?P<skipped2>\d+)"
                r"|Expectedly Failed *: +(?P<xfailed>\d+)|Unexpectedly Passed *: +(?P<xpassed>\d+)"
                r"|Timed Out *: +(?P<failed2>\d+)|Unresolved *: +(?P<errors>\d+)"
                r"|Excluded *: +(?P<deselected>\d+)|Expected Passes *: +(?P<passed2>\d+)"
                r"|Unexpected Failures *: +(?P<failed3>\d+)"
                r"|Unsupported Tests *: +(?P<skipped3>\d+)|Expected Failures *: +(?P<xfailed2>\d+)|(?:Passed"
                r"|Failed) With Retry.*)(?: +\(.*\))?"
            ),
            need=(),
            between=_c(r"Total Discovered Tests: "),
            evidence=_c(r"Testing Time: "),
        ),
    ),
    of_phrases(
        "bazel",
        (b"Executed ",),
        Phrase(
            _c(
                r"Executed \d+ out of (?P<total>\d+) tests?: (?:(?P<passed>\d+) tests? pass(?:es)?\.?)?"
                r"(?: and )?(?:(?P<failed>\d+) fails? (?:locally|remotely)\.?)?(?:, )?(?: and )?(?:"
                r"(?P<skipped>\d+) (?:was|were) skipped\.?)?"
            )
        ),
        over=("googletest", "pytest", "go", "unittest", "junit4"),
    ),
)
