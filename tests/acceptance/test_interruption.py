"""Ctrl-C, SIGTERM and SIGHUP, wherever they hit a program that has a run open."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
HERE = "touch here-$AIDER_FSM_STAGE; sleep 60 & sleep 61"
SETUP = "sleep 62 & echo '{}' > .aider_fsm/runtime_env.json"


def contract(**more: object) -> dict[str, Any]:
    """The sections of a contract with a service, whose stages can be told to hang."""
    sections: dict[str, Any] = {
        "deploy": {"setup_cmds": [SETUP], "teardown_cmds": ["echo down >> torn-down"]},
        "rollout": {"run_cmds": ["true"]},
        "evaluation": {
            "run_cmds": ["""printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""],
            "metrics_path": ".aider_fsm/metrics.json",
        },
    }
    for name, value in more.items():
        section, _, key = name.partition("__")
        sections[section][key] = value
    return sections


BOTH = """
with runner_env.setup(sys.argv[1]) as session:
    print(session.rollout("a-model").verdict, flush=True)
    print(session.evaluate().verdict, flush=True)
"""
IDLE = """
session = runner_env.setup(sys.argv[1])
print(session.rollout("a-model").verdict, flush=True)
Path(sys.argv[1], "here-idle").touch()
time.sleep(60)
"""


def codes(record: dict[str, Any]) -> list[str]:
    """The codes of the findings that count."""
    return [finding["code"] for finding in record["findings"] if finding["verdict"] != "passed"]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("stage", ["rollout", "evaluation"])
def test_during_a_command(
    project: Make, program: Make, records: Make, alive: Make, number: signal.Signals, stage: str
) -> None:
    """The command ends, the teardown runs, nothing is left, the evidence is whole, the exit code is the signal's."""
    made = project(**contract(**{f"{stage}__run_cmds": [HERE]}))
    running = program(BOTH, made.root)
    running.await_file(made.root / f"here-{stage}")
    started = time.monotonic()
    running.signal(number)
    code, stdout, stderr = running.end()
    assert time.monotonic() - started < 5
    assert (code, stdout) == (128 + number, "" if stage == "rollout" else "passed\n")
    assert stderr == "" or number == signal.SIGINT
    assert (running.left, alive(made.root)) == ([], [])
    assert made.read("torn-down") == "down\n"
    [record] = records()
    assert (record["verdict"], record["failed_stage"], codes(record)) == ("unscored", stage, ["interrupted"])
    assert {item["stage"]: item["ok"] for item in record["plan"]}["deploy_teardown"] is True


@pytest.mark.parametrize("number", SIGNALS)
def test_between_the_calls(project: Make, program: Make, records: Make, alive: Make, number: signal.Signals) -> None:
    """So it is while the program does something else and a service is up."""
    made = project(**contract())
    running = program(IDLE, made.root)
    running.await_file(made.root / "here-idle")
    assert len(alive(made.root)) >= 1
    running.signal(number)
    code, stdout, stderr = running.end()
    assert (code, stdout) == (128 + number, "passed\n")
    assert stderr == "" or number == signal.SIGINT
    assert (running.left, alive(made.root)) == ([], [])
    assert made.read("torn-down") == "down\n"
    [record] = records()
    assert (record["verdict"], codes(record)) == ("unscored", ["interrupted"])


@pytest.mark.parametrize(("policy", "due"), [("on_failure", True), ("on_success", False), ("never", False)])
def test_teardown_policy_holds(project: Make, program: Make, alive: Make, policy: str, due: bool) -> None:
    """An interrupted run is no success; its processes end whatever the policy."""
    made = project(**contract(deploy__teardown_policy=policy, rollout__run_cmds=[HERE]))
    running = program(BOTH, made.root)
    running.await_file(made.root / "here-rollout")
    running.signal(signal.SIGTERM)
    assert running.end()[0] == 143
    assert (running.left, alive(made.root)) == ([], [])
    assert made.exists("torn-down") is due


SLOW_TEARDOWN = ["touch here-teardown", "sleep 60", "touch never"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_cuts_the_teardown_short(
    project: Make, program: Make, records: Make, alive: Make, number: signal.Signals
) -> None:
    """During a slow teardown the same signal once more ends that as well; the first one's repetition does not."""
    made = project(**contract(rollout__run_cmds=[HERE], deploy__teardown_cmds=SLOW_TEARDOWN))
    running = program(BOTH, made.root)
    running.await_file(made.root / "here-rollout")
    running.signal(number)
    running.await_file(made.root / "here-teardown")
    time.sleep(0.6)  # a launcher that passes a signal on does so at once; a person takes longer
    started = time.monotonic()
    running.signal(number)
    assert running.end()[0] == 128 + number
    assert time.monotonic() - started < 5
    assert (running.left, alive(made.root)) == ([], [])
    assert not made.exists("never")
    [record] = records()
    assert (record["verdict"], codes(record)) == ("unscored", ["interrupted", "interrupted"])
    assert {item["stage"]: item["ok"] for item in record["plan"]}["deploy_teardown"] is False


def test_a_signal_that_is_passed_on_twice_counts_once(project: Make, program: Make, records: Make) -> None:
    """What the terminal sends to all and a launcher passes on does not cut short the teardown."""
    made = project(**contract(rollout__run_cmds=[HERE], deploy__teardown_cmds=["touch begun; sleep 0.3; touch whole"]))
    running = program(BOTH, made.root)
    running.await_file(made.root / "here-rollout")
    running.signal(signal.SIGINT)
    running.await_file(made.root / "begun")
    running.signal(signal.SIGINT)
    running.signal(signal.SIGTERM)
    assert running.end()[0] == 130
    assert made.exists("whole")
    assert codes(records()[0]) == ["interrupted"]


def test_a_signal_during_the_teardown_of_a_good_run(project: Make, program: Make, records: Make) -> None:
    """A teardown that was cut short is no pass, though the score was there."""
    made = project(**contract(deploy__teardown_cmds=SLOW_TEARDOWN))
    running = program(BOTH, made.root)
    running.await_file(made.root / "here-teardown")
    running.signal(signal.SIGTERM)
    code, stdout, _ = running.end()
    assert (code, stdout) == (143, "passed\n")
    [record] = records()
    assert (record["verdict"], record["score"], codes(record)) == ("unscored", None, ["interrupted"])


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_the_program_ends(
    project: Make, program: Make, records: Make, alive: Make, number: signal.Signals
) -> None:
    """A signal during the teardown that the program's end brings about still decides the exit code."""
    made = project(**contract(deploy__teardown_cmds=SLOW_TEARDOWN))
    source = "session = runner_env.setup(sys.argv[1])\nsession.rollout('a-model')\nprint('end')\n"
    running = program(source, made.root)
    running.await_file(made.root / "here-teardown")
    running.signal(number)
    assert running.end() == (128 + number, "end\n", "")
    assert (running.left, alive(made.root)) == ([], [])
    assert records()[0]["verdict"] == "unscored"


def test_ignored_signals_stay_ignored(project: Make, program: Make, records: Make) -> None:
    """Started with `&` in sh (SIGINT ignored) and by nohup (SIGHUP ignored), a run goes on through both."""
    made = project(**contract(rollout__run_cmds=["touch here-rollout; while [ ! -e go ]; do sleep 0.02; done"]))
    pid = made.root / "pid"
    shell = """trap '' HUP; "$@" & echo $! > "$3.pid"; wait $!"""
    running = program(
        BOTH + "print(open('/proc/self/status').read())", made.root, shell=shell.replace("$3.pid", str(pid))
    )
    running.await_file(made.root / "here-rollout")
    import os

    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(int(pid.read_text()), number)
    (made.root / "go").touch()
    code, stdout, _ = running.end()
    assert code == 0
    assert stdout.startswith("passed\npassed\n")
    ignored = next(line for line in stdout.splitlines() if line.startswith("SigIgn"))
    assert int(ignored.split()[1], 16) & 0b11 == 0b11
    assert records()[0]["verdict"] == "passed"


OWN_HANDLER = """
import signal
seen = []
signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
with runner_env.setup(sys.argv[1]) as session:
    first = session.rollout("a-model")
    assert signal.getsignal(signal.SIGTERM) is before[1]
    print(first.verdict, seen)
assert before == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
"""


def test_handlers_of_the_program_are_its_own(project: Make, program: Make) -> None:
    """A handler that the program has set is neither replaced nor kept from being called; the others come back."""
    made = project(**contract(rollout__run_cmds=["touch here-rollout; while [ ! -e go ]; do sleep 0.02; done"]))
    running = program(OWN_HANDLER, made.root)
    running.await_file(made.root / "here-rollout")
    running.signal(signal.SIGTERM)
    (made.root / "go").touch()
    assert running.end() == (0, "passed [15]\n", "")


OWN_EXCEPTION = """
import signal
class Mine(Exception): pass
def handler(number, frame): raise Mine
signal.signal(signal.SIGTERM, handler)
with runner_env.setup(sys.argv[1]) as session:
    try:
        session.rollout("a-model")
    except Mine:
        print("mine")
"""


def test_an_exception_from_the_programs_handler(project: Make, program: Make, records: Make, alive: Make) -> None:
    """What the program's own handler raises reaches the program, after the run was ended in order."""
    made = project(**contract(rollout__run_cmds=[HERE]))
    running = program(OWN_EXCEPTION, made.root)
    running.await_file(made.root / "here-rollout")
    running.signal(signal.SIGTERM)
    code, said, complaints = running.end()
    assert (code, said) == (0, "mine\n")
    # Raised between any two steps, it may leave an open socket to the garbage collector, which says so in this mode.
    assert all(
        "unclosed <socket" in text for text in complaints.split("Exception ignored in: ")[1:] or [complaints] if text
    )
    assert alive(made.root) == []
    assert made.read("torn-down") == "down\n"
    assert records()[0]["verdict"] == "unscored"


CAUGHT = """
with runner_env.setup(sys.argv[1]) as session:
    try:
        session.rollout("a-model")
    except KeyboardInterrupt:
        print("caught")
    print(session.evaluate().verdict)
"""


def test_a_session_goes_on_after_an_interrupt_that_was_caught(project: Make, program: Make, records: Make) -> None:
    """In a notebook, the cell after the interrupted one works: it begins a new run."""
    made = project(**contract(rollout__run_cmds=[f"[ -e here-rollout ] || {{ {HERE}; }}"]))
    running = program(CAUGHT, made.root)
    running.await_file(made.root / "here-rollout")
    running.signal(signal.SIGINT)
    assert running.end() == (0, "caught\npassed\n", "")
    assert [record["verdict"] for record in records()] == ["unscored", "passed"]


THREAD = """
import threading
main = runner_env.setup(sys.argv[1])
main.rollout("a-model")
def work():
    with runner_env.setup(sys.argv[2]) as session:
        session.rollout("a-model")
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_sessions_of_other_threads_stop_too(
    project: Make, program: Make, records: Make, tmp_path: Path, alive: Make
) -> None:
    """A signal that ends the program ends the runs of all its threads, each with its teardown."""
    made = project(**contract(rollout__run_cmds=["[ -z $(basename $PWD | grep other) ] || { " + HERE + "; }"]))
    other = tmp_path / "other"
    other.mkdir()
    (other / "pipeline.yml").write_text(made.read("pipeline.yml"))
    (other / ".aider_fsm").mkdir()
    running = program(THREAD, made.root, other)
    running.await_file(other / "here-rollout")
    running.signal(signal.SIGTERM)
    assert running.end()[0] == 143
    assert (running.left, alive(made.root), alive(other)) == ([], [], [])
    assert made.read("torn-down") == (other / "torn-down").read_text() == "down\n"
    assert [record["verdict"] for record in records()] == ["unscored", "unscored"]


DAEMON = """
import threading
session = runner_env.setup(sys.argv[1])
threading.Thread(target=lambda: session.rollout("a-model"), daemon=True).start()
while not Path(sys.argv[1], "here-rollout").exists():
    time.sleep(0.01)
"""


def test_a_program_that_ends_under_a_busy_daemon_thread(
    project: Make, program: Make, records: Make, alive: Make
) -> None:
    """The program's end stops a call that a daemon thread is in the middle of, and waits for its teardown."""
    made = project(**contract(rollout__run_cmds=[HERE]))
    running = program(DAEMON, made.root)
    assert running.end() == (0, "", "")
    running.await_gone(lambda: alive(made.root))
    assert made.read("torn-down") == "down\n"
    assert codes(records()[0]) == ["interrupted"]
