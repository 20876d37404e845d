"""Runners of JavaScript, in Node, in browsers and elsewhere."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Block, Phrase
from runner_env.summaries.phrases.building import of_block, of_phrases

_c = re.compile
JAVASCRIPT = (
    of_phrases(
        "jasmine",
        (b" spec",),
        Phrase(
            _c(r"(?P<total>\d+) specs?, (?P<failed>\d+) failures?(?:, (?P<skipped>\d+) pending specs?)?"),
            sequel=_c(r"(?:Finished in [\d.]+ seconds?|Incomplete: )"),
        ),
    ),
    of_phrases(
        "karma",
        (b"Executed ", b"TOTAL: "),
        Phrase(_c(r"TOTAL: (?P<passed>\d+) SUCCESS"), evidence=_c(r".*Executed \d+ of \d+"), last=True),
        Phrase(
            _c(r"TOTAL: (?P<failed>\d+) FAILED, (?P<passed>\d+) SUCCESS"),
            evidence=_c(r".*Executed \d+ of \d+"),
            last=True,
        ),
        Phrase(
            _c(
                r".{1,80}: Executed (?P<total>\d+) of \d+ (?:SUCCESS|\((?P<failed>\d+) FAILED\)|(?P<bad>ERROR"
                r"|DISCONNECTED))"
                r"(?: \(skipped (?P<skipped>\d+)\))?(?: (?:SUCCESS|ERROR))? \([\d.]+ (?:secs?|mins?.*) / .*\)"
            ),
            last=True,
        ),
    ),
    of_block(
        "uvu",
        (b"Total:  ",),
        Block(
            _c(
                r" {2}(?:Total: +(?P<total>\d+)|Passed: +(?P<passed>\d+)|Skipped: +(?P<skipped>(?P<more>\d+))|"
                r"(?:Time|Duration): .*)"
            ),
            need=("total", "passed", "skipped"),
        ),
    ),
    of_block(
        "bun",
        (b" pass",),
        Block(
            _c(
                r" *(?P<passed>\d+) pass| *(?P<skipped>\d+) skip| *(?P<todo>\d+) todo| *(?P<failed>\d+) fail| *"
                r"(?P<deselected>\d+) filtered out"
                r"| *(?P<errors>\d+) errors?"
            ),
            need=("passed", "failed"),
            between=_c(r" *\d+ (?:expect\(\) calls|snapshots)"),
            closing=_c(r"Ran \d+ tests? across \d+ files?\. "),
        ),
    ),
    of_phrases(
        "deno",
        (b" passed ",),
        Phrase(
            _c(
                r"(?:ok|(?P<bad>FAILED)) \| (?P<passed>\d+) passed(?: \(\d+ steps?\))? \| (?P<failed>\d+) failed"
                r"(?: \(\d+ steps?\))?"
                r"(?: \| (?P<skipped>\d+) ignored(?: \(\d+ steps?\))?)?(?: \| \d+ measured)?(?: \| "
                r"(?P<deselected>\d+) filtered out)? \(.*\)"
            )
        ),
    ),
    of_phrases(
        "lab",
        (b"Test duration: ",),
        Phrase(
            _c(r"(?P<passed>\d+) tests? (?:passed|complete)(?: \((?P<skipped>\d+) skipped\))?"),
            sequel=_c(r"Test duration: "),
        ),
        Phrase(
            _c(r"(?P<failed>\d+) of (?P<total>\d+) tests? failed(?: \((?P<skipped>(?P<more>\d+)) skipped\))?"),
            sequel=_c(r"Test duration: "),
        ),
    ),
    of_phrases(
        "tap",
        (b"Asserts: ", b"# { total: "),
        Phrase(
            _c(
                r"Asserts: +(?:(?P<failed>\d+) failed, )?(?:(?P<passed>\d+) passed, )?(?:(?P<todo>\d+) todo, )?"
                r"(?:(?P<skipped>\d+) skip, )?of (?P<total>\d+)"
            ),
            evidence=_c(r".*Suites: "),
            last=True,
        ),
        Phrase(
            _c(
                r"# \{ total: (?P<total>\d+)(?:, pass: (?P<passed>\d+))?(?:, fail: (?P<failed>\d+))?(?:, todo: "
                r"(?P<todo>\d+))?(?:, skip: (?P<skipped>\d+))? \}"
            ),
            last=True,
        ),
        Phrase(
            _c(
                r"Asserts: +(?P<passed>\d+) pass +(?P<failed>\d+) fail +(?P<skipped>\d+) skip(?: +"
                r"(?P<todo>\d+) todo)? +\d+ of \d+ complete"
            ),
            last=True,
        ),
        over=("tap",),
        name="tap-report",
    ),
    of_block(
        "tap-spec",
        (b"passing:  ",),
        Block(
            _c(r" {2}(?:total: +(?P<total>\d+)|passing: +(?P<passed>\d+)|failing: +(?P<failed>\d+))"),
            need=("total", "passed"),
            closing=_c(r" {2}duration: "),
        ),
    ),
    of_phrases(
        "jest",
        (b"No tests found, exiting with code",),
        Phrase(_c(r"No tests found, exiting with code [01](?P<total>)")),
    ),
    of_phrases(
        "vitest",
        (b"No test files found, exiting with code",),
        Phrase(_c(r"No test files found, exiting with code [01](?P<total>)")),
    ),
    of_phrases(
        "mocha",
        (b"Error: No test files found",),
        Phrase(
            _c(
                r"Error: No test files found(?:: .*)?"
                r"(?P<total>)"
            )
        ),
    ),
    of_phrases(
        "cucumber",
        (b" scenario", b" Scenario"),
        Phrase(
            _c(
                r"(?P<total>\d+) [Ss]cenarios? \((?:(?P<failed>\d+) failed)?(?:, )?(?:(?P<failed2>\d+) ambiguous)?"
                r"(?:, )?(?:(?P<errors>\d+) undefined)?"
                r"(?:, )?(?:(?P<skipped>\d+) pending)?(?:, )?(?:(?P<skipped2>\d+) skipped)?(?:, )?(?:"
                r"(?P<errors2>\d+) undefined)?(?:, )?(?:(?P<passed>\d+) passed)?\)"
            ),
            sequel=_c(r"\d+ [Ss]teps?(?: \(|$)"),
        ),
        Phrase(_c(r"(?P<total>0) scenarios"), sequel=_c(r"0 steps")),
    ),
    of_phrases(
        "gauge",
        (b"Scenarios:",),
        Phrase(
            _c(
                r"Scenarios:\s+\d+ executed\s+(?P<passed>\d+) passed\s+(?P<failed>\d+) failed"
                r"\s+(?P<skipped>\d+) skipped"
            ),
            evidence=_c(r"Specifications:\s+\d+ executed"),
        ),
    ),
    of_phrases(
        "wtr",
        (b"Finished running tests",),
        Phrase(
            _c(
                r".{1,40}: +\|.*\| \d+/\d+ test files \| (?P<passed>\d+) passed, (?P<failed>\d+) failed"
                r"(?:, (?P<skipped>\d+) skipped)?"
            ),
            sequel=_c(r"Finished running tests in "),
        ),
    ),
    of_phrases(
        "testcafe",
        (b" passed (", b" failed ("),
        Phrase(_c(r" (?P<passed>\d+) passed \(.*\)"), evidence=_c(r" Running tests in:")),
        Phrase(_c(r" (?P<failed>\d+)/(?P<total>\d+) failed \(.*\)"), evidence=_c(r" Running tests in:")),
    ),
    of_block(
        "playwright",
        (b" passed (", b" failed", b" did not run"),
        Block(
            _c(
                r" {2}(?:(?P<failed>\d+) failed|(?P<passed1>\d+) flaky|(?P<skipped>\d+) skipped|"
                r"(?P<skipped1>\d+) did not run|(?P<failed1>\d+) interrupted"
                r"|(?P<passed>\d+) passed \([\d.]+(?:ms|s|m|h)\)|(?P<errors>\d+) errors? (?:was"
                r"|were) not a part of any test.*)"
            ),
            need=(),
            between=_c(r" {4}"),
            evidence=_c(r"Running \d+ tests? using \d+ workers?"),
        ),
    ),
)
