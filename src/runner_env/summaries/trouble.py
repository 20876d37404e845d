"""Lines that say, outside any test session, that something went wrong: a crash, a command that failed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.summaries.spans import Spans

if TYPE_CHECKING:
    from runner_env.summaries.model import Tally

_CRASH = re.compile(
    r"(?:\S{1,200}: )?(?:line \d+: +)?(?:\d+ )?(?:Segmentation fault|Bus error|Illegal instruction"
    r"|Floating point exception"
    r"|Aborted \(core dumped\)|Killed +\S|Terminated +\S).*|Killed|Aborted|Terminated|zsh: (?:killed|abort"
    r"|segmentation fault).*"
    r"|Fatal Python error: .*|fatal runtime error: .*|fatal error: .*|signal: (?:killed|segmentation fault|aborted).*"
    r"|timeout: sending signal .*|.{0,200}\(signal: \d+, SIG[A-Z]+.*\)|.*JavaScript heap out of memory.*"
    r"|Command terminated by signal \d+|Error: The operation was canceled\.|ERROR: Job failed: execution took longer .*"
)
_FAILED = re.compile(
    r"make(?:\[\d+\])?: \*\*\* .*|npm (?:ERR!|error) .*|\s?ELIFECYCLE\s.*|error Command failed with exit code [1-9].*"
    r"|(?:Error: )?Process completed with exit code [1-9]\d*\.|ERROR: Job failed.*"
    r"|error: script \".*\" exited with code [1-9].*"
    r"|The command \".*\" exited with [1-9]\d*\.|\s+evaluation failed :\(.*|nox > Session \S+ failed.*"
    r"|\[?ERROR\]? ?Failed to execute goal .*"
    r"|Failed to execute goal .*|BUILD FAILED.*|FAILURE: Build failed .*|Command exited with non-zero status .*"
    r"|One or more tests were cancelled\."
    r"|error: (?:test|doctest) failed.*|error: \d+ targets? failed:|\*\* TEST FAILED \*\*|Test Run (?:Failed|Aborted)\."
)
_MOST = 1000


class Troubles:
    """Collects the numbers of such lines."""

    def __init__(self) -> None:
        self.crashes: list[int] = []
        self.failures: list[int] = []

    def line(self, text: str, number: int) -> None:
        """Take the next line that is no quotation."""
        if len(self.crashes) < _MOST and _CRASH.fullmatch(text):
            self.crashes.append(number)
        elif _FAILED.fullmatch(text):
            self.failures = [*self.failures[-_MOST:], number]

    def applied_to(self, tallies: list[Tally]) -> list[Tally]:
        """The sessions in the light of what was found: a crash outside of all leaves none whole."""
        stated = [tally for tally in tallies if not tally.void]
        if not stated:
            return tallies
        end = max(tally.last for tally in stated)
        failed = any(number > end for number in self.failures)
        spans = Spans(tallies)
        crashed = any(not spans.hold(number) for number in self.crashes)
        return [replace(one, good=one.good and not failed, whole=one.whole and not crashed) for one in tallies]
