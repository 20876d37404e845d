"""The session as a thin hand that holds one run; the acceptance tests have the whole story."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import runner_env
from runner_env.errors import OptionError
from runner_env.session import EnvSession, open_session

Make = Callable[..., Any]
WRITE_METRICS = """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""


def test_opening_runs_nothing(project: Make) -> None:
    """Opening and closing a target leaves no run, no lock and no handler."""
    made = project(rollout={"run_cmds": ["touch ran"]})
    session = made.setup()
    assert isinstance(session, EnvSession)
    assert session.repo == made.root.resolve()
    session.close()
    session.close()
    assert not made.exists("ran")
    assert not made.exists(".aider_fsm/artifacts")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_observer_sees_every_event_after_it_was_recorded(project: Make) -> None:
    """What is shown has been written down before: the journal has at least as many lines as were seen."""
    made = project(rollout={"run_cmds": ["true"]})
    events: list[str] = []

    def observe(event: str, data: Mapping[str, Any]) -> None:
        if event == "run_started":
            assert data["run_id"]
        events.append(event)

    with open_session(made.root, {}, observe) as session:
        result = session.rollout("a-model")
        assert len((result.run_dir / "journal.jsonl").read_text().splitlines()) == len(events)
    assert events[0] == "run_started"
    assert events[-2:] == ["run_ended", "record_written"]
    assert events.count("command_started") == events.count("command_ended") == 1


def test_bad_input_of_a_second_call_keeps_the_open_run(project: Make, scored: Make) -> None:
    """A call that is refused for its arguments neither ends nor changes the run that is open."""
    made = project(rollout={"run_cmds": ["echo rollout >> trace"]}, evaluation=scored())
    with made.setup() as session:
        first = session.rollout("a-model")
        with pytest.raises(OptionError):
            session.evaluate(mode="tiny")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="llm"):
            session.rollout("")
        with pytest.raises(OptionError):
            session.evaluate(env_overrides={"AIDER_FSM_MAX_TOTAL_SECONDS": "-1"})
        second = session.evaluate()
    assert second.run_id == first.run_id
    assert second.ok
    assert made.read("trace") == "rollout\n"


def test_handlers_are_there_only_while_a_run_is_open(project: Make, scored: Make) -> None:
    """Signals are handled from the first call to the end of the run, and by nobody afterwards."""
    made = project(rollout={"run_cmds": ["true"]}, evaluation=scored())
    former = signal.getsignal(signal.SIGINT)
    with made.setup() as session:
        assert signal.getsignal(signal.SIGINT) is former
        session.rollout("a-model")
        assert signal.getsignal(signal.SIGINT) is not former
        session.evaluate()
        assert signal.getsignal(signal.SIGINT) is former


def test_settings_are_taken_when_the_session_opens(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program changes in its environment later does not reach the stages."""
    made = project(rollout={"run_cmds": ['echo "$AIDER_EVAL_LIMIT" > limit']})
    monkeypatch.setenv("AIDER_EVAL_LIMIT", "3")
    with made.setup() as session:
        monkeypatch.setenv("AIDER_EVAL_LIMIT", "4")
        session.rollout("a-model")
    assert made.read("limit") == "3\n"


def test_every_keyword_of_setup_can_be_asked_for() -> None:
    """`help(runner_env.setup)` leads to the keywords, each with a type."""
    from runner_env.session import SetupKeywords

    assert "SetupKeywords" in (runner_env.setup.__doc__ or "")
    assert all(SetupKeywords.__annotations__.values())


def test_another_mode_begins_a_new_run(project: Make, scored: Make) -> None:
    """What was rolled out in one mode is never scored as the other; without `mode` the open run's is meant."""
    note = 'echo "$AIDER_FSM_STAGE $AIDER_EVAL_MODE" >> trace'
    made = project(rollout={"run_cmds": [note]}, evaluation=scored(f"{note}; {WRITE_METRICS}"))
    with made.setup() as session:
        first = session.rollout("a-model", mode="full")
        second = session.evaluate()
        assert second.run_id == first.run_id
        assert made.read("trace") == "rollout full\nevaluation full\n"
        third = session.rollout("a-model")
        fourth = session.evaluate(mode="full")
        assert fourth.run_id != third.run_id
        assert made.read("trace").splitlines()[2:] == ["rollout smoke", "rollout full", "evaluation full"]
        assert session.evaluate().ok
    assert made.read("trace").splitlines()[5:] == ["rollout smoke", "evaluation smoke"]
