"""A hint that the runner runs itself: command, exit code, output and score are its own observations."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
TAP = "TAP version 13\n1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c\n"
GOOD = "TAP version 13\n1..2\nok 1 - a\nok 2 - b\n"
README = "# demo\n\n## Testing\n\n    ./run_tests.sh\n"
SCRIPT = "#!/bin/sh\ncat result.tap\n"


def codes(result: CallResult) -> list[str]:
    """The codes of what speaks against a result."""
    return [finding.code for finding in result.findings if finding.verdict is not Verdict.PASSED]


@pytest.fixture
def hinted(project: Make) -> Make:
    """`hinted(tap, hint=...)` is the result of an evaluation whose hint prints `tap`."""

    def run(tap: str, *, hint: str = "sh run_tests.sh", end: str = "", env: dict[str, str] | None = None) -> CallResult:
        files = {"result.tap": tap, "run_tests.sh": f"{SCRIPT}{end}", "README.md": README}
        made = project(files=files, evaluation={"hint": hint})
        (made.root / "run_tests.sh").chmod(0o755)
        found: CallResult = made.evaluate(env_overrides=env or {})
        return found

    return run


def test_failed_tests_are_a_score(hinted: Make) -> None:
    """B091: an exit code of 1 with two of three passed is a real score of two thirds, observed by the runner."""
    result = hinted(TAP, end="exit 1\n")
    assert (result.ok, result.score) == (True, pytest.approx(2 / 3))
    assert result.metrics["observed"] is True
    assert result.metrics["exit_code"] == 1
    assert (result.metrics["counts"]["passed"], result.metrics["counts"]["failed"]) == (2, 1)
    published = json.loads((result.artifacts_dir / "metrics.json").read_text("utf-8"))
    assert published["score"] == result.score


def test_a_command_that_tests_nothing_has_no_score(hinted: Make) -> None:
    """B094: exit code 0 without a stated result is no score, never 1.0."""
    assert codes(hinted("all is well\n")) == ["hint_no_result"]


def test_an_exit_code_that_contradicts_the_tests_is_no_score(hinted: Make) -> None:
    """All that ran passed, and something failed all the same: there may be tests that did not run."""
    assert codes(hinted(GOOD, end="exit 2\n")) == ["hint_exit_code"]


def test_a_run_that_broke_off_has_no_score(hinted: Make) -> None:
    """A plan of three with one result is not one of one."""
    assert codes(hinted("TAP version 13\n1..3\nok 1 - a\n")) == ["hint_no_score"]


def test_a_build_that_failed_is_no_score(hinted: Make) -> None:
    """Where not one test ran there is nothing to share out: no score, not the score 0."""
    built = "# demo\n./a_test.go:9:2: undefined: b\nFAIL\tdemo [build failed]\nFAIL\n"
    assert codes(hinted(built, end="exit 1\n")) == ["hint_no_score"]


@pytest.mark.parametrize(("broken", "found"), [("", []), ("raise ValueError", ["hint_no_result"])])
def test_a_report_of_a_run_that_broke_off_is_no_result(project: Make, broken: str, found: list[str]) -> None:
    """What pytest had written down when it failed itself is of a part of the tests."""
    conftest = f"def pytest_runtest_logfinish(nodeid):\n    if nodeid.endswith('_b'):\n        {broken or 'pass'}\n"
    tests = "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n"
    quiet = "[pytest]\naddopts = -qq --no-summary -p no:cacheprovider\n"  # no text from which the counts could be read
    files = {"test_it.py": tests, "conftest.py": conftest, "pytest.ini": quiet}
    result = project(files=files, evaluation={"hint": f"{sys.executable} -m pytest"}).evaluate()
    assert codes(result) == found


def test_a_crash_is_a_failure(hinted: Make) -> None:
    """Counts before a signal are not a result."""
    result = hinted(GOOD, end="kill -9 $$\n")
    assert not result.ok
    assert result.metrics is None


def test_what_is_built_first_must_succeed(project: Make) -> None:
    """A failing command before the hint fails the stage, and the hint does not run."""
    result = project(evaluation={"run_cmds": ["exit 3"], "hint": "printf 'TAP version 13\\n1..1\\nok 1\\n'"}).evaluate()
    assert codes(result) == ["command_failed"]
    assert len(result.verify.evaluation.results) == 1


def test_a_hint_is_run_once_whatever_the_retries(project: Make) -> None:
    """Tests are not run until they pass."""
    section = {"hint": "printf 'TAP version 13\\n1..2\\nok 1\\nnot ok 2\\n'; exit 1", "retries": 3}
    result = project(evaluation=section).evaluate()
    assert result.score == 0.5
    assert len(result.verify.evaluation.results) == 1


def test_auto_is_the_surest_stated_command(hinted: Make) -> None:
    """`auto` runs what the README states."""
    result = hinted(GOOD, hint="auto")
    assert result.score == 1.0
    assert result.metrics["command"] == "./run_tests.sh"


def test_auto_needs_a_statement(project: Make) -> None:
    """Nothing stated, nothing run, no score."""
    assert codes(project(evaluation={"hint": "auto"}).evaluate()) == ["hint_not_found"]


REQUIRE = {"AIDER_FSM_REQUIRE_HINTS": "1"}


def test_the_runners_own_hint_meets_the_demand(hinted: Make) -> None:
    """B065: a hint that the runner ran itself is a stated command that was used."""
    assert hinted(GOOD, hint="auto", env=REQUIRE).ok


def test_a_stated_command_that_was_seen_to_run_meets_the_demand(project: Make, scored: Make) -> None:
    """B064, B065: a path such as `./run_tests.sh` satisfies it too; the trace tells."""
    command = """./run_tests.sh > out.tap; printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""
    files = {"result.tap": GOOD, "run_tests.sh": SCRIPT, "README.md": README}
    made = project(files=files, evaluation=scored(command))
    (made.root / "run_tests.sh").chmod(0o755)
    result = made.evaluate(env_overrides=REQUIRE)
    assert result.ok, codes(result)


def test_a_file_that_says_so_does_not_meet_the_demand(project: Make, scored: Make) -> None:
    """B064, B066: where it was observed what ran, `hints_used.json` and `hints_run.json` prove nothing."""
    used = {"ok": True, "used_anchors": ["run_tests.sh"], "commands": ["./run_tests.sh"]}
    run = {"ok": True, "chosen_command": "./run_tests.sh", "executed_attempts": 1, "score": 1.0}
    command = (
        f"printf '%s' '{json.dumps(used)}' > .aider_fsm/hints_used.json; "
        f"printf '%s' '{json.dumps(run)}' > .aider_fsm/hints_run.json; "
        """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""
    )
    files = {"result.tap": GOOD, "run_tests.sh": SCRIPT, "README.md": README}
    result = project(files=files, evaluation=scored(command)).evaluate(env_overrides=REQUIRE)
    assert codes(result) == ["hints_requirement_failed"]


def test_hints_are_advice_without_the_demand(project: Make, scored: Make) -> None:
    """A human contract that uses no hint is never refused for it."""
    files = {"run_tests.sh": SCRIPT, "README.md": README}
    assert project(files=files, evaluation=scored()).evaluate().ok
