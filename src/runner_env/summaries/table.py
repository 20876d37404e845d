"""The one table of readers. A new runner is a new line here."""

from __future__ import annotations

from runner_env.summaries import doctest_text, go_text, machine_json, machine_xml, pytest_text, tap, unittest_text
from runner_env.summaries.evaluators import EvalPlusReader, HumanEvalReader
from runner_env.summaries.framed import BoostReader, ClojureReader, JuliaReader, PhpunitReader
from runner_env.summaries.go_text import GoReader
from runner_env.summaries.gradle_text import GradleReader
from runner_env.summaries.javascript import AvaReader, JestReader, MochaReader, NodeSpecReader, VitestReader
from runner_env.summaries.kit import Kind
from runner_env.summaries.machine_events import DartEvents, GoEvents, LibtestEvents, MochaStream, ReportLog, TeamCity
from runner_env.summaries.native import (
    CTestReader,
    DotnetReader,
    GoogleTestReader,
    ProveReader,
    SurefireReader,
    SwiftTestingReader,
    XCTestReader,
)
from runner_env.summaries.phrases import PHRASES
from runner_env.summaries.rust import CargoReader, NextestReader
from runner_env.summaries.shell_text import BatsReader, Shunit2Reader

MACHINE: tuple[Kind, ...] = (
    Kind("xml", machine_xml.ANCHORS, machine_xml.XmlReader, raw=True),
    Kind(
        "json", machine_json.ANCHORS, machine_json.JsonReader, ("jest", "vitest", "mocha", "rspec", "busted"), raw=True
    ),
    Kind("go-events", (b'"Action"',), GoEvents, ("go",), raw=True),
    Kind("pytest-events", (b'"$report_type"',), ReportLog, ("pytest",), raw=True),
    Kind("libtest-events", (b'"suite"',), LibtestEvents, ("cargo", "nextest"), raw=True),
    Kind("dart-events", (b'"testDone"',), DartEvents, ("dart",), raw=True),
    Kind("teamcity", (b"##teamcity[",), TeamCity, raw=True),
    Kind("mocha-events", (b'["end"',), MochaStream, ("mocha",), raw=True),
)

TEXT: tuple[Kind, ...] = (
    Kind("pytest", pytest_text.ANCHORS, pytest_text.PytestReader),
    Kind("unittest", unittest_text.ANCHORS, unittest_text.UnittestReader),
    Kind("doctest", doctest_text.ANCHORS, doctest_text.DoctestReader),
    Kind("jest", (b"Test Suites:",), JestReader),
    Kind("vitest", (b"Test Files",), VitestReader),
    Kind("mocha", (b" passing",), MochaReader),
    Kind("node:test", (b"tests ",), NodeSpecReader),
    Kind("ava", (b" passed", b" failed", b" failure", b" exception", b" rejection"), AvaReader),
    Kind("go", go_text.ANCHORS, GoReader),
    Kind("nextest", (b"Summary [", b"Summary"), NextestReader, ("cargo",)),
    Kind("cargo", (b"test result:",), CargoReader),
    Kind("googletest", (b"[=====",), GoogleTestReader),
    Kind(
        "ctest", (b"% tests passed, ", b"No tests were found!!!"), CTestReader, ("googletest", "catch2", "doctest-cpp")
    ),
    Kind("prove", (b"Result: ",), ProveReader, ("tap", "bats")),
    Kind("maven", (b"Tests run:",), SurefireReader, ("junit4", "testng", "cucumber")),
    Kind("xctest", (b"Executed ",), XCTestReader),
    Kind("swift-testing", (b"Test run with ",), SwiftTestingReader),
    Kind("dotnet", (b"- Failed:", b"Total tests: ", b"Test summary: ", b"Test run summary: "), DotnetReader),
    Kind("phpunit", (b"OK (", b"Tests: ", b"No tests executed!"), PhpunitReader),
    Kind("bats", (b" tests, ", b" test, "), BatsReader),
    Kind("shunit2", (b"Ran ",), Shunit2Reader),
    Kind("gradle", (b"> Task :",), GradleReader),
    Kind("julia", (b"Test Summary:",), JuliaReader),
    Kind("clojure.test", (b" assertions.",), ClojureReader),
    Kind("human-eval", (b"'pass@",), HumanEvalReader),
    Kind("evalplus", (b"pass@1:",), EvalPlusReader),
    Kind("boost.test", (b"Running ",), BoostReader),
    *PHRASES,
    Kind("tap", tap.ANCHORS, tap.TapReader),
)

OVER: dict[str, tuple[str, ...]] = {
    "jest": ("phpunit",),
    "sbt": ("scalatest", "specs2", "junit4"),
    "hspec": ("rspec",),
    "bats": ("exunit", "eunit"),
    "check": ("tap",),
    "exunit": ("eunit",),
    "go": ("ginkgo",),
    "automake": ("tap",),
    "dotnet": ("xunit",),
    "ctest": ("googletest", "catch2", "doctest-cpp", "boost.test", "tap", "check", "cmocka", "criterion", "unity"),
    "meson": ("googletest", "tap"),
}
"""Readers on the right are not believed beside a session of the runner on the left: it drove them or states
the same."""
