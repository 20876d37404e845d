"""More runners that state their result in one line or a few: functional languages, the JVM, the C family."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Block, Phrase
from runner_env.summaries.phrases import of_block, of_phrases

_c = re.compile
FUNCTIONAL = (
    of_phrases(
        "exunit",
        (b" tests, ", b" test, ", b" doctest", b" propert"),
        Phrase(
            _c(
                r"(?:(?P<total>\d+) doctests?, )?(?:(?P<total2>\d+) properties, |(?P<total4>\d+) property, )?"
                r"(?P<total3>\d+) tests?, (?P<failed>\d+) failures?"
                r"(?:, (?P<deselected>(?P<less>\d+)) excluded)?(?:, (?P<errors>\d+) invalid)?(?:, "
                r"(?P<skipped>\d+) skipped)?"
            ),
            evidence=_c(r"Finished in [\d.]+ seconds"),
        ),
    ),
    of_phrases(
        "tasty",
        (b" tests passed (", b" tests failed (", b" test passed ("),
        Phrase(_c(r"All (?P<passed>\d+) tests? passed \([\d.]+s\)")),
        Phrase(_c(r"(?P<failed>\d+) out of (?P<total>\d+) tests failed \([\d.]+s\)")),
    ),
    of_phrases(
        "hunit",
        (b"Tried: ",),
        Phrase(_c(r"Cases: \d+ +Tried: (?P<total>\d+) +Errors: (?P<errors>\d+) +Failures: (?P<failed>\d+)")),
    ),
    of_phrases(
        "ounit",
        (b"Ran: ", b"FAILED: Cases"),
        Phrase(_c(r"Ran: (?P<total>\d+) tests in: [\d.]+ seconds\."), sequel=_c(r"OK$"), within=2),
        Phrase(
            _c(
                r"FAILED: Cases: (?P<total>\d+) Tried: \d+ Errors: (?P<errors>\d+) Failures: "
                r"(?P<failed>\d+) Skip: ?(?P<skipped>\d+) Todo: ?\d+ Timeouts: ?(?P<errors2>\d+)\."
            )
        ),
    ),
    of_phrases(
        "alcotest",
        (b" tests run.", b" test run."),
        Phrase(_c(r"Test Successful in [\d.]+s\. (?P<total>\d+) tests? run\.")),
        Phrase(_c(r"(?P<failed>\d+) (?:failure|error)s?! in [\d.]+s\. (?P<total>\d+) tests? run\.")),
    ),
    of_phrases(
        "zig",
        (b" tests passed.", b" passed; ", b" tests passed"),
        Phrase(_c(r"All (?P<passed>\d+) tests passed\."), evidence=_c(r"(?:\d+/\d+ .*\.\.\.|Test \[\d+/\d+\])")),
        Phrase(_c(r"(?P<passed>\d+) passed; (?P<skipped>\d+) skipped; (?P<failed>\d+) failed\.")),
        Phrase(
            _c(
                r"Build Summary: \d+/\d+ steps succeeded(?:; \d+ (?:failed|skipped))*; (?P<passed>\d+)/"
                r"(?P<total>\d+) tests passed"
                r"(?:; (?P<skipped>\d+) skipped)?(?:; (?P<failed>\d+) failed)?(?: \(.*\))?"
            )
        ),
    ),
    of_phrases(
        "eunit",
        (b"All ", b"Failed: ", b" Test passed.", b"tests passed.", b"no tests to run."),
        Phrase(
            _c(r" {2}(?:All )?(?P<passed>\d+) tests passed\."),
        ),
        Phrase(_c(r" {2}Test passed\.(?P<one>)")),
        Phrase(_c(r" {2}There were no tests to run\.(?P<total>)")),
        Phrase(_c(r" {2}Failed: (?P<failed>\d+)\. {2}Skipped: (?P<skipped>\d+)\. {2}Passed: (?P<passed>\d+)\.")),
        Phrase(
            _c(r"(?P<total>\d+) tests, (?P<failed>\d+) failures(?:, (?P<skipped>\d+) skips)?"),
            evidence=_c(r"Finished in [\d.]+ seconds"),
        ),
    ),
    of_phrases(
        "common_test",
        (b"TEST COMPLETE", b"Passed ", b"tests passed."),
        Phrase(
            _c(
                r"Testing .{1,300}: TEST COMPLETE, (?P<passed>\d+) ok, (?P<failed>\d+) failed(?:, "
                r"(?P<skipped>\d+) skipped)? of (?P<total>\d+) test cases"
            )
        ),
        Phrase(
            _c(
                r"(?:Failed (?P<failed>\d+) tests\. )?(?:Skipped (?P<skipped>\d+) (?:\(.*\) )?tests\. )?Passed "
                r"(?P<passed>\d+) tests\."
            ),
            evidence=_c(r"===> Running Common Test suites"),
        ),
        Phrase(_c(r"All (?P<passed>\d+) tests passed\."), evidence=_c(r"===> Running Common Test suites")),
    ),
    of_phrases(
        "busted",
        (b" success",),
        Phrase(
            _c(
                r"(?P<passed>\d+) success(?:es)? / (?P<failed>\d+) failures? / (?P<errors>\d+) errors? / "
                r"(?P<skipped>\d+) pending : [\d.]+ seconds"
            ),
            evidence=_c(r"[-+.*●○◌◼✱✓✗ ]+$"),
        ),
    ),
    of_phrases(
        "luaunit",
        (b"Ran ",),
        Phrase(
            _c(
                r"Ran \d+ tests in [\d.]+ seconds, (?P<passed>\d+) success(?:es)?, (?P<failed>\d+) failures?"
                r"(?:, (?P<errors>\d+) errors?)?(?:, (?P<skipped>\d+) skipped)?"
                r"(?:, (?P<deselected>\d+) non-selected)?"
            )
        ),
    ),
    of_phrases(
        "testthat",
        (b"| PASS ",),
        Phrase(
            _c(r"\[ FAIL (?P<failed>\d+) \| WARN \d+ \| SKIP (?P<skipped>\d+) \| PASS (?P<passed>\d+) \]"),
            last=True,
        ),
    ),
    of_phrases(
        "dart",
        (b": All tests passed!", b": Some tests failed.", b"tests skipped."),
        Phrase(
            _c(
                r"\d\d:\d\d \+(?P<passed>\d+)(?: ~(?P<skipped>\d+))?(?: -(?P<failed>\d+))?: (?:All tests passed!"
                r"|(?P<bad>Some tests failed\.)|All (?:other )?tests (?:passed!|skipped\.))"
            )
        ),
    ),
    of_phrases(
        "kaocha",
        (b" assertions, ",),
        Phrase(
            _c(
                r"(?P<total>\d+) tests?, \d+ assertions?(?:, (?P<errors>\d+) errors?)?(?:, "
                r"(?P<skipped>\d+) pending)?, (?P<failed>\d+) failures?\."
            )
        ),
    ),
)

JVM = (
    of_phrases(
        "scalatest",
        (b"Tests: succeeded ",),
        Phrase(
            _c(
                r"(?:\[\w+\] )?Tests: succeeded (?P<passed>\d+), failed (?P<failed>\d+), canceled "
                r"(?P<skipped>\d+), ignored (?P<skipped2>\d+), pending (?P<skipped3>\d+)"
            )
        ),
    ),
    of_phrases(
        "sbt",
        (b": Total ",),
        Phrase(
            _c(
                r"(?:\[\w+\] )?(?:Passed|(?P<bad>Failed|Error)): Total (?P<total>\d+), Failed "
                r"(?P<failed>\d+), Errors (?P<errors>\d+), Passed (?P<passed>\d+)"
                r"(?:, Skipped (?P<skipped0>\d+))?(?:, Ignored (?P<skipped>(?P<more>\d+)))?(?:, Canceled "
                r"(?P<skipped2>\d+))?(?:, Pending (?P<skipped3>\d+))?"
            )
        ),
    ),
    of_phrases(
        "testng",
        (b"Total tests run",),
        Phrase(
            _c(
                r"Total tests run: (?P<total>\d+), Passes: (?P<passed>\d+), Failures: (?P<failed>\d+), Skips: "
                r"(?P<skipped>\d+)"
            )
        ),
        Phrase(_c(r"Total tests run: (?P<total>\d+), Failures: (?P<failed>\d+), Skips: (?P<skipped>\d+)")),
    ),
    of_phrases(
        "junit",
        (b"[junit] Tests run: ",),
        Phrase(
            _c(
                r" *\[junit\] Tests run: (?P<total>\d+), Failures: (?P<failed>\d+), Errors: (?P<errors>\d+)"
                r"(?:, Skipped: (?P<skipped>\d+))?, Time elapsed: .*"
            )
        ),
        name="ant",
    ),
    of_phrases(
        "junit4",
        (b"OK (", b"Tests run: "),
        Phrase(_c(r"OK \((?P<total>\d+) tests?\)"), evidence=_c(r"JUnit version ")),
        Phrase(_c(r"Tests run: (?P<total>\d+), {1,2}Failures: (?P<failed>\d+)"), evidence=_c(r"JUnit version ")),
    ),
    of_block(
        "junit",
        (b" tests found ", b" tests successful "),
        Block(
            _c(
                r"\[ +(?:(?P<total>\d+) tests found|(?P<skipped>\d+) tests skipped|\d+ tests started|"
                r"(?P<skipped2>\d+) tests aborted|(?P<passed>\d+) tests successful|(?P<failed>\d+) tests failed) +\]"
            ),
            need=("total", "passed", "failed"),
        ),
    ),
    of_phrases(
        "gradle",
        (b"Results: ", b"Executed "),
        Phrase(
            _c(
                r"\|? *Results?: (?:SUCCESS|(?P<bad>FAILURE)) \((?P<total>\d+) tests?, (?P<passed>\d+) (?:passed"
                r"|successes|succeeded|successful), (?P<failed>\d+) (?:failed|failures), (?P<skipped>\d+) "
                r"(?:skipped|ignored)\) *\|?"
            )
        ),
        Phrase(
            _c(
                r"(?:SUCCESS|(?P<bad>FAILURE)): Executed (?P<total>\d+) tests? in [\w .]+?(?: \("
                r"(?P<failed>\d+) failed\)| \((?P<skipped>\d+) skipped\)| \((?P<failed2>\d+) failed, "
                r"(?P<skipped2>\d+) skipped\))?"
            )
        ),
        over=("gradle",),
        name="gradle-results",
    ),
    of_phrases(
        "specs2",
        (b" examples, ", b" example, "),
        Phrase(
            _c(
                r"(?:\[\w+\] )?(?P<total>\d+) examples?(?:, \d+ expectations?)?, (?P<failed>\d+) failures?, "
                r"(?P<errors>\d+) errors?(?:, (?P<skipped>\d+) (?:skipped|pending))?"
            ),
            evidence=_c(r"(?:\[\w+\] )?Finished in .* (?:ms|seconds?|minutes?)"),
        ),
    ),
)

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

GO = (
    of_phrases(
        "ginkgo",
        (b" Passed | ",),
        Phrase(
            _c(
                r"(?:SUCCESS|(?P<bad>FAIL))! -- (?P<passed>\d+) Passed \| (?P<failed>\d+) Failed(?: \| \d+ Flaked)?"
                r" \| (?P<skipped>\d+) Pending \| (?P<skipped2>\d+) Skipped.*"
            ),
            evidence=_c(r"Ran \d+ of \d+ Specs? in "),
        ),
    ),
    of_phrases(
        "go",
        (b"DONE ",),
        Phrase(
            _c(
                r"DONE (?:\d+ runs, )?(?P<total>\d+) tests?(?:, (?P<skipped>\d+) skipped)?"
                r"(?:, (?P<failed>\d+) failures?)?(?:, (?P<errors>(?P<more>\d+)) errors?)? in [\d.]+s"
            )
        ),
        over=("go",),
        name="gotestsum",
    ),
)

DOTNET = (
    of_phrases(
        "nunit",
        (b"Test Count: ",),
        Phrase(
            _c(
                r" +Test Count: (?P<total>\d+), Passed: (?P<passed>\d+), Failed: (?P<failed>\d+)"
                r"(?:, Warnings: (?P<passed2>\d+))?, Inconclusive: (?P<skipped>\d+), Skipped: (?P<skipped2>\d+)"
            )
        ),
    ),
    of_phrases(
        "xunit",
        (b"Total: ",),
        Phrase(
            _c(
                r" {2,}\S.{0,200}? +Total: (?P<total>\d+), Errors: (?P<errors>\d+), Failed: (?P<failed>\d+), "
                r"Skipped: (?P<skipped>\d+)(?:, Not Run: (?P<less>\d+))?, Time: [\d.]+s"
            )
        ),
    ),
)

MORE_PHRASES = GO + DOTNET + FUNCTIONAL + JVM + C_FAMILY
