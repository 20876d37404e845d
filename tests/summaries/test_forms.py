"""Statements of runners in the form that their documentation or their source gives them."""

from __future__ import annotations

from time import process_time

import pytest

from runner_env.summaries import summarize

Counts = tuple[int, int, int, int, int]
FORMS: dict[str, tuple[str, Counts]] = {
    "nunit": (
        (
            "Test Run Summary\n  Overall result: Failed\n  Test Count: 10, Passed: 7, Failed: 1, Warnings: 1, "
            "Inconclusive: 0, Skipped: 1\n"
        ),
        (8, 1, 0, 1, 10),
    ),
    "xunit": (
        (
            "=== TEST EXECUTION SUMMARY ===\n   a  Total: 6, Errors: 0, Failed: 1, Skipped: 1, Time: 0.123s\n"
            "   b  Total: 4, Errors: 0, Failed: 0, Skipped: 0, Time: 0.1s\n"
        ),
        (8, 1, 0, 1, 10),
    ),
    "ant": (
        (
            "    [junit] Running a.ATest\n    [junit] Tests run: 5, Failures: 1, Errors: 1, Skipped: 0, Time elapsed: "
            "0.05 sec\n"
        ),
        (3, 1, 1, 0, 5),
    ),
    "gauge": (
        (
            "Specifications:\t1 executed\t0 passed\t1 failed\t0 skipped\n"
            "Scenarios:\t3 executed\t2 passed\t1 failed\t0 skipped\n"
        ),
        (2, 1, 0, 0, 3),
    ),
    "cucumber-jvm": ("3 Scenarios (1 failed, 2 passed)\n9 Steps (1 failed, 2 skipped, 6 passed)\n", (2, 1, 0, 0, 3)),
    "common test": ("===> Running Common Test suites...\nAll 3 tests passed.\n", (3, 0, 0, 0, 3)),
    "ginkgo": (
        "Ran 9 of 10 Specs in 0.001 seconds\nFAIL! -- 8 Passed | 1 Failed | 0 Pending | 1 Skipped\n",
        (8, 1, 0, 1, 10),
    ),
    "gotestsum": ("=== Failed\n\nDONE 9 tests, 1 skipped, 1 failure in 0.123s\n", (7, 1, 0, 1, 9)),
    "automake before 1.12": (
        "PASS: a\nPASS: b\n==================\nAll 2 tests passed\n===========\n",
        (2, 0, 0, 0, 2),
    ),
    "automake that failed": (
        "PASS: a\nFAIL: b\n==================\n1 of 2 tests failed\n===========\n",
        (1, 1, 0, 0, 2),
    ),
    "lit": (
        (
            "Testing Time: 0.50s\n\nTotal Discovered Tests: 10\n  Unsupported: 1 (10.00%)\n  Passed     : 8 (80.00%)\n"
            "  Failed     : 1 (10.00%)\n"
        ),
        (8, 1, 0, 1, 10),
    ),
    "shunit2": (
        "testA\ntestB\nASSERT:expected:<1> but was:<2>\nASSERT:no\ntestC\n\nRan 3 tests.\n\nFAILED (failures=2)\n",
        (2, 1, 0, 0, 3),
    ),
    "web test runner": (
        (
            "Chromium: |████████| 2/2 test files | 3 passed, 1 failed\n\nFinished running tests in 1.2s with 1 failed "
            "tests.\n"
        ),
        (3, 1, 0, 0, 4),
    ),
    "gradle's events": (
        (
            "> Task :a:test\n\nATest > x PASSED\n\nATest > y() SKIPPED\n\n> Task :b:test FAILED\n\nBTest > p PASSED\n\n"
            "BTest > q FAILED\n    AssertionError at B.java:9\n\n2 tests completed, 1 failed\n\nBUILD FAILED in 3s\n"
        ),
        (2, 1, 0, 1, 4),
    ),
    "node-tap's XML": (
        (
            '<testsuites><testsuite name="a">\n<testcase name="b"/>\n<testcase name="c"><properties>\n'
            '<property name="skip" value="true"/>\n</properties></testcase>\n</testsuite></testsuites>\n'
        ),
        (1, 0, 0, 1, 2),
    ),
    "a report of failures below a test's words": (
        (
            '  9 passing (3ms)\n\n<testsuite name="Mocha Tests" tests="2" failures="0" errors="1">\n'
            '<testcase name="a"/>\n'
            '<testcase name="b"><failure>no</failure></testcase>\n</testsuite>\n'
        ),
        (1, 1, 0, 0, 2),
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    """Every count is exact, and only what failed nowhere is good."""
    text, counts = FORMS[name]
    found = summarize(text)
    assert (found.passed, found.failed, found.errors, found.skipped, found.total) == counts
    assert found.ok == (counts[1] + counts[2] == 0)


@pytest.mark.parametrize("end", ["", "\n> Task :b:test\n"])
def test_a_build_that_did_not_end(end: str) -> None:
    """Gradle's events of a build that broke off are no score."""
    found = summarize(f"> Task :a:test\n\nATest > x PASSED\n{end}")
    assert (found.passed, found.ok, found.score) == (1, False, None)


def test_gradle_told_only_what_failed() -> None:
    """Without one that passed the others are not told of, and are not counted."""
    assert summarize("> Task :test\n\nATest > y() SKIPPED\n\nBUILD SUCCESSFUL in 1s\n").runner is None


def test_as_many_sessions_as_lines() -> None:
    """A hundred thousand statements are read in the time that their lines take."""
    begun = process_time()
    summarize("[=====] 1 tests from 1 test suite ran.\n" * 100_000)
    assert process_time() - begun < 20
