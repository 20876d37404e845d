"""Runners of Go, of .NET and of the JVM."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Block, Phrase
from runner_env.summaries.phrases.building import of_block, of_phrases

_c = re.compile
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
