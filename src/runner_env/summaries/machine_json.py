"""Reports that are one JSON document: jest, vitest, mocha, Playwright, RSpec, pytest-json-report, cucumber."""

from __future__ import annotations

import json
from typing import Any, Optional

from runner_env.summaries.kit import from_sums
from runner_env.summaries.model import Counts, Tally

_KEYS = ("numTotalTests", "stats", "example_count", "exitcode", "elements", "successes", "testsuites")
ANCHORS = tuple(f'"{key}"'.encode() for key in _KEYS)
MOST_BYTES = 64 << 20
"""A longer document is not read."""


def read_value(value: Any, first: int, last: int) -> Tally | None:  # noqa: ANN401 - any JSON
    """What a JSON document states; None if it is not a report."""
    if isinstance(value, list):
        return _cucumber(value, first, last)
    if not isinstance(value, dict):
        return None
    for read in (_jest, _mocha, _playwright, _rspec, _pytest, _googletest, _busted):
        found = read(value)
        if found is not None:
            runner, counts, good = found
            return Tally(runner, counts, first, last, good)
    return None


_Found = Optional[tuple[str, Counts, bool]]  # noqa: UP045 - evaluated, and Python 3.9 has no `|` for it


def _numbers(value: Any, names: dict[str, str], need: tuple[str, ...]) -> dict[str, int] | None:  # noqa: ANN401
    if not isinstance(value, dict) or not all(_count(value.get(key)) for key in need):
        return None
    sums: dict[str, int] = {}
    for key, name in names.items():
        if _count(value.get(key)):
            sums[name] = sums.get(name, 0) + value[key]
    return sums


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _jest(value: dict[str, Any]) -> _Found:
    names = {
        "numPassedTests": "passed",
        "numFailedTests": "failed",
        "numPendingTests": "skipped",
        "numTodoTests": "todo",
    }
    sums = _numbers(
        value,
        {**names, "numRuntimeErrorTestSuites": "errors", "numTotalTests": "total"},
        ("numTotalTests", "numPassedTests"),
    )
    if sums is None:
        return None
    if "numRuntimeErrorTestSuites" not in value:
        suites = value.get("testResults")
        sums["errors"] = sum(map(_broken_suite, suites)) if isinstance(suites, list) else 0
    good = value.get("success") is True and not value.get("numFailedTestSuites") and not value.get("wasInterrupted")
    runner = "jest" if "wasInterrupted" in value or "openHandles" in value else "vitest"
    return runner, from_sums(sums), good


def _broken_suite(suite: object) -> bool:
    return isinstance(suite, dict) and suite.get("status") == "failed" and suite.get("assertionResults") == []


def _mocha(value: dict[str, Any]) -> _Found:
    names = {"passes": "passed", "failures": "failed", "pending": "skipped"}
    sums = _numbers(value.get("stats"), names, ("tests", "passes", "failures", "pending"))
    return None if sums is None else ("mocha", from_sums(sums), True)


def _playwright(value: dict[str, Any]) -> _Found:
    stats = value.get("stats")
    # A test that passed at a later try is flaky; it passed.
    names = {"expected": "passed", "flaky": "passed", "unexpected": "failed", "skipped": "skipped"}
    sums = _numbers(stats, names, ("expected", "unexpected", "skipped", "flaky"))
    if sums is None:
        return None
    errors = value.get("errors")
    sums["errors"] = len(errors) if isinstance(errors, list) else 0
    return "playwright", from_sums(sums), True


def _rspec(value: dict[str, Any]) -> _Found:
    names = {"example_count": "total", "failure_count": "failed", "pending_count": "skipped"}
    outside = "errors_outside_of_examples_count"
    sums = _numbers(value.get("summary"), {**names, outside: "errors"}, ("example_count", "failure_count"))
    if sums is None:
        return None
    return "rspec", from_sums({**sums, "more": sums.get("errors", 0)}), True


def _pytest(value: dict[str, Any]) -> _Found:
    if not _count(value.get("exitcode")) or "root" not in value:
        return None
    names = {"passed": "passed", "failed": "failed", "error": "errors", "skipped": "skipped"}
    names = {**names, "xfailed": "xfailed", "xpassed": "xpassed", "deselected": "deselected"}
    sums = _numbers(value.get("summary"), names, ("total",))
    return None if sums is None else ("pytest", from_sums(sums), value["exitcode"] == 0)


def _googletest(value: dict[str, Any]) -> _Found:
    names = {"tests": "total", "failures": "failed", "errors": "errors", "disabled": "skipped"}
    if not isinstance(value.get("testsuites"), list):
        return None
    sums = _numbers(value, names, ("tests", "failures", "disabled"))
    if sums is None:
        return None
    cases = [c for suite in value["testsuites"] if isinstance(suite, dict) for c in suite.get("testsuite") or ()]
    sums["skipped"] = sums.get("skipped", 0) + sum(isinstance(c, dict) and c.get("result") == "SKIPPED" for c in cases)
    return "googletest", from_sums(sums), True


def _busted(value: dict[str, Any]) -> _Found:
    names = {"successes": "passed", "failures": "failed", "errors": "errors", "pendings": "skipped"}
    lists = {name: value.get(key) for key, name in names.items()}
    if "duration" not in value or not all(isinstance(found, list) for found in lists.values()):
        return None
    return "busted", from_sums({name: len(found) for name, found in lists.items() if found is not None}), True


_BAD_STEP = frozenset(("failed", "undefined", "ambiguous"))


def _cucumber(features: list[Any], first: int, last: int) -> Tally | None:
    scenarios = [
        scenario
        for feature in features
        if isinstance(feature, dict) and isinstance(feature.get("elements"), list)
        for scenario in feature["elements"]
        if isinstance(scenario, dict) and scenario.get("type", "scenario") == "scenario"
    ]
    if not scenarios:
        return None
    sums = {"passed": 0}
    for scenario in scenarios:
        name = _scenario(scenario)
        sums[name] = sums.get(name, 0) + 1
    return Tally("cucumber", from_sums(sums), first, last)


def _scenario(scenario: dict[str, Any]) -> str:
    steps = [step.get("result") for step in scenario.get("steps") or () if isinstance(step, dict)]
    states = {result.get("status") for result in steps if isinstance(result, dict)}
    if states & _BAD_STEP:
        return "failed"
    return "skipped" if states - {"passed"} or not states else "passed"


def parse(text: str) -> Any:  # noqa: ANN401 - any JSON
    """The value, or None where this is no JSON that can be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class JsonReader:
    """Finds documents among other lines: one line, or from a line that begins with a bracket to its partner."""

    def __init__(self) -> None:
        self.done: list[Tally] = []
        self.open: list[str] = []
        self.size = 0
        self.first = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if not self.open:
            if text[:1] not in ("{", "["):
                return
            self.first, self.size = number, 0
            if text[-1] in "}]" and len(text) > 2:
                self._read(text, number)
                return
        self.open.append(text)
        self.size += len(text)
        if self.size > MOST_BYTES:
            self.open = []
        elif text[:1] in ("}", "]"):
            document, self.open = "\n".join(self.open), []
            self._read(document, number)

    def _read(self, document: str, number: int) -> None:
        if any(anchor.decode() in document for anchor in ANCHORS):
            tally = read_value(parse(document), self.first, number)
            if tally is not None:
                self.done.append(tally)

    def close(self) -> list[Tally]:
        """All reports."""
        return self.done
