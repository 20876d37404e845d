"""What a session does between its calls and after them: services, second calls, teardown, one run per workspace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.errors import WorkspaceBusy
from runner_env.guest import tree

Make = Callable[..., Any]

SERVICE = (
    "import http.server, json, os, pathlib\n"
    "class Answer(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200)\n"
    "        self.end_headers()\n"
    "        self.wfile.write(b'hello from ' + str(os.getpid()).encode())\n"
    "server = http.server.HTTPServer(('127.0.0.1', 0), Answer)\n"
    "base = f'http://127.0.0.1:{server.server_address[1]}'\n"
    "pathlib.Path('.aider_fsm/runtime_env.json').write_text(json.dumps({'service': {'base_url': base}}))\n"
    "server.serve_forever()\n"
)
ASK = (
    "import json, pathlib, sys, urllib.request\n"
    "base = json.loads(pathlib.Path('.aider_fsm/runtime_env.json').read_text())['service']['base_url']\n"
    "print(urllib.request.urlopen(base, timeout=10).read().decode())\n"
)
METRICS = """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""
SLEEP = "sleep 61 & sleep 62 &"
IDLE_SETUP = "echo '{}' > .aider_fsm/runtime_env.json"


def traced(**more: object) -> dict[str, Any]:
    """The sections of a contract all of whose stages append their name to `trace`."""
    note = 'echo "$AIDER_FSM_STAGE" >> trace'
    sections: dict[str, Any] = {
        "auth": {"cmds": [note]},
        "tests": {"cmds": [note]},
        "deploy": {
            "setup_cmds": [f"{note}; {SLEEP} echo '{{}}' > .aider_fsm/runtime_env.json"],
            "health_cmds": [note],
            "teardown_cmds": [note],
        },
        "rollout": {"run_cmds": [note]},
        "evaluation": {
            "run_cmds": [f"{note}; {METRICS}"],
            "metrics_path": ".aider_fsm/metrics.json",
            "required_keys": ["ok", "score"],
        },
        "benchmark": {"run_cmds": [note]},
    }
    for name, value in more.items():
        section, _, key = name.partition("__")
        sections[section][key] = value
    return sections


BEFORE = ["auth", "tests", "deploy_setup", "deploy_health", "rollout"]
AFTER = ["evaluation", "benchmark", "deploy_teardown"]


def trace(root: Path) -> list[str]:
    """The stages that ran since the last call."""
    path = root / "trace"
    lines = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def own_processes() -> list[int]:
    """Everything below this process that still runs."""
    return tree.living(tree.descendants(os.getpid()))


def test_a_service_answers_in_evaluation(project: Make, scored: Make) -> None:
    """B010, B043: what deploy.setup started answers in rollout and evaluation, as the same process; then it ends."""
    wait = "while [ ! -s .aider_fsm/runtime_env.json ]; do sleep 0.02; done"
    made = project(
        deploy={"setup_cmds": [f"python3 service.py & {wait}"], "health_cmds": ["python3 ask.py"]},
        rollout={"run_cmds": ["python3 ask.py > rollout.txt"]},
        evaluation=scored(f"python3 ask.py > evaluation.txt && {METRICS}"),
        files={"service.py": SERVICE, "ask.py": ASK},
    )
    with made.setup() as session:
        assert session.rollout("a-model").ok
        assert session.evaluate().ok
        assert own_processes() == []
    assert made.read("rollout.txt").startswith("hello from ")
    assert made.read("rollout.txt") == made.read("evaluation.txt")


def test_evaluate_after_rollout_runs_the_rest_in_the_same_run(project: Make, records: Make) -> None:
    """B010: after `rollout()`, `evaluate()` runs evaluation and benchmark only, as one run with one record."""
    made = project(**traced())
    with made.setup() as session:
        first = session.rollout("a-model")
        assert trace(made.root) == BEFORE
        assert len(own_processes()) >= 2
        second = session.evaluate()
        assert trace(made.root) == AFTER
        assert own_processes() == []
    assert (first.ok, second.ok, second.run_id) == (True, True, first.run_id)
    assert [record["verdict"] for record in records()] == ["passed"]


def test_evaluate_on_a_fresh_session_runs_everything(project: Make, records: Make) -> None:
    """B010: without an open run, `evaluate(llm=…)` runs every stage."""
    made = project(**traced())
    with made.setup() as session:
        assert session.evaluate("a-model").ok
    assert trace(made.root) == BEFORE + AFTER
    assert {item["status"] for item in records()[0]["plan"]} == {"run"}


def test_second_calls_are_new_runs_and_keep_everything(project: Make, records: Make, home: Path) -> None:
    """A second `evaluate()` or `rollout()` begins a new run of all stages; no earlier file is changed."""
    made = project(**traced())
    places = (home / "runs", made.root / ".aider_fsm" / "artifacts")

    def files() -> dict[Path, bytes]:
        found = (path for place in places for path in place.rglob("*") if path.is_file() and path.name != ".lock")
        return {path: path.read_bytes() for path in found}

    with made.setup() as session:
        session.rollout("a-model")
        session.evaluate()
        before = files()
        trace(made.root)
        assert session.evaluate().ok
        assert trace(made.root) == BEFORE + AFTER
        assert session.rollout("a-model").ok
        assert session.rollout("a-model").ok
        assert trace(made.root) == [*BEFORE, "deploy_teardown", *BEFORE]
        assert session.evaluate().ok
        assert trace(made.root) == AFTER
    assert files().items() >= before.items()
    found = records()
    assert len({record["run_id"] for record in found}) == 4
    assert [record["verdict"] for record in found] == ["passed", "passed", "unscored", "passed"]
    assert [finding["code"] for finding in found[2]["findings"]] == ["not_evaluated"]


def test_another_model_begins_a_new_run(project: Make, records: Make) -> None:
    """A rollout of one model is never evaluated as that of another."""
    made = project(**traced())
    with made.setup() as session:
        session.rollout("a-model")
        trace(made.root)
        assert session.evaluate("b-model").ok
        assert trace(made.root) == ["deploy_teardown", *BEFORE, *AFTER]
    assert [record["model"]["name"] for record in records()] == ["a-model", "b-model"]


@pytest.mark.parametrize(
    ("policy", "failed", "passed"),
    [("always", True, True), ("on_success", False, True), ("on_failure", True, False), ("never", False, False)],
)
def test_teardown_follows_its_policy(project: Make, policy: str, failed: bool, passed: bool) -> None:
    """B043, B044: after a failed rollout and after a good run the policy decides; no process is left in any case."""
    made = project(**traced(deploy__teardown_policy=policy, rollout__run_cmds=["test -e good"]))
    with made.setup() as session:
        result = session.rollout("a-model", repair_iters=0)
        assert own_processes() == []
        assert (result.verdict, result.failed_stage) == ("failed", "rollout")
        assert ("deploy_teardown" in trace(made.root)) is failed
        (made.root / "good").touch()
        result = session.evaluate()
        assert own_processes() == []
        assert result.ok
        assert ("deploy_teardown" in trace(made.root)) is passed
    reason = {item.stage: item.reason for item in result.plan}["deploy_teardown"]
    assert reason == ("" if passed else f"teardown_policy: {policy}")


def test_plan_of_a_failed_evaluation(project: Make) -> None:
    """What a failed evaluation kept from running says so, although the rollout had left it waiting."""
    made = project(**traced(evaluation__run_cmds=["false"]))
    with made.setup() as session:
        session.rollout("a-model")
        result = session.evaluate(repair_iters=0)
    plan = {item.stage: (item.status, item.reason) for item in result.plan}
    assert plan["benchmark"] == ("skipped", "evaluation failed")
    assert plan["deploy_teardown"] == ("run", "")
    assert result.verify.evaluation.ok is False


def test_failed_teardown_counts(project: Make) -> None:
    """A score whose teardown failed is not passed off as a clean run."""
    made = project(**traced(deploy__teardown_cmds=["exit 5"]))
    result = made.evaluate(repair_iters=0)
    assert (result.verdict, result.failed_stage, result.score) == ("failed", "deploy_teardown", None)


def test_closing_tears_down(project: Make, records: Make) -> None:
    """The context manager ends what `rollout()` left open, once; what was not evaluated did not pass."""
    made = project(**traced())
    with made.setup() as session:
        session.rollout("a-model")
        trace(made.root)
    session.close()
    assert trace(made.root) == ["deploy_teardown"]
    assert own_processes() == []
    [record] = records()
    plan = {item["stage"]: item["reason"] for item in record["plan"]}
    assert (record["verdict"], plan["evaluation"]) == ("unscored", "not asked for")


def test_closing_after_an_exception_tears_down(project: Make) -> None:
    """What the program itself raises between the calls ends the run too, and is what the program sees."""
    made = project(**traced())

    def work() -> None:
        with made.setup() as session:
            session.rollout("a-model")
            trace(made.root)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert trace(made.root) == ["deploy_teardown"]
    assert own_processes() == []


ROLLOUT_ALONE = """
session = runner_env.setup(sys.argv[1])
assert session.rollout("a-model").ok
print("rolled out")
"""


@pytest.mark.parametrize("end", ["", "sys.exit(7)", "raise RuntimeError('mine')", "import os; os._exit(9)"])
def test_program_that_ends_after_rollout(project: Make, program: Make, records: Make, alive: Make, end: str) -> None:
    """The end of the program is the end of its run: teardown and record; after `os._exit` at least no process."""
    made = project(**traced(deploy__teardown_cmds=['sleep 60 & echo "$AIDER_FSM_STAGE" >> trace']))
    made.commit()
    running = program(ROLLOUT_ALONE + end, made.root)
    code, stdout, stderr = running.end()
    if "_exit" in end:
        assert code == 9
        assert trace(made.root) == BEFORE
    else:
        assert (code, stdout) == ({"": 0, "sys": 7, "rai": 1}[end[:3]], "rolled out\n")
        assert stderr == "" or end.startswith("raise")
        assert trace(made.root) == [*BEFORE, "deploy_teardown"]
        assert [record["verdict"] for record in records()] == ["unscored"]
    running.await_gone(lambda: alive(made.root))


def test_background_output_at_the_end_of_the_program(
    project: Make, program: Make, records: Make, alive: Make, home: Path
) -> None:
    """Python >= 3.12 starts no threads once a program ends; what the teardown leaves running is recorded even so."""
    teardown = "(i=0; while :; do i=$((i+1)); echo line $i; [ $i -gt 20000 ] && sleep 60; done) & sleep 0.3; echo down"
    made = project(**traced(deploy__setup_cmds=[IDLE_SETUP], deploy__teardown_cmds=[teardown]))
    code, stdout, stderr = program(ROLLOUT_ALONE, made.root).end()
    assert (code, stdout, stderr) == (0, "rolled out\n", "")
    assert alive(made.root) == []
    [record] = records()
    assert {item["stage"]: item["ok"] for item in record["plan"]}["deploy_teardown"] is True
    [stored] = home.glob("runs/*/stages/*/deploy_teardown_cmd01_try01_stdout.txt")
    assert "line 20000\n" in stored.read_text()
    assert "down\n" in stored.read_text()


def test_forked_child_leaves_the_run_alone(project: Make, program: Make, records: Make) -> None:
    """A child that the program forks between the calls ends without ending its parent's run."""
    made = project(**traced())
    fork = """
import os, warnings
warnings.simplefilter("ignore")  # the child closes none of its copies
with runner_env.setup(sys.argv[1]) as session:
    assert session.rollout("a-model").ok
    child = os.fork()
    if child == 0:
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert session.evaluate().ok
"""
    code, _, stderr = program(fork, made.root).end()
    assert (code, stderr) == (0, "")
    assert trace(made.root) == BEFORE + AFTER
    assert [record["verdict"] for record in records()] == ["passed"]


def test_session_in_another_thread(project: Make, records: Make) -> None:
    """A session works in a thread that is not the main one, and the program's handlers stay as they are."""
    made = project(**traced())
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    results: list[Any] = []

    def work() -> None:
        with made.setup() as session:
            results.append(session.rollout("a-model"))
            results.append(session.evaluate())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [result.ok for result in results] == [True, True]
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert [record["verdict"] for record in records()] == ["passed"]


def test_session_handed_to_another_thread(project: Make) -> None:
    """A run that the main thread began may be ended by another."""
    made = project(**traced())
    session = made.setup()
    assert session.rollout("a-model").ok
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(session.evaluate()))
    thread.start()
    thread.join()
    assert results[0].ok
    with made.setup() as after:
        assert after.evaluate("a-model").ok
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_closing_from_another_thread_stops_the_call(project: Make, scored: Make, records: Make) -> None:
    """`close()` ends a call that another thread is in the middle of; that call returns, unscored."""
    made = project(deploy={"teardown_cmds": ["touch torn-down"]}, evaluation=scored("touch begun; sleep 60"))
    session = made.setup()
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(session.evaluate("a-model")))
    thread.start()
    while not made.exists("begun"):
        assert thread.is_alive()
    session.close()
    thread.join()
    assert (results[0].verdict, made.exists("torn-down")) == ("unscored", True)
    assert records()[0]["findings"][0]["code"] == "interrupted"


def test_two_sessions_at_once(project: Make, tmp_path: Path, records: Make) -> None:
    """Sessions of different workspaces run side by side in one program."""
    made = project(**traced())
    others = tmp_path / "other"
    subprocess.run(["cp", "-r", str(made.root), str(others)], check=True)
    import runner_env

    with made.setup() as one, runner_env.setup(others) as two:
        assert one.rollout("a-model").ok
        assert two.rollout("a-model").ok
        assert one.evaluate().ok
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert two.evaluate().ok
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert trace(made.root) == trace(others) == BEFORE + AFTER
    assert len(records()) == 2


def test_second_run_in_a_workspace_is_refused(project: Make, records: Make) -> None:
    """The refusal names the run that holds the workspace; that run is not disturbed; afterwards it works again."""
    made = project(**traced())
    with made.setup() as first, made.setup() as second:
        run_id = first.rollout("a-model").run_id
        with pytest.raises(WorkspaceBusy) as caught:
            second.evaluate("a-model")
        assert run_id in str(caught.value)
        assert caught.value.hint
        assert trace(made.root) == BEFORE
        assert first.evaluate().ok
        assert second.evaluate("a-model").ok
    assert [record["verdict"] for record in records()] == ["passed", "passed"]


HOLD = """
session = runner_env.setup(sys.argv[1])
result = session.rollout("a-model")
Path(sys.argv[1], "held").write_text(result.run_id)
time.sleep(60)
"""


def test_killed_program_frees_its_workspace(project: Make, program: Make, alive: Make) -> None:
    """Another program is refused while the first lives; SIGKILL of that ends its processes and frees the workspace."""
    made = project(**traced())
    running = program(HOLD, made.root)
    running.await_file(made.root / "held")
    with made.setup() as session:
        with pytest.raises(WorkspaceBusy, match=made.read("held")):
            session.evaluate("a-model")
        assert len(running.seen) >= 5
        running.signal(signal.SIGKILL)
        assert running.end()[0] == 137
        assert running.left == []
        assert alive(made.root) == []
        assert session.evaluate("a-model").ok


def bug(*_: object, **__: object) -> None:
    """What a room with a bug does."""
    raise RuntimeError("a bug")


BROKEN = [
    "runner_env.pipeline.checks.Checks.before",
    "runner_env.pipeline.checks.Checks.after",
    "runner_env.pipeline.environment.Ingredients.stage",
    "runner_env.pipeline.stage.StageRunner.run",
    "runner_env.runs.stages.Stages.__init__",
    "runner_env.runs.conclusion.missing",
    "runner_env.evidence.publish.Publisher.command",
    "runner_env.evidence.publish.Publisher.next_pass",
    "runner_env.execution.inside.Inside.end",
]


@pytest.mark.parametrize("place", BROKEN, ids=lambda place: ".".join(place.split(".")[-2:]))
def test_a_bug_in_a_room_is_raised_and_leaves_nothing(
    project: Make, records: Make, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A bug is raised, not hidden; lock, box and run directory are let go, and the record does not say passed."""
    made = project(**traced())
    session = made.setup()
    with monkeypatch.context() as patch:
        patch.setattr(place, bug)
        with pytest.raises(RuntimeError, match="a bug"):
            session.evaluate("a-model")
    assert own_processes() == []
    [record] = records()
    assert record["verdict"] == "unscored"
    assert "internal_error" in {finding["code"] for finding in record["findings"]}
    assert session.evaluate("a-model").ok


BROKEN_AT_THE_START = [
    "runner_env.evidence.rundir.RunDir.create",
    "runner_env.evidence.journal.Journal.append",
    "runner_env.runs.run.changed_tracked",
    "runner_env.runs.run.Checks",
    "runner_env.runs.conclusion.notes",
    "runner_env.execution.box.Box.open",
]


@pytest.mark.parametrize("place", BROKEN_AT_THE_START, ids=lambda place: ".".join(place.split(".")[-2:]))
def test_a_bug_at_the_start_leaves_nothing(project: Make, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """So it is when a run cannot even be begun, and the program's handlers are back."""
    made = project(**traced())
    session = made.setup()
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough
    with monkeypatch.context() as patch:
        patch.setattr(place, bug)
        with pytest.raises(RuntimeError, match="a bug"):
            session.evaluate("a-model")
    assert set(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
    assert own_processes() == []
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert session.evaluate("a-model").ok


BROKEN_AT_THE_END = [
    "runner_env.runs.run.Run._teardown",
    "runner_env.execution.inside.Inside._end",
    "runner_env.pipeline.stage.RunningStage.seal",
    "runner_env.pipeline.checks.Checks.restore",
]


@pytest.mark.parametrize("place", BROKEN_AT_THE_END, ids=lambda place: ".".join(place.split(".")[-2:]))
def test_a_bug_at_the_end_skips_no_other_step(
    project: Make, records: Make, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A bug in one step of the end keeps no other step from being taken."""
    made = project(**traced())
    session = made.setup()
    assert session.rollout("a-model").ok
    with monkeypatch.context() as patch:
        patch.setattr(place, bug)
        with pytest.raises(RuntimeError, match="a bug"):
            session.close()
    assert [record["verdict"] for record in records()] == ["unscored"]
    assert session.evaluate("a-model").ok


def test_a_program_that_needs_every_descriptor_finds_them(project: Make) -> None:
    """Run after run in one program, no descriptor is lost."""
    made = project(**traced())
    with made.setup() as session:
        assert session.evaluate("a-model").ok
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        for _ in range(3):
            assert session.evaluate("a-model").ok
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def limited(size: int | None, root: Path) -> subprocess.CompletedProcess[str]:
    """Evaluate in a program whose files cannot grow beyond `size` bytes: for it, the disk is full there.

    Without `size`, that is a little more than the journal already has.
    """
    source = (
        "import resource, runner_env, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with runner_env.setup(sys.argv[1]) as session:\n"
        "    result = session.rollout('a-model', repair_iters=0)\n"
        "    print(result.verdict)\n"
        "    size = int(sys.argv[2]) or (result.run_dir / 'journal.jsonl').stat().st_size + 100\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "    result = session.evaluate(repair_iters=0)\n"
        "    print(result.verdict, result.run_dir, *(finding.code for finding in result.findings))\n"
    )
    argv = [sys.executable, "-c", source, str(root), str(size or 0)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def test_full_disk_for_the_journal(project: Make, alive: Make) -> None:
    """A journal that takes no more makes the run unscored; what it has is readable; what is due is torn down."""
    from runner_env.formats import journal

    made = project(**traced(deploy__teardown_cmds=["touch torn-down"]))
    done = limited(None, made.root)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    verdict, run_dir, *codes = second.split()
    assert (first, verdict) == ("passed", "unscored")
    assert codes == ["evidence_disk_full"]
    report = journal.verify(Path(run_dir) / "journal.jsonl")
    assert report.problems == ()
    assert report.entries > 5
    assert alive(made.root) == []
    assert made.exists("torn-down")


def test_full_disk_for_an_output(project: Make, records: Make, alive: Make) -> None:
    """An output that cannot be recorded whole makes the run unscored; its head and everything earlier is there."""
    fill = f"i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done; {METRICS}"
    made = project(**traced(evaluation__run_cmds=[fill]))
    done = limited(100_000, made.root)
    assert (done.returncode, done.stderr) == (0, "")
    verdict, run_dir, *codes = done.stdout.splitlines()[1].split()
    assert verdict == "unscored"
    assert "output_not_recorded" in codes
    [record] = records()
    assert record["verdict"] == "unscored"
    [stored] = Path(run_dir).glob("stages/*/evaluation_cmd01_try01_stdout.txt")
    assert stored.read_text().startswith("line 0\nline 1\n")
    assert alive(made.root) == []


def test_teardown_runs_where_it_cannot_be_published(project: Make, alive: Make, tmp_path: Path) -> None:
    """A target that turns its artifacts folder into a link gets nothing written there, and is torn down even so."""
    trick = f"rm -rf .aider_fsm/artifacts && ln -s {tmp_path} .aider_fsm/artifacts; {METRICS}"
    made = project(**traced(evaluation__run_cmds=[trick], deploy__teardown_cmds=["touch torn-down"]))
    before = sorted(tmp_path.iterdir())
    result = made.evaluate(repair_iters=0)
    assert result.verdict == "unscored"
    assert {item.stage: item.reason for item in result.plan}["deploy_teardown"] == "run without a record"
    assert made.exists("torn-down")
    assert sorted(tmp_path.iterdir()) == before
    assert alive(made.root) == []
