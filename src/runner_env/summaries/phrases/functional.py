"""Runners of functional languages and of small ones."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Phrase
from runner_env.summaries.phrases.building import of_phrases

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
