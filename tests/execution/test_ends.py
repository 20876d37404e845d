"""The sure end of everything a command starts."""

from __future__ import annotations

import http.client
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from runner_env.core import Ending
from runner_env.errors import ExecutionError
from runner_env.execution import StageEnd

if TYPE_CHECKING:
    from conftest import Bench, Eventually


DAEMON = (
    "import os, time\n"
    "if os.fork(): os._exit(0)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "open('daemon.pid', 'w').write(str(os.getpid()))\n"
    "time.sleep(1000)\n"
)
SERVER = (
    "import http.server, os\n"
    "server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n"
    "open('port.part', 'w').write(str(server.server_port)); os.rename('port.part', 'port')\n"
    "server.serve_forever()\n"
)


def test_daemon_is_gone_after_the_stage(bench: Bench, eventually: Eventually) -> None:
    """Double fork and setsid do not escape; the end of the stage counts what it killed (RT070)."""
    with bench.box.stage("test") as stage:
        assert bench.python(stage, DAEMON).ok
        assert eventually((bench.cwd / "daemon.pid").exists)
    assert stage.ended == StageEnd(killed=1, kept=0)
    assert bench.alive() == []


def test_daemon_without_its_marks_is_gone(bench: Bench, eventually: Eventually) -> None:
    """A daemon that cleans its environment is still known by descent."""
    pid_file = bench.cwd / "pid"
    with bench.box.stage("test") as stage:
        assert bench.sh(stage, "setsid env -i /bin/sh -c 'echo $$ >pid; exec sleep 1000' >/dev/null 2>&1 &").ok
        assert eventually(lambda: pid_file.exists() and pid_file.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_background_child_holds_the_pipe(bench: Bench, eventually: Eventually) -> None:
    """The command's end is its end, though a child keeps the pipe open; late output still arrives."""
    with bench.box.stage("test") as stage:
        waiter = "while [ ! -e go ]; do sleep 0.01; done; echo late; exec sleep 100"
        assert bench.sh(stage, f"{{ {waiter}; }} & echo early").ok
        assert bench.out.data == b"early\n"
        (bench.cwd / "go").touch()
        assert eventually(lambda: bench.out.data == b"early\nlate\n")
    assert stage.ended == StageEnd(killed=1, kept=0)


def test_output_at_the_very_end_of_a_stage_arrives(bench: Bench) -> None:
    """What a background process had written when the stage ended is in the sinks, all of it."""
    with bench.box.stage("test") as stage:
        assert bench.sh(stage, "{ head -c 3000000 /dev/zero; touch written; sleep 100; } &").ok
        assert bench.sh(stage, "while [ ! -e written ]; do sleep 0.01; done").ok
    assert len(bench.out.data) == 3_000_000


def test_timeout_keeps_partial_output(bench: Bench) -> None:
    """A timeout is told as 124, with what was written until then (B033)."""
    outcome = bench.run("echo partial; sleep 100", timeout_s=0.1)
    assert (outcome.ending, outcome.exit_code) == (Ending.TIMED_OUT, 124)
    assert bench.out.data == b"partial\n"
    assert 0.1 <= outcome.duration_s < 0.4


def test_term_is_given_time_to_tidy_up(bench: Bench) -> None:
    """SIGTERM comes first and its handler may finish within the grace; stopped processes hear it too."""
    outcome = bench.run("trap 'echo tidy; exit 0' TERM; kill -STOP $$; while :; do sleep 0.01; done", timeout_s=0.1)
    assert (outcome.ending, outcome.exit_code) == (Ending.TIMED_OUT, 124)
    assert bench.out.data == b"tidy\n"


def test_term_ignored(bench: Bench) -> None:
    """Who ignores SIGTERM is killed after the grace, all descendants with it."""
    outcome = bench.run("trap '' TERM; sleep 100 & setsid sleep 100 & sleep 100", timeout_s=0.3, grace_s=0.2)
    assert outcome.ending is Ending.TIMED_OUT
    assert 0.5 <= outcome.duration_s < 0.8
    assert bench.alive() == []


def test_storm_is_ended(bench: Bench) -> None:
    """A hundred processes that ignore SIGTERM and keep forking are all ended (RT064)."""
    storm = "trap '' TERM; for i in $(seq 100); do (while :; do sleep 0.05; done) & done; wait"
    outcome = bench.run(storm, timeout_s=0.5, grace_s=0.1)
    assert outcome.ending is Ending.TIMED_OUT
    assert bench.alive() == []


def test_service_is_kept_for_later_stages(bench: Bench, eventually: Eventually) -> None:
    """A server of a kept stage answers in a later one, survives that one's failure, and is gone after close."""
    with bench.box.stage("deploy", keep=True) as deploy:
        (bench.cwd / "server.py").write_text(SERVER)
        assert bench.sh(deploy, f"{sys.executable} -I server.py & echo $! >server.pid").ok
        assert eventually((bench.cwd / "port").exists)
    assert deploy.ended == StageEnd(killed=0, kept=1)
    with bench.box.stage("rollout") as rollout:
        assert bench.sh(rollout, "sleep 100 & exit 1").exit_code == 1
        connection = http.client.HTTPConnection("127.0.0.1", int((bench.cwd / "port").read_text()), timeout=5)
        connection.request("GET", "/port")
        assert connection.getresponse().status == 200
        connection.close()
        assert bench.sh(rollout, "kill -0 $(cat server.pid)").ok
    assert b"GET /port" in bench.err.data
    assert bench.box.close() == 1
    assert bench.alive() == []
    assert bench.box.close() == 1


def test_teardown_ends_the_service(bench: Bench) -> None:
    """A later stage may end a kept service by its process id; close then has nothing left to kill."""
    with bench.box.stage("deploy", keep=True) as deploy:
        assert bench.sh(deploy, "sleep 100 & echo $! >pid").ok
    assert bench.run("kill $(cat pid); while kill -0 $(cat pid) 2>/dev/null; do sleep 0.01; done").ok
    assert bench.box.close() == 0


def test_failed_stage_keeps_nothing(bench: Bench) -> None:
    """The caller's decision at the end outweighs how the stage was opened; an exception keeps nothing."""
    with bench.box.stage("deploy", keep=True) as deploy:
        assert bench.sh(deploy, "sleep 100 &").ok
        assert deploy.end(keep=False) == StageEnd(killed=1, kept=0)
    deploy = bench.box.stage("deploy", keep=True)
    assert bench.sh(deploy, "sleep 100 &").ok
    deploy.__exit__(KeyError, KeyError(), None)
    assert deploy.ended == StageEnd(killed=1, kept=0)
    assert bench.alive() == []


@pytest.mark.parametrize("end", ["exit 1", "kill -9 $$", "sleep 100"])
def test_failed_command_takes_its_daemons_along(bench: Bench, end: str) -> None:
    """Before a retry all that the failed command started is gone; the earlier service of the stage lives."""
    with bench.box.stage("test") as stage:
        assert bench.sh(stage, "sleep 100 & while ! grep -q sleep /proc/$!/comm; do :; done").ok
        service = bench.alive()
        outcome = bench.sh(stage, f"setsid sleep 100 & setsid env -i sleep 100 & {end}", timeout_s=0.2)
        assert not outcome.ok
        assert bench.alive() == service
        assert len(service) == 1
    assert stage.ended == StageEnd(killed=1, kept=0)


def test_killed_minder_loses_the_box(bench: Bench) -> None:
    """A command that kills the process above it is told as lost, nothing survives, and nothing more runs."""
    with bench.box.stage("deploy", keep=True) as deploy:
        assert bench.sh(deploy, "sleep 100 &").ok
    with bench.box.stage("test") as stage:
        outcome = bench.sh(stage, "setsid sleep 100 & echo before; kill -9 $PPID; sleep 100")
        assert (outcome.ending, outcome.exit_code) == (Ending.LOST, None)
        assert outcome.reason
        assert bench.alive() == []
        assert bench.sh(stage, "echo more").ending is Ending.LOST
    assert bench.out.data == b"before\n"


@pytest.mark.parametrize("generations", [2, 3])
def test_killed_keeper_loses_the_box(bench: Bench, generations: int) -> None:
    """The same for the keeper and for its guardian, killed one after the other from below."""
    climb = "p=$PPID; set --; for i in $(seq %d); do set -- $p $@; p=$(cut -d' ' -f4 /proc/$p/stat); done"
    with bench.box.stage("test") as stage:
        outcome = bench.sh(stage, f"sleep 100 & {climb % generations}; kill -9 $@; sleep 100")
    assert outcome.ending is Ending.LOST
    assert bench.alive() == []


def test_loss_between_commands_is_an_error(bench: Bench) -> None:
    """A box that is lost while no command runs is noticed at the stage's end at the latest."""
    stage = bench.box.stage("test")
    assert bench.sh(stage, "setsid sleep 100 & echo $PPID").ok
    os.kill(int(bench.out.data), signal.SIGKILL)
    with pytest.raises(ExecutionError, match="lost"):
        stage.end()
    assert bench.alive() == []
    assert stage.end() == StageEnd(killed=0, kept=0)
