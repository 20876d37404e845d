"""Reports of one JSON value a line: `go test -json`, pytest-reportlog, libtest and nextest, dart, mocha, TeamCity."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar

from runner_env.summaries.kit import from_sums
from runner_env.summaries.machine_json import parse
from runner_env.summaries.model import Counts, Tally

MOST_NAMES = 200_000


class Events:
    """The base: takes lines that are JSON and have the key that marks the format."""

    marks: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.first = self.last = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        if text[:1] not in ("{", "[") or not any(mark in text for mark in self.marks):
            return
        value = parse(text)
        if value is not None and self.event(value):
            self.first = self.first or number
            self.last = number

    def event(self, value: Any) -> bool:  # noqa: ANN401 - any JSON
        """Take one value; whether it is of this format."""
        raise NotImplementedError


class GoEvents(Events):
    """`go test -json` (https://pkg.go.dev/cmd/test2json)."""

    marks = ('"Action"',)

    def __init__(self) -> None:
        super().__init__()
        self.sums = {"passed": 0, "failed": 0, "skipped": 0, "errors": 0}
        self.open: set[str] = set()
        self.failed_in: set[str] = set()
        self.running: set[tuple[str, object]] = set()
        self.ran = False

    def line(self, text: str, number: int) -> None:
        """Take the next line; before Go 1.24 a failed build is told in plain text."""
        if text.startswith("FAIL\t") and text.endswith((" [build failed]", " [setup failed]")):
            self.sums["errors"] += 1
            self.ran = True
        super().line(text, number)

    def event(self, value: Any) -> bool:  # noqa: ANN401 - any JSON
        """Take one event."""
        if not isinstance(value, dict) or not isinstance(value.get("Action"), str):
            return False
        action, package = value["Action"], str(value.get("Package", ""))
        name = {"pass": "passed", "fail": "failed", "skip": "skipped"}.get(action)
        if action == "start":
            self.open.add(package)
        elif action == "run" and len(self.running) < MOST_NAMES:
            self.running.add((package, value.get("Test")))
        if name is None or not package:
            return bool(package)
        if "Test" in value:
            if (package, value["Test"]) not in self.running:
                return True  # a line that a test printed
            self.running.discard((package, value["Test"]))
            self.sums[name] += 1
            if action == "fail":
                self.failed_in.add(package)
        else:
            self.open.discard(package)
            self.ran = True
            self.sums["errors"] += action == "fail" and package not in self.failed_in
        return True

    def close(self) -> list[Tally]:
        """One session."""
        if not self.ran:
            return []
        return [Tally("go", from_sums(self.sums), self.first, self.last, whole=not self.open)]


class ReportLog(Events):
    """pytest-reportlog (https://github.com/pytest-dev/pytest-reportlog)."""

    marks = ('"$report_type"',)

    def __init__(self) -> None:
        super().__init__()
        self.sums: dict[str, int] = {"passed": 0}
        self.exit: object = None
        self.done: list[Tally] = []

    def event(self, value: Any) -> bool:  # noqa: ANN401 - any JSON
        """Take one report."""
        if not isinstance(value, dict):
            return False
        kind = value.get("$report_type")
        if kind == "TestReport":
            self._report(value)
        elif kind == "CollectReport" and value.get("outcome") == "failed":
            self._add("errors")
        elif kind == "CollectReport" and value.get("outcome") == "skipped":
            self._add("skipped")
        elif kind == "SessionFinish":
            good = value.get("exitstatus") == 0
            self.done.append(Tally("pytest", from_sums(self.sums), self.first, self.last + 1, good))
            self.sums, self.first = {"passed": 0}, 0
        return isinstance(kind, str)

    def _report(self, value: dict[str, Any]) -> None:
        when, outcome = value.get("when"), value.get("outcome")
        expected = "wasxfail" in value
        if outcome == "rerun":
            return
        if when == "call":
            names = {"passed": "xpassed" if expected else "passed", "failed": "failed"}
            self._add(names.get(str(outcome), "xfailed" if expected else "skipped"))
        elif outcome == "failed":
            self._add("errors")
        elif outcome == "skipped":
            self._add("xfailed" if expected else "skipped")

    def _add(self, name: str) -> None:
        self.sums[name] = self.sums.get(name, 0) + 1

    def close(self) -> list[Tally]:
        """All sessions that finished."""
        return self.done


class LibtestEvents(Events):
    """`cargo test -- --format json` and nextest's `libtest-json`."""

    marks = ('"suite"',)

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Tally] = []
        self.open = 0

    def event(self, value: Any) -> bool:  # noqa: ANN401 - any JSON
        """Take one event."""
        if not isinstance(value, dict) or value.get("type") != "suite":
            return False
        if value.get("event") == "started":
            self.open += 1
        elif value.get("event") in ("ok", "failed"):
            self.open -= 1
            numbers = [value.get(key) for key in ("passed", "failed", "ignored")]
            if all(isinstance(number, int) for number in numbers):
                passed, failed, skipped = (int(number) for number in numbers if number is not None)
                out = value.get("filtered_out")
                total = passed + failed + skipped
                counts = Counts(
                    passed, failed, 0, skipped, deselected=out if isinstance(out, int) else None, total=total
                )
                self.done.append(Tally("cargo", counts, self.last, self.last, value["event"] == "ok"))
        return True

    def close(self) -> list[Tally]:
        """All suites; one that began and did not end makes the last not whole."""
        if self.open > 0 and self.done:
            last = self.done[-1]
            self.done[-1] = replace(last, whole=False)
        return self.done


class DartEvents(Events):
    """`dart test --reporter json`, `flutter test --machine`."""

    marks = ('"testDone"', '"done"')

    def __init__(self) -> None:
        super().__init__()
        self.sums: dict[str, int] = {"passed": 0}
        self.done: list[Tally] = []

    def event(self, value: Any) -> bool:  # noqa: ANN401 - any JSON
        """Take one event."""
        if not isinstance(value, dict):
            return False
        if value.get("type") == "testDone" and value.get("hidden") is False:
            names = {"success": "skipped" if value.get("skipped") else "passed", "failure": "failed", "error": "errors"}
            name = names.get(str(value.get("result")), "errors")
            self.sums[name] = self.sums.get(name, 0) + 1
            return True
        if value.get("type") == "done" and "success" in value and self.first:
            self.done.append(Tally("dart", from_sums(self.sums), self.first, self.last, value["success"] is True))
            self.sums, self.first = {"passed": 0}, 0
        return value.get("type") == "testDone"

    def close(self) -> list[Tally]:
        """All sessions that ended."""
        return self.done


class TeamCity:
    """TeamCity's service messages (https://www.jetbrains.com/help/teamcity/service-messages.html)."""

    def __init__(self) -> None:
        self.outcomes = {"passed": 0, "failed": 0, "skipped": 0}
        self.open: dict[str, str] = {}
        self.first = self.last = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        found = _MESSAGE.match(text)
        if not found:
            return
        name = _MESSAGE_NAME.search(text)
        test = name[1] if name else ""
        self.first, self.last = self.first or number, number
        if found["what"] == "Started" and len(self.open) < MOST_NAMES:
            self.open[test] = "passed"
        elif found["what"] == "Finished":
            self.outcomes[self.open.pop(test, "passed")] += 1
        elif test in self.open:
            self.open[test] = "failed" if found["what"] == "Failed" else "skipped"
        elif found["what"] == "Ignored":  # some never start what they leave out
            self.outcomes["skipped"] += 1

    def close(self) -> list[Tally]:
        """One session."""
        if not self.first:
            return []
        return [Tally("teamcity", from_sums(self.outcomes), self.first, self.last, whole=not self.open)]


_MESSAGE = re.compile(r"##teamcity\[test(?P<what>Started|Failed|Ignored|Finished) ")
_MESSAGE_NAME = re.compile(r" name='((?:[^'|]|\|.)*)'")


class MochaStream(Events):
    """mocha's json-stream: `["end", {"tests": 5, …}]`."""

    marks = ('"end"',)

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Tally] = []

    def event(self, value: Any) -> bool:  # noqa: ANN401 - any JSON
        """Take one event."""
        if not (isinstance(value, list) and len(value) == 2 and value[0] == "end" and isinstance(value[1], dict)):
            return False
        numbers = [value[1].get(key) for key in ("passes", "failures", "pending")]
        if all(isinstance(number, int) for number in numbers):
            sums = dict(zip(("passed", "failed", "skipped"), (int(n) for n in numbers if n is not None)))  # noqa: B905
            self.done.append(Tally("mocha", from_sums(sums), self.last, self.last))
        return True

    def close(self) -> list[Tally]:
        """All sessions."""
        return self.done
