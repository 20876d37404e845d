"""Outputs of real runs, what is put around them, and what is cut off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.summaries import Summary, summarize

FIELDS = ("runner", "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "deselected", "total", "ok")
WHOLE_FILES = (
    "pytest_junit",
    "robot_xml",
    "vitest_json",
    "jest_json",
    "gtest_xml",
    "gtest_json",
    "ctest_junit",
    "catch2_xml",
    "dotnet_trx",
)
PASSING = {
    "pytest": "..... [100%]\n5 passed in 0.07s\n",
    "unittest": ".....\n" + "-" * 70 + "\nRan 5 tests in 0.004s\n\nOK\n",
    "jest": "PASS a.test.js\n\nTest Suites: 1 passed, 1 total\nTests:       5 passed, 5 total\nSnapshots:   0 total\n"
    "Time:        1.3 s\nRan all test suites.\n",
    "mocha": "\n  s\n    ✔ a\n\n\n  5 passing (9ms)\n\n",
    "cargo": "running 5 tests\n.....\ntest result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n",
    "tap": "TAP version 13\n" + "".join(f"ok {n} - a\n" for n in range(1, 6)) + "1..5\n",
    "rspec": ".....\n\nFinished in 0.1 seconds (files took 1.2 seconds to load)\n5 examples, 0 failures\n",
    "phpunit": "PHPUnit 9.6.7 by Sebastian Bergmann and contributors.\n\n.....  5 / 5 (100%)\n\n"
    "OK (5 tests, 9 assertions)\n",
}
PREFIXES = (
    "2026-11-22T00:51:24.9351234Z ",
    "test\tRun tests\t2026-11-22T00:51:24.9351234Z ",
    "[2026-11-22T05:29:19.123Z] ",
    "web_1  | ",
    "web:test: ",
    "packages/web test: ",
    "py311: ",
    "Nov 22 05:29:19 host runner[42]: ",
    "[test] ",
    "#12 1.234 ",
    "stdout | ",
)


def test_real_outputs(output: bytes, stated: Mapping[str, Any]) -> None:
    """Every count of a real run's output is exact."""
    found = summarize(output, stated["exit_code"])
    assert {name: getattr(found, name) for name in FIELDS} == {name: stated[name] for name in FIELDS}
    assert found.score == (None if stated["score"] is None else pytest.approx(stated["score"], abs=1e-5))


def test_a_failed_run_is_never_ok(output: bytes, stated: Mapping[str, Any]) -> None:
    """Without the exit code too, a run that ended with another code than 0 is not `ok`."""
    if stated["exit_code"]:
        assert not summarize(output).ok or stated["failed"] == 0


def test_the_shared_corpus(shared: Path) -> None:
    """The corpus of outputs and traps, exactly."""
    wrong = []
    for path in sorted((shared / "corpora" / "test-summaries").glob("*.json")):
        expected = json.loads(path.read_text("utf-8"))
        found = asdict(summarize(path.with_suffix(".txt").read_bytes()))
        expected["ok"] = bool(expected["ok"])
        wrong += [(path.stem, key) for key in (*FIELDS, "score") if key in expected and found[key] != expected[key]]
        if expected["expect"] == "no_score" and found["score"] is not None:
            wrong.append((path.stem, "scored"))
    assert wrong == []


def test_noise_changes_nothing(output_name: str, output: bytes) -> None:
    """Colours at line ends, Windows line ends and chatter before and after leave every field as it is."""
    if output_name in WHOLE_FILES:
        return
    clean = summarize(output)
    assert summarize(output.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) == clean
    assert summarize(b"npm warn old lockfile\n\n" + output + b"\n\nAll done in 3 s.\n") == clean
    assert summarize(output.replace(b"\n", b"\x1b[0m\x1b[K\n")) == clean


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("runner", PASSING)
def test_log_prefixes(runner: str, prefix: str) -> None:
    """What log collectors put in front of lines is taken away."""
    text = PASSING[runner]
    prefixed = "".join(prefix + line for line in text.splitlines(keepends=True))
    found = summarize(prefixed)
    assert (found.runner, found.passed, found.total, found.ok, found.score) == (runner, 5, 5, True, 1.0)


def test_sources_are_read_apart() -> None:
    """Interleaved lines of two tasks are two runs, whose counts are summed."""
    one, two = PASSING["jest"].splitlines(), PASSING["mocha"].splitlines()
    pairs = zip_longest(one, two, fillvalue="")
    mixed = [line for pair in pairs for line in (f"web:test: {pair[0]}", f"api:test: {pair[1]}")]
    found = summarize("\n".join(mixed))
    assert (found.runner, found.passed, found.ok) == ("jest+mocha", 10, True)


@pytest.mark.parametrize("runner", PASSING)
@pytest.mark.parametrize(
    "quote",
    [
        "".join,
        lambda lines: "## Tests\n\n```console\n" + "".join(lines) + "```\n",
        lambda lines: "You should see:\n\n" + "".join(line for line in lines if line.strip()) + "\n",
        lambda lines: "$ cat old.log\n" + "".join(lines),
        lambda lines: "+ tail -n 20 old.log\n" + "".join(lines),
        lambda lines: "".join("> " + line for line in lines),
        lambda lines: "".join("+" + line for line in lines),
        lambda lines: "".join("            " + line for line in lines),
        lambda lines: json.dumps({"completion": "".join(lines)}) + "\n",
    ],
    ids=["plain", "fence", "promise", "cat", "tail", "markdown", "diff", "indented", "json"],
)
def test_quotations(runner: str, quote: Any, request: pytest.FixtureRequest) -> None:
    """The same text counts as an output and not as a quotation."""
    found = summarize(quote(PASSING[runner].splitlines(keepends=True)))
    assert found.ok == (
        "-plain" in request.node.name or request.node.name.endswith("[plain]") or "[plain-" in request.node.name
    )
    assert (found.score is None) == (not found.ok)


@pytest.mark.parametrize(
    "text",
    [
        "Target accuracy: 95%\nscore: 0.95\npass@1: 0.85\n",
        "12 tests passed\n5 passed\nall tests passed!\n",
        "Tests: 10 passed, 10 total\n",
        "  49 passing (1s)\n"[2:],
        "OK (8 tests, 9 assertions)\n",
        "{'pass@1': 0.85}\n",
        "✖ 3 problems (1 error, 2 warnings)\n",
        "Success: no issues found in 12 source files\n",
        "Found 12 errors. 3 passed, 1 failed.\n",
        "TOTAL   1200   34    97%\n",
        "3/3 files checked, 3 passed in 1.2s\nSome words\n",
        'echo "5 passed in 0.01s"\n5 passed in 0.01s\n',
        "The model said:\n..... [100%]\n5 passed in 0.07s\n",
    ],
)
def test_no_result(text: str) -> None:
    """What only looks like a result is none: not ok, everything else null."""
    assert summarize(text) == Summary()


@pytest.mark.parametrize("code", [-11, -9, 124, 134, 137, 139, 143, 3221225477])
def test_a_crash_is_never_a_count(code: int) -> None:
    """A run that ended by a signal or a timeout has no counts."""
    assert summarize(PASSING["pytest"], code) == Summary()


def test_exit_codes() -> None:
    """Another exit code than 0 is never ok; a number of failures that looks like a signal is no crash."""
    assert summarize(PASSING["mocha"], 0).ok
    failed = summarize(PASSING["mocha"], 1)
    assert (failed.ok, failed.passed) == (False, 5)
    many = summarize("\n  1) a\n\n  5 passing (9ms)\n  137 failing\n", 137)
    assert (many.failed, many.total) == (137, 142)


@pytest.mark.parametrize("line", ["Segmentation fault (core dumped)", "make: *** [test] Error 1", "npm error code 1"])
def test_trouble_after_the_end(line: str) -> None:
    """A crash or a failed command after good tests: not ok."""
    assert not summarize(PASSING["unittest"] + line + "\n").ok


def test_two_encodings_and_text() -> None:
    """Bytes, text and what PowerShell writes (UTF-16) are one."""
    text = PASSING["jest"].replace("\n", "\r\n")
    assert summarize(text) == summarize(text.encode()) == summarize(text.encode("utf-16"))


def test_sessions_are_summed() -> None:
    """Two sessions of one runner, and a session of another."""
    found = summarize(PASSING["pytest"] * 2 + PASSING["jest"], 0)
    assert (found.runner, found.passed, found.total, found.ok) == ("pytest+jest", 15, 15, True)


def test_keys() -> None:
    """The JSON object has exactly these keys, in this order."""
    keys = [
        "runner",
        "passed",
        "failed",
        "errors",
        "skipped",
        "xfailed",
        "xpassed",
        "deselected",
        "total",
        "ok",
        "score",
    ]
    assert list(json.loads(Summary().to_json())) == keys


@given(st.text())
def test_random_text_scores_nothing(text: str) -> None:
    """Text that no runner wrote states no result."""
    assert summarize(text) == Summary()


@given(st.sampled_from(sorted(PASSING)), st.data())
def test_truncated_runs(runner: str, data: st.DataObject) -> None:
    """A run that is cut off before its statement ends is no pass."""
    text = PASSING[runner]
    # What follows these two statements does not matter.
    end = {"jest": text.find(" s\n"), "mocha": text.find("ms)")}.get(runner, len(text.rstrip()) - 1)
    assert not summarize(text[: data.draw(st.integers(0, end))]).ok


@pytest.mark.parametrize("unit", ["1 passed, ", "=", "(", "- ok ", "\x1b[", "\r", "[", "ok 1 ", "{", "<a>", "`"])
def test_long_lines_take_linear_time(unit: str) -> None:
    """A line of megabytes is no catastrophe for any pattern (the time limit of the suite would end it)."""
    line = unit * (2_000_000 // len(unit))
    assert not summarize(PASSING["pytest"] + line).errors


def test_entities_are_refused() -> None:
    """An XML report that declares entities is not read."""
    bomb = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><testsuite><testcase name="&a;"/></testsuite>'
    assert summarize(bomb) == Summary()
    assert summarize('<?xml version="1.0"?><testsuite><testcase name="a"/></testsuite>').passed == 1


def test_a_report_may_end_with_the_output() -> None:
    """Boost: what is made of a report does not depend on a line after its last row; trouble before it is before it."""
    text = 'make: *** [check] Error 1\nRunning 2 test cases...\nTest module "x" has passed with:\n'
    text += "  2 test cases out of 2 passed\n"
    ended, followed = summarize(text, 0), summarize(f"{text}\n", 0)
    assert (ended.ok, ended.passed) == (True, 2)
    assert ended == followed
