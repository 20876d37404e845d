"""SIGKILL of the runner, wherever it hits: nothing runs on, nothing recorded is lost, the run can be resumed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_env.errors import RunError
from runner_env.formats import journal
from runner_env.runs.gc import collect
from runner_env.runs.listing import RunSummary, list_runs
from runner_env.runs.proof import check_proof
from runner_env.runs.resume import Given, resume_run
from runner_env.settings import Settings

Make = Callable[..., Any]
PATIENCE_S = 60.0
GIVEN = Given(("A_TOKEN",), {"MINE": "mine"})

KILLED = """
import os, signal, sys, threading
from runner_env.session import open_session
at, delay, seen = int(sys.argv[2]), float(sys.argv[3]), 0
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def observer(event, data):
    global seen
    seen += 1
    if seen == at:
        die() if not delay else threading.Timer(delay, die).start()
"""
RUN = """
with open_session(sys.argv[1], {"pass_env": ["A_TOKEN"]}, observer) as session:
    session.evaluate("a-model", env_overrides={"MINE": "mine"})
print(seen)
"""
RESUME = """
from pathlib import Path
from runner_env.runs.resume import Given, resume_run
from runner_env.settings import Settings
resume_run(Path(sys.argv[1]), Settings.from_environ(), Given(("A_TOKEN",), {"MINE": "mine"}, observer))
print(seen)
"""
GC = """
from runner_env.runs.gc import GcOptions, collect
from runner_env.runs.resume import Given
from runner_env.settings import Settings
collect(Settings.from_environ(), GcOptions(given=Given(("A_TOKEN",), {"MINE": "mine"}, observer)))
print(seen)
"""

SAMPLE = (
    """printf '{"prompt": "p", "completion": "c", "reward": 1}\\n' > out.jsonl && """
    """printf '{"paths": {"samples_jsonl": "out.jsonl"}}' > .aider_fsm/rollout.json"""
)
SECTIONS: Mapping[str, Any] = {
    "security": {"secrets": ["A_TOKEN"]},
    "auth": {"cmds": ['[ "$A_TOKEN" = a-very-long-token ]; echo auth >> log']},
    "tests": {"cmds": ["echo tests >> log"]},
    "deploy": {
        "setup_cmds": ["sleep 301 & echo $! > service; echo '{}' > .aider_fsm/runtime_env.json; echo deploy >> log"],
        "health_cmds": ["kill -0 $(cat service)"],
        "teardown_cmds": ["echo down >> log"],
    },
    "rollout": {"run_cmds": ["kill -0 $(cat service); " + SAMPLE, "echo rollout >> log"]},
    "evaluation": {
        "run_cmds": [
            "kill -0 $(cat service) && [ $MINE = mine ]",
            "cat out.jsonl; echo evaluation >> log",
            """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json""",
        ],
        "metrics_path": ".aider_fsm/metrics.json",
    },
    "benchmark": {"run_cmds": ["echo benchmark >> log"]},
}
BOOTSTRAP = {"version": 1, "env": {"FROM": "bootstrap"}, "cmds": ["echo bootstrap >> log"]}
ACTIONS = {"version": 1, "actions": [{"id": "a", "kind": "write_file", "path": "x", "content": "made\n"}]}
MOVED = ".aider_fsm/rollout.json"


@pytest.fixture
def target(project: Make, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A target with every kind of stage, under version control, with a tracked output that runs move aside."""
    monkeypatch.setenv("A_TOKEN", "a-very-long-token")
    made = project(**SECTIONS, files={".aider_fsm/bootstrap.yml": BOOTSTRAP, MOVED: "{}"})
    made.commit()
    made.write({".aider_fsm/actions.yml": ACTIONS})
    return made


def killed(source: str, argument: Path, at: int, delay: float = 0.0) -> bool:
    """Run a program that kills itself `delay` seconds after event `at`; returns whether it got so far."""
    command = [sys.executable, "-c", KILLED + source, str(argument), str(at), str(delay)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def await_nobody(alive: Callable[[Path], list[int]], root: Path) -> None:
    """Wait until nothing that a stage in `root` started is alive."""
    give_up = time.monotonic() + 20
    while rest := alive(root):
        assert time.monotonic() < give_up, rest
        time.sleep(0.01)


def stored(home: Path) -> RunSummary:
    """The one run there is."""
    [run] = list_runs(home / "runs")
    return run


def await_let_go(home: Path) -> RunSummary:
    """Wait until the lock is gone too: a program that was being started when the runner died holds it until it runs."""
    give_up = time.monotonic() + 20
    while (run := stored(home)).state == "running" and time.monotonic() < give_up:
        time.sleep(0.01)
    return run


def cli(*arguments: str, code: int = 0) -> str:
    """What `runner-env` prints."""
    command = [sys.executable, "-m", "runner_env", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def check_lost(home: Path, target: Any, alive: Make) -> RunSummary:
    """What holds of every run that was killed."""
    await_nobody(alive, target.root)
    run = await_let_go(home)
    report = journal.verify(Path(run.run_dir) / "journal.jsonl")
    assert report.ok
    assert (run.state, run.findings) == ("interrupted", ())
    return run


def check_resumed(home: Path, target: Any, alive: Make) -> None:
    """Resuming comes to what an unbroken run comes to, and leaves nothing to do."""
    run = stored(home)
    record = json.loads(cli("resume", run.run_id, "--pass-env", "A_TOKEN", "--env", "MINE=mine", "--json"))
    assert (record["verdict"], record["score"]) == ("passed", 0.5), record["findings"]
    expected = ["bootstrap", "auth", "tests", "deploy_setup", "deploy_health", "rollout", "evaluation", "benchmark"]
    plan = {item["stage"]: item for item in record["plan"]}
    if (plan["bootstrap"]["reason"] or "").startswith("unchanged since run"):  # killed once it was known to be done
        expected.remove("bootstrap")
    assert [stage for stage in expected if plan[stage]["status"] == "run" and plan[stage]["ok"]] == expected
    assert target.read("log").splitlines()[-1] == "down"
    assert target.read("x") == "made\n"
    assert record["changed_tracked"] in ([], [MOVED])
    proof = check_proof(Path(run.run_dir))
    assert proof.ok, proof.problems
    assert stored(home).state == "passed"
    check_clean(home, target, alive)


def check_clean(home: Path, target: Any, alive: Make) -> None:
    """`gc` finds no run to tidy up; after it nothing is left of any, and nobody is alive."""
    report = collect(Settings.from_environ())
    assert (report.ok, report.runs) == (True, ())
    assert list((home / "scratch").iterdir()) == []
    again = collect(Settings.from_environ())
    assert (again.runs, again.removed) == ((), ())
    await_nobody(alive, target.root)


EVALUATION = """
observer_ = observer
def observer(event, data):
    observer_(event, data)
    if event == "command_started" and data["stage"] == "evaluation":
        die()
"""


def killed_in_evaluation(target: Any) -> None:
    """Run until the evaluation starts its first command."""
    assert killed(EVALUATION + RUN, target.root, 0)


@pytest.mark.parametrize("eighth", range(8))
def test_killed_between_two_events(
    target: Any, home: Path, alive: Make, monkeypatch: pytest.MonkeyPatch, eighth: int
) -> None:
    """After an event is recorded and before its effect: listed as interrupted, resumed to what a whole run comes to."""
    monkeypatch.setenv("RUNNER_ENV_SANDBOX", ("auto", "landlock", "none")[eighth % 3])
    at = 1 + round(eighth * 8.7)
    assert killed(RUN, target.root, at)
    check_lost(home, target, alive)
    check_resumed(home, target, alive)


LAST = 71
FIFTY = sorted({*range(1, 12), *range(12, 60, 2), 13, 33, 45, *range(60, LAST + 1)})


@pytest.mark.slow
@pytest.mark.parametrize("at", FIFTY)
def test_killed_at_fifty_points(target: Any, home: Path, alive: Make, at: int) -> None:
    """Every kind of event up to the last one, half of them a moment after it, in the midst of its effect."""
    assert len(FIFTY) == 50
    delay = 0.004 * (at % 4 // 2)
    assert killed(RUN, target.root, at, delay=delay) or delay
    if stored(home).state == "passed":  # it was over by then
        assert check_proof(Path(stored(home).run_dir)).ok
        return
    check_lost(home, target, alive)
    check_resumed(home, target, alive)


def test_killed_while_it_is_resumed(target: Any, home: Path, alive: Make) -> None:
    """An attempt to resume can be killed too, and the next goes on from there; finished stages are run once."""
    assert killed(RUN, target.root, 45)
    lost = check_lost(home, target, alive)
    for at in (1, 12, 25):
        assert killed(RESUME, Path(lost.run_dir), at)
        check_lost(home, target, alive)
    check_resumed(home, target, alive)
    log = target.read("log").splitlines()
    assert [log.count(stage) for stage in ("bootstrap", "tests")] == [1, 1]


def test_tidied_up_and_resumed_all_the_same(target: Any, home: Path, alive: Make) -> None:
    """`gc` tears down and puts back what was moved aside, once, keeps the evidence; the run can still be resumed."""
    assert killed(RUN, target.root, 58)
    lost = check_lost(home, target, alive)
    before = {path: path.read_bytes() for path in Path(lost.run_dir).rglob("*.txt")}
    told = json.loads(cli("gc", "--dry-run", "--json", "--pass-env", "A_TOKEN", "--env", "MINE=mine"))
    assert "down" not in target.read("log")
    done = json.loads(cli("gc", "--json", "--pass-env", "A_TOKEN", "--env", "MINE=mine"))
    assert [run["did"] for run in done["runs"]] == [run["did"] for run in told["runs"]]
    assert "teardown" in done["runs"][0]["did"]
    assert target.read("log").splitlines().count("down") == 1
    assert {path: path.read_bytes() for path in before} == before
    check_clean(home, target, alive)
    assert stored(home).state == "interrupted"
    check_resumed(home, target, alive)


@pytest.mark.parametrize("at", [pytest.param(1, marks=pytest.mark.slow), 4, pytest.param(8, marks=pytest.mark.slow)])
def test_killed_while_it_tidies_up(target: Any, home: Path, alive: Make, at: int) -> None:
    """`gc` that was killed can be run again, and comes to the same."""
    assert killed(RUN, target.root, 50)
    check_lost(home, target, alive)
    assert killed(GC, target.root, at)
    check_lost(home, target, alive)
    cli("gc", "--pass-env", "A_TOKEN", "--env", "MINE=mine")
    assert "down" in target.read("log")
    check_clean(home, target, alive)


def test_a_run_that_goes_on_is_left_alone(target: Any, home: Path, program: Make) -> None:
    """`gc` does not touch it, `resume` refuses it, the list says that it runs."""
    target.write({"pipeline.yml": {"version": 1, "tests": {"cmds": ["touch here; sleep 60"]}}})
    running = program("with runner_env.setup(sys.argv[1]) as s: s.rollout('a-model')", target.root)
    running.await_file(target.root / "here")
    run = stored(home)
    assert (run.state, run.stage) == ("running", "tests")
    assert collect(Settings.from_environ()).runs == ()
    assert "run_live" in cli("resume", run.run_id, "--json", code=2)
    running.signal(signal.SIGTERM)
    running.end()
    assert stored(home).state == "unscored"


def test_what_the_run_was_given_is_given_again(target: Any, home: Path, alive: Make) -> None:
    """Without the secret and the variable, which nobody wrote down, the run is not resumed, and says what to give."""
    assert killed(RUN, target.root, 45)
    run = check_lost(home, target, alive)
    for given in (Given(), Given(env_overrides=GIVEN.env_overrides), Given(GIVEN.pass_env)):
        with pytest.raises(RunError) as error:
            resume_run(Path(run.run_dir), Settings.from_environ(), given)
        assert error.value.code == "resume_needs_variables"
        assert ("A_TOKEN" in error.value.message) is not bool(given.pass_env)
        assert ("MINE" in error.value.message) is not bool(given.env_overrides)
    assert "a-very-long-token" not in (Path(run.run_dir) / "journal.jsonl").read_text()


CHANGES = {
    "contract": lambda made: made.write({"pipeline.yml": made.read("pipeline.yml") + "\n"}),
    "bootstrap": lambda made: made.write({".aider_fsm/bootstrap.yml": {"version": 1, "cmds": ["true"]}}),
    "revision": lambda made: made.git("commit", "-q", "--allow-empty", "-m", "other"),
    "rollout": lambda made: made.write({".aider_fsm/rollout.json": {"paths": {"samples_jsonl": "out.jsonl"}, "k": 1}}),
    "samples": lambda made: made.write({"out.jsonl": '{"prompt": "p", "completion": "other", "reward": 1}\n'}),
    "missing": lambda made: (made.root / "out.jsonl").unlink(),
}


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_what_is_finished_must_fit(target: Any, home: Path, alive: Make, what: str) -> None:
    """A contract, a revision or a handed-in file that is not as it was: not resumed."""
    killed_in_evaluation(target)
    run = check_lost(home, target, alive)
    CHANGES[what](target)
    with pytest.raises(RunError) as error:
        resume_run(Path(run.run_dir), Settings.from_environ(), GIVEN)
    assert error.value.code == "resume_changed"


@pytest.mark.parametrize("name", ["stages/", "claims/rollout/"])
def test_evidence_must_be_as_recorded(target: Any, home: Path, alive: Make, name: str) -> None:
    """So must the recorded outputs and claims of finished stages."""
    killed_in_evaluation(target)
    run = check_lost(home, target, alive)
    path = next(path for path in sorted(Path(run.run_dir, name).rglob("*")) if path.is_file())
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(RunError) as error:
        resume_run(Path(run.run_dir), Settings.from_environ(), GIVEN)
    assert error.value.code == "resume_changed"


def test_a_broken_chain_is_not_continued(target: Any, home: Path, alive: Make) -> None:
    """A journal in which a line was changed is listed as damaged, and neither resumed nor tidied up."""
    assert killed(RUN, target.root, 30)
    path = Path(check_lost(home, target, alive).run_dir) / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"number":1', b'"number":2', 1))
    run = stored(home)
    assert [finding.code for finding in run.findings] == ["journal_changed"]
    assert json.loads(cli("resume", run.run_id, "--json", code=3))["code"] == "journal_changed"
    assert collect(Settings.from_environ()).ok is False
