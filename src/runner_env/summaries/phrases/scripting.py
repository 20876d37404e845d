"""Runners of Ruby and its like, of Python and of PHP."""

from __future__ import annotations

import re

from runner_env.summaries.kit import Block, Phrase
from runner_env.summaries.phrases.building import of_block, of_phrases

_c = re.compile
RUBY = (
    of_phrases(
        "rspec",
        (b" example",),
        Phrase(
            _c(
                r"(?P<total>\d+) examples?, (?P<failed>\d+) failures?(?:, (?P<skipped>\d+) pending)?"
                r"(?:, (?P<errors>(?P<more>\d+)) errors? occurred outside of examples)?"
            ),
            evidence=_c(r"Finished in .* \(files took .* to load\)"),
        ),
    ),
    of_phrases(
        "hspec",
        (b" example",),
        Phrase(
            _c(r"(?P<total>\d+) examples?, (?P<failed>\d+) failures?(?:, (?P<skipped>\d+) pending)?"),
            evidence=_c(r"Finished in [\d.]+ seconds?(?:, used [\d.]+ seconds? of CPU time)?$"),
        ),
    ),
    of_phrases(
        "crystal",
        (b" examples, ",),
        Phrase(
            _c(r"(?P<total>\d+) examples, (?P<failed>\d+) failures, (?P<errors>\d+) errors, (?P<skipped>\d+) pending"),
            evidence=_c(r"Finished in "),
        ),
    ),
    of_phrases(
        "minitest",
        (b" runs, ", b" assertions, "),
        Phrase(
            _c(
                r"(?P<total>\d+) (?:runs?|tests?), \d+ assertions?, (?P<failed>\d+) failures?, "
                r"(?P<errors>\d+) errors?, (?P<skipped>\d+) skips?"
            ),
            evidence=_c(r"Finished in [\d.]+ ?s"),
        ),
    ),
    of_phrases(
        "test-unit",
        (b" omissions, ",),
        Phrase(
            _c(
                r"(?P<total>\d+) tests?, \d+ assertions?, (?P<failed>\d+) failures?, (?P<errors>\d+) errors?,"
                r" (?P<skipped>\d+) pendings?, (?P<skipped2>\d+) omissions?, \d+ notifications?"
            ),
            evidence=_c(r"Finished in [\d.]+ seconds"),
        ),
    ),
)

PYTHON = (
    of_phrases(
        "behave",
        (b" scenario",),
        Phrase(
            _c(
                r"(?P<passed>\d+) scenarios? passed, (?P<failed>\d+) failed(?:, (?P<errors>\d+) error)?, "
                r"(?P<skipped>\d+) skipped"
                r"(?:, (?P<errors2>\d+) (?:undefined|untested))?"
            ),
            evidence=_c(r"\d+ features? passed, \d+ failed"),
            sequel=_c(r"\d+ steps? passed, \d+ failed"),
        ),
    ),
    of_phrases(
        "robot",
        (b" tests, ", b" test, "),
        Phrase(
            _c(r"(?P<total>\d+) tests?, (?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, (?P<skipped>\d+) skipped)?"),
            evidence=_c(r"={60,}"),
            sequel=_c(r"Output: +\S"),
            within=3,
        ),
    ),
    of_block(
        "ward",
        (b"Tests Encountered",),
        Block(
            _c(
                r"│ +(?:(?P<total>\d+) +Tests? Encountered|(?P<passed>\d+) +Pass(?:es)? .*|"
                r"(?P<failed>\d+) +Failures? .*|(?P<skipped>\d+) +Skips? .*"
                r"|(?P<xfailed>\d+) +Expected Failures? .*|(?P<xpassed>\d+) +Unexpected Pass(?:es)? .*|"
                r"(?P<errors>\d+) +Errors? .*) *│"
            ),
            need=("total",),
        ),
    ),
    of_block(
        "stestr",
        (b" - Passed: ",),
        Block(
            _c(
                r"Ran: (?P<total>\d+) tests? in .*| - Passed: (?P<passed>\d+)| - Skipped: (?P<skipped>\d+)"
                r"| - Expected Fail: (?P<xfailed>\d+)"
                r"| - Unexpected Success: (?P<xpassed>\d+)| - Failed: (?P<failed>\d+)"
            ),
            need=("total", "passed", "failed"),
        ),
        over=("unittest",),
    ),
    of_phrases(
        "zope.testrunner",
        (b" failures, ",),
        Phrase(
            _c(
                r" *(?:Ran|Total:) (?P<total>\d+) tests?(?: with|,) (?P<failed>\d+) failures?, "
                r"(?P<errors>\d+) errors?(?: and|,) (?P<skipped>\d+) skipped in .*"
            ),
            last=True,
        ),
    ),
)

PHP = (
    of_phrases(
        "phpspec",
        (b" examples (", b" example ("),
        Phrase(
            _c(
                r"(?P<total>\d+) examples? \((?:(?P<passed>\d+) passed)?(?:, )?(?:(?P<skipped>\d+) pending)?"
                r"(?:, )?(?:(?P<skipped2>\d+) skipped)?(?:, )?(?:(?P<failed>\d+) failed)?(?:, )?(?:"
                r"(?P<errors>\d+) broken)?\)"
            ),
            evidence=_c(r"\d+ specs?"),
        ),
    ),
)
