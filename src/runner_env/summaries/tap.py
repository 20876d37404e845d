"""TAP 12, 13 and 14 (https://testanything.org), and who prints it: bats, tape, node, node-tap."""

from __future__ import annotations

import re
from dataclasses import replace

from runner_env.summaries.kit import Sessions
from runner_env.summaries.model import Counts, Tally

ANCHORS = (b"1..", b"ok 1", b"# failed ", b"# pass")

_PLAN = re.compile(r"1\.\.(?P<n>\d{1,9})(?:\s*#\s*(?P<why>.*))?")
_POINT = re.compile(r"(?P<ok>ok|not ok)\b(?: (?P<n>\d{1,9}))?(?P<rest>(?: .*)?)")
_DIRECTIVE = re.compile(r"#\s*(?P<what>skip|todo)\S*", re.IGNORECASE)
_VERSION = re.compile(r"TAP version 1[234]")
_BAIL = re.compile(r"Bail out!")
_FAILED_OF = re.compile(r"# failed (?P<failed>\d+)(?: of (?P<total>\d+) tests?)?")
_COMMENT = re.compile(r"# (?P<name>tests|suites|pass|fail|cancelled|skipped|skip|todo|ok) +(?P<n>\d+)")
_BATS = re.compile(r"# \((?:in test file |from function |in test file)\S|# \(skipped|ok \d+ .* in \d+(?:ms|sec)$")
_ESCAPED = re.compile(r"\\.")


class TapReader(Sessions):
    """Reads streams one after the other; subtests, which are indented, belong to the test point after them."""

    runner = "tap"

    def __init__(self) -> None:
        super().__init__()
        self._clear()

    def _clear(self) -> None:
        self.first = 0
        self.last = 0
        self.plan: int | None = None
        self.plan_first = False
        self.version = False
        self.counts = {"passed": 0, "failed": 0, "skipped": 0, "xfailed": 0, "xpassed": 0}
        self.dashes = self.plain = self.todo = 0
        self.highest = 0
        self.lowest = 0
        self.bailed = False
        self.bats = False
        self.failed_of: tuple[int, int | None] | None = None
        self.comments: dict[str, int] = {}

    def line(self, text: str, number: int) -> None:
        """Take the next line."""
        first = text[:1]
        if first in "on" and (found := _POINT.fullmatch(text)):
            self._point(found, number)
            self.bats = self.bats or bool(_BATS.match(text))
        elif first == "1" and (found := _PLAN.fullmatch(text)):
            self._plan(int(found["n"]), number)
        elif first == "#" and self.first:
            self._comment(text, number)
        elif first == "T" and _VERSION.fullmatch(text):
            self._finish()
            self.begin(number)
            self.version = True
        elif first == "B" and _BAIL.match(text):
            self.bailed = True

    def _plan(self, count: int, number: int) -> None:
        if self.plan is not None:
            self._finish()
        self.plan_first = not self._points()
        self.begin(number)
        self.plan = count
        self.last = number

    def _points(self) -> int:
        return sum(self.counts.values())

    def _point(self, found: re.Match[str], number: int) -> None:
        if not found["n"] and not self.first:
            return  # `ok` alone is a word
        given = int(found["n"] or 0)
        if given == 1 and self._points() and self.plan is not None and not self.plan_first:
            self._finish()
        self.begin(number)
        self.last = number
        self.lowest = self.lowest or given
        self.highest = max(self.highest, given)
        rest = _ESCAPED.sub("", found["rest"])
        if rest.strip():
            other = rest.startswith((" - ", " # ")) or "::" in rest  # pytest-tap names tests as pytest does
            self.dashes += other
            self.plain += not other
        self._count(found["ok"] == "ok", _DIRECTIVE.search(rest))

    def _count(self, passed: bool, directive: re.Match[str] | None) -> None:
        what = directive["what"].lower() if directive else ""
        if what == "skip":
            self.counts["skipped"] += 1
        elif what == "todo":
            self.counts["xpassed" if passed else "xfailed"] += 1
        else:
            self.counts["passed" if passed else "failed"] += 1

    def _comment(self, text: str, number: int) -> None:
        if found := _FAILED_OF.fullmatch(text):
            self.failed_of = (int(found["failed"]), int(found["total"]) if found["total"] else None)
        elif found := _COMMENT.fullmatch(text):
            self.comments[found["name"]] = int(found["n"])
            self.last = number
        elif _BATS.match(text):
            self.bats = True

    def _finish(self) -> None:
        if self.plan is not None or (self.version and self._points()) or self.failed_of:
            tally = self._by_comments() or self._by_points()
            self.done.append(tally)
        self._clear()

    def _by_comments(self) -> Tally | None:
        """Own counts of node and tape, where they are printed."""
        said = self.comments
        if not ({"tests", "pass"} <= said.keys() or {"pass", "fail", "skip", "todo"} <= said.keys()):
            return None
        if "suites" in said or "cancelled" in said:
            failed, errors = said.get("fail", 0), said.get("cancelled", 0)
            whole = "todo" in said
            counts = Counts(said["pass"], failed, errors, said.get("skipped", 0), total=said["tests"])
            return Tally("node:test", counts, self.first, self.last, whole=whole)
        skipped, todo = said.get("skip", 0), said.get("todo", 0)
        failed = said.get("fail", 0)
        if "tests" not in said:
            total = said["pass"] + failed + skipped + todo
            return Tally("qunit", Counts(said["pass"], failed, 0, skipped, total=total), self.first, self.last)
        whole = not self.bailed and (failed > 0 or said["pass"] + skipped + todo == said["tests"])
        skips = self.counts["skipped"]
        if "skip" not in said and skips and self._points() == said["tests"]:
            counts = Counts(said["pass"] - min(skips, said["pass"]), failed, 0, skips, total=said["tests"])
        else:  # those who count skipped tests apart, and mocha, which leaves them out of its sum
            total = max(said["tests"], said["pass"] + failed + skips)
            counts = Counts(said["pass"], failed, 0, skips, total=total)
        return Tally("tape" if self.version else "tap", counts, self.first, self.last, whole=whole)

    def _by_points(self) -> Tally:
        counts = dict(self.counts)
        seen = self._points()
        total = seen if self.plan is None else self.plan
        if self.failed_of and self.failed_of[1] is not None and self.lowest != 1:
            # Only the end of the stream is there, and it says what the whole stream had.
            failed, total = self.failed_of[0], self.failed_of[1]
            counts["passed"] = max(0, total - failed - seen + counts["passed"] + counts["failed"])
            counts["failed"], seen = failed, total
        runner = "bats" if self._is_bats() else "tap"
        complete = seen == total and not self.bailed and self.plan is not None
        stated = Counts(**counts, total=total if complete else max(total, seen))
        return Tally(runner, stated, self.first, self.last, whole=complete or (seen == total and bool(self.failed_of)))

    def _is_bats(self) -> bool:
        return self.bats or (self.plan_first and not self.version and self.plain > 0 and not self.dashes)

    def close(self) -> list[Tally]:
        """All streams; one that began after the last is open, and the run was cut off."""
        open_after = bool(self.first) and self.plan is None and self.last > 0 and not self.version
        self._finish()
        if open_after and self.done:
            last = self.done[-1]
            self.done[-1] = replace(last, whole=False)
        return self.done
