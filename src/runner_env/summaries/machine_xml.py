"""Reports in XML: JUnit's (CTest's and GoogleTest's too), trx, xUnit.net's, NUnit's, Robot Framework's, Catch2's.

Parsed as a stream by expat; a document that declares entities is refused, so that none can explode.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.parsers import expat

from runner_env.summaries.model import Counts, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

ANCHORS = (b"<testsuite", b"<TestRun", b"<assemblies", b"<test-run", b"<robot", b"<Catch", b"<doctest")
_CATCH = ("Catch", "Catch2TestRun")
_DOCTEST = "doctest"
_ROOTS = frozenset(
    ("testsuites", "testsuite", "TestRun", "assemblies", "assembly", "test-run", "robot", *_CATCH, _DOCTEST)
)
_ENTITIES = "the document declares entities"
_START = re.compile(
    r"(?:\s*|.{0,400}%\]\s*)<(?:\?xml\b|(?:testsuites?|TestRun|assemblies|test-run|robot|Catch|Catch2TestRun|doctest)[\s>/])"
)


class Refused(Exception):
    """The document is not one that can be read safely, or not a report."""


class Report:
    """One document on its way through the parser."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.buffer_text = True
        self.depth = 0
        self.root = ""
        self.case: str | None = None
        self.cases = {"passed": 0, "failed": 0, "errors": 0, "skipped": 0, "xfailed": 0, "todo": 0}
        self.stated: dict[str, int] = {}
        self.bad = False
        self.in_total = False
        self.closed = False

    def feed(self, data: bytes) -> None:
        """Take more of it.

        Raises:
            Refused: it is not well-formed, declares entities, or is not a report.
        """
        try:
            self.parser.Parse(data, False)  # noqa: FBT003 - takes no keyword
        except expat.ExpatError as error:
            raise Refused(str(error)) from error

    @staticmethod
    def _refuse(*_: object) -> None:
        raise Refused(_ENTITIES)

    def _start(self, name: str, given: dict[str, str]) -> None:
        self.depth += 1
        if self.depth == 1:
            self.root = name.rpartition(":")[2]
            if self.root not in _ROOTS:
                raise Refused(f"<{name}> is no report")
        if name == "testcase":
            self.case = "skipped" if given.get("status") in ("notrun", "disabled") else "passed"
        elif self.case is not None and name in ("failure", "error", "skipped"):
            self._outcome(name, given)
        elif self.case == "passed" and name == "property" and given.get("name") in ("skip", "todo"):
            self.case = {"skip": "skipped", "todo": "todo"}[given["name"]]  # node-tap's
        elif name in ("testsuite", "testsuites"):
            self.bad = self.bad or any(_integer(given.get(key)) for key in ("failures", "errors"))
        else:
            self._statement(name, given)

    def _outcome(self, name: str, given: dict[str, str]) -> None:
        if name == "skipped":
            kind = {"pytest.xfail": "xfailed", "todo": "todo"}.get(given.get("type", ""), "skipped")
            self.case = kind if self.case == "passed" else self.case
        elif self.case not in ("failed", "errors") or name == "failure":
            self.case = "failed" if name == "failure" else "errors"

    def _statement(self, name: str, given: dict[str, str]) -> None:
        """Formats that state their counts in attributes."""
        if name == "Counters" and self.root == "TestRun":
            keys = {"passed": "passed", "failed": "failed", "error": "failed", "timeout": "failed", "aborted": "failed"}
            self._add(given, {**keys, "notExecuted": "skipped", "inconclusive": "skipped"})
            counted = sum(self.stated.get(key, 0) for key in ("passed", "failed", "skipped"))
            self.stated["skipped"] = self.stated.get("skipped", 0) + max(0, _integer(given.get("total")) - counted)
        elif name == "assembly" and self.root in ("assemblies", "assembly"):
            self._add(given, {"passed": "passed", "failed": "failed", "skipped": "skipped", "errors": "errors"})
        elif name == "test-run":
            keys = {"passed": "passed", "failed": "failed", "skipped": "skipped", "inconclusive": "skipped"}
            self._add(given, {**keys, "warnings": "passed"})
        elif name == "OverallResultsCases" and self.root in _CATCH:
            self.stated = {}  # one of each group is before that of the whole
            self._add(given, {"successes": "passed", "failures": "failed", "skips": "skipped"})
            self._add(given, {"expectedFailures": "xfailed"})
        elif name == "OverallResultsTestCases" and self.root == _DOCTEST:
            self._add(given, {"successes": "passed", "failures": "failed", "skipped": "skipped"})
        elif name == "total" and self.root == "robot":
            self.in_total = True
        elif name == "stat" and self.in_total:
            self.stated = {}
            self._add(given, {"pass": "passed", "fail": "failed", "skip": "skipped"})

    def _add(self, given: dict[str, str], keys: dict[str, str]) -> None:
        for key, name in keys.items():
            self.stated[name] = self.stated.get(name, 0) + _integer(given.get(key))

    def _end(self, name: str) -> None:
        self.depth -= 1
        if name == "testcase" and self.case is not None:
            self.cases[self.case] += 1
            self.case = None
        elif name == "total":
            self.in_total = False
        self.closed = self.depth == 0

    def tally(self, first: int, last: int) -> Tally:
        """What it states."""
        sums = self.stated or self.cases
        parts = {key: sums.get(key, 0) for key in ("passed", "failed", "errors", "skipped")}
        xfailed = self.stated.get("xfailed") if self.stated else self.cases["xfailed"]
        rest = (xfailed or 0) + (0 if self.stated else self.cases["todo"])
        counts = Counts(**parts, xfailed=xfailed, total=sum(parts.values()) + rest)
        runner = {
            "TestRun": "dotnet",
            "assemblies": "xunit",
            "assembly": "xunit",
            "test-run": "nunit",
            "robot": "robot",
            **dict.fromkeys(_CATCH, "catch2"),
            _DOCTEST: "doctest-cpp",
        }
        return Tally(runner.get(self.root, "junit"), counts, first, last, good=not self.bad)


def _integer(text: str | None) -> int:
    return int(text[:18]) if text and text.isdigit() else 0


def read_document(blocks: Iterable[bytes]) -> Tally | None:
    """What a file that is one XML report states; None if it is not one."""
    report = Report()
    try:
        for block in blocks:
            if report.closed and not block.strip():
                continue
            report.feed(block)
    except Refused:
        return None
    return report.tally(1, 1) if report.closed else None


class XmlReader:
    """Finds reports among other lines."""

    def __init__(self) -> None:
        self.report: Report | None = None
        self.first = 0
        self.done: list[Tally] = []
        self.cut = False

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if self.report is None:
            if not _START.match(text):
                return
            self.report, self.first = Report(), number
            text = text[text.index("<") :]
        try:
            self.report.feed(text.encode("utf-8", "replace") + b"\n")
        except Refused:
            self.cut = self.cut or not self.report.closed
            if not self.report.closed:
                self.report = None
                return
        if self.report.closed:
            self.done.append(self.report.tally(self.first, number))
            self.report = None

    def close(self) -> list[Tally]:
        """All reports; a later one that broke off makes the last not whole."""
        if self.done and self.report is not None:
            last = self.done[-1]
            self.done[-1] = replace(last, whole=False)
        return self.done
