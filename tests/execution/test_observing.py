"""What is observed of commands: programs that really run, whoever starts them and however, and nothing else."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_env.core import Ending, Outcome
from runner_env.execution import Box, Limits, Observation, Request
from runner_env.formats.trace import ExecEvent, ImageEvent, NoteEvent, Program, SignalEvent, TraceEvent, WriteEvent
from runner_env.formats.trace import programs as programs_of
from runner_env.guest.events import EventReader
from runner_env.pipeline.tracing import event_of
from runner_env.text.masking import Masker

PATH = "/usr/local/bin:/usr/bin:/bin"
TINY_EXIT_5 = bytes.fromhex("b8e7000000bf050000000f05")
"""x86_64: exit_group(5), without a C library."""


class Events:
    """A sink that reads what it takes."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []
        self._reader = EventReader()

    def write(self, data: memoryview | bytes, /) -> None:
        """Take the events apart."""
        self.events += [event_of(words, Masker({})) for words in self._reader.feed(data)]

    @property
    def programs(self) -> tuple[Program, ...]:
        """What ran."""
        return programs_of(self.events)

    def of(self, program: str) -> Program:
        """The only run of the program with that file name."""
        found = [one for one in self.programs if Path(one.program).name == program]
        assert len(found) == 1, self.programs
        return found[0]


class Sink:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: memoryview | bytes, /) -> None:
        """Append."""
        self.data += data


class Watched:
    """One box whose commands are observed."""

    def __init__(self, box: Box, cwd: Path) -> None:
        self.box = box
        self.cwd = cwd
        self.out = Sink()
        self.err = Sink()
        self.outcome = Outcome(Ending.LOST, None, 0.0)

    def sh(self, text: str, *, writes_below: Path | None = None, **env: str) -> Events:
        """Run a shell command in a stage of its own."""
        return self.run("/bin/sh", "-c", text, writes_below=writes_below, **env)

    def python(self, code: str) -> Events:
        """Run Python code in a stage of its own."""
        return self.run(sys.executable, "-I", "-S", "-c", code)

    def run(self, *argv: str, writes_below: Path | None = None, **env: str) -> Events:
        """Run a program in a stage of its own."""
        events = Events()
        request = Request(
            argv, self.cwd, {"PATH": PATH, **env}, Limits(30), observation=Observation(events, writes_below)
        )
        with self.box.stage("test") as stage:
            self.outcome = stage.run(request, self.out, self.err)
        return events


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A box, closed afterwards."""
    with Box.open() as box:
        assert box.unobservable() == "", "these tests are about a machine that can observe"
        yield Watched(box, tmp_path)


def real(program: str) -> str:
    """Where a program of the system really is."""
    return os.path.realpath(program)


def test_programs_with_arguments_directory_parents_and_codes(watched: Watched) -> None:
    """Each program shows once, with what the kernel runs, how it was started, by whom, and how it ended."""
    events = watched.sh("mkdir sub; cd sub; sh -c 'exit 3' -- --flag; env true 'a b'")
    shell, _, inner, env = events.programs[:4]
    assert [one.program for one in events.programs] == [
        real(f"/bin/{name}") if name == "sh" else real(f"/usr/bin/{name}")
        for name in ("sh", "mkdir", "sh", "env", "true")
    ]
    assert (inner.argv, inner.cwd, inner.exit) == (("sh", "-c", "exit 3", "--", "--flag"), f"{watched.cwd}/sub", 3)
    assert inner.parent == env.parent == shell.pid
    true = events.of("true")
    assert (true.argv, true.pid, true.exit, env.exit) == (("true", "a b"), env.pid, 0, None)
    assert 0 <= shell.started <= inner.started <= (inner.ended or 0) <= (shell.ended or 0)
    assert events.events[-1].event == "end"


def test_talk_about_a_program_is_no_program(watched: Watched) -> None:
    """An echo of the official command, and another program under its name, are told apart from it."""
    events = watched.run("/bin/bash", "-c", "echo pytest -q; exec -a pytest /bin/true")
    assert [Path(one.program).name for one in events.programs] == ["bash", "true"]
    assert events.of("true").argv == ("pytest",)


def test_nobody_escapes(watched: Watched) -> None:
    """An empty environment, a session of its own and a double fork change nothing; the true parent is told."""
    code = """
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sleep", ["sleep", "0.05"], {})
    os._exit(0)
os.wait()
"""
    events = watched.sh(f"env -i {sys.executable} -I -S -c '{code}'; sleep 0.2")
    daemon = next(one for one in events.programs if one.argv == ("sleep", "0.05"))
    parents = {event.pid: event.parent for event in reversed(events.events) if hasattr(event, "parent")}
    python = next(one for one in events.programs if one.argv[:1] == (sys.executable,))
    assert daemon.exit == 0
    assert parents[daemon.parent] == python.pid


def test_programs_from_memory_and_from_threads(watched: Watched) -> None:
    """A program that lies in memory only, and one that a thread executes, are seen."""
    events = watched.python("""
import os, threading, time
if os.fork() == 0:
    program = os.memfd_create("in-memory")
    os.write(program, open("/bin/true", "rb").read())
    os.execve(program, ["anything"], {})
os.wait()
if os.fork() == 0:
    threading.Thread(target=lambda: os.execv("/bin/echo", ["echo", "hello"])).start()
    time.sleep(30)
os.wait()
""")
    assert "/memfd:in-memory (deleted)" in {one.program for one in events.programs}
    assert events.of("echo").argv == ("echo", "hello")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the program is for x86_64")
def test_a_program_without_a_c_library(watched: Watched) -> None:
    """Such a program does not announce itself; its exit shows that it ran."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    size = 120 + len(TINY_EXIT_5)
    head += struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000)
    tiny = watched.cwd / "tiny"
    tiny.write_bytes(head + TINY_EXIT_5)
    tiny.chmod(0o755)
    program = watched.sh("./tiny one; true").of("tiny")
    assert (program.program, program.argv, program.exit) == (str(tiny), ("./tiny", "one"), 5)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the number of the call is that of x86_64")
def test_a_forged_start_is_marked(watched: Watched) -> None:
    """A process that announces itself a second time, without having executed anything, is found out."""
    events = watched.python("import ctypes; ctypes.CDLL(None).syscall(218, 0)")
    assert [event.forged for event in events.events if isinstance(event, ImageEvent)] == [False, True]


def test_what_is_not_there_did_not_run(watched: Watched) -> None:
    """A search through PATH leaves no trace, and a file that cannot be executed no program."""
    (watched.cwd / "data").write_text("no program")
    (watched.cwd / "data").chmod(0o755)
    events = watched.run("/bin/bash", "-c", "no-such-program; env ./data")
    assert [Path(one.program).name for one in events.programs][:2] == ["bash", "env"]
    assert not any("no-such-program" in event.program for event in events.events if isinstance(event, ExecEvent))
    assert str(watched.cwd / "data") not in {one.program for one in events.programs}


def test_an_end_by_signal(watched: Watched) -> None:
    """The command's own death by a signal is told, although it never called for its exit."""
    events = watched.sh("kill -9 $$")
    assert [event.signal for event in events.events if isinstance(event, SignalEvent)] == [9]
    assert events.programs[0].exit == -9
    assert watched.outcome.ending is Ending.SIGNALLED


def test_writes_below_a_folder(watched: Watched) -> None:
    """With a folder, files below it that may be written are told, by whatever path; reading is not."""
    (watched.cwd / "in").mkdir()
    (watched.cwd / "in" / "old").write_text("x")
    script = "cd in; cat old > new; mv new newer; echo > ../outside; cat old; ln old link; : >> ../in/old"
    events = watched.sh(script, writes_below=watched.cwd / "in")
    wrote = [event for event in events.events if isinstance(event, WriteEvent)]
    below = [[Path(path).name for path in event.paths] for event in wrote]
    assert below == [["new"], ["new", "newer"], ["old", "link"], ["old"]]
    assert {Path(event.program).name for event in wrote} >= {"mv", "ln"}


def test_without_a_folder_no_writes(watched: Watched) -> None:
    """Otherwise writes are not asked about at all."""
    assert not any(isinstance(event, WriteEvent) for event in watched.sh("echo > file").events)


def test_it_cannot_be_started(watched: Watched) -> None:
    """A program that is not there ends as a shell would end it, and no program has run."""
    events = watched.run("no-such-program")
    assert watched.outcome.exit_code == 127
    assert b"not found" in watched.err.data
    assert events.programs == ()
    assert [event.event for event in events.events] == ["end"]


def test_a_file_that_is_no_program(watched: Watched) -> None:
    """Likewise one that must not be executed: 126."""
    (watched.cwd / "data").write_text("x")
    watched.run("./data")
    assert watched.outcome.exit_code == 126
    assert b"Permission denied" in watched.err.data


def test_input_and_output_are_those_of_any_command(watched: Watched) -> None:
    """Observed or not, a command has no terminal, an empty input, its own session and default signals."""
    watched.sh(
        "cat; test -t 0 || echo no terminal; ps -o sid= -p $$ | tr -d ' '; echo $$; kill -PIPE $$; echo not here"
    )
    lines = watched.out.data.decode().split()
    assert lines[:2] == ["no", "terminal"]
    assert lines[2] == lines[3]
    assert watched.outcome.exit_code == 128 + 13


def test_a_runner_inside_an_observed_stage(watched: Watched) -> None:
    """There can be one observer only: the inner one says so, its commands run all the same."""
    import runner_env

    source = str(Path(runner_env.__file__).parents[1])
    code = f"""
import sys; sys.path[:0] = {[source, *sys.path]!r}
from runner_env.execution import Box
with Box.open() as box:
    print(box.unobservable())
"""
    watched.run(sys.executable, "-c", code)
    assert b"EBUSY" in watched.out.data, watched.err.data


def test_what_is_left_running_is_observed_on(tmp_path: Path) -> None:
    """Programs that a kept service executes later are still told, up to its end."""
    events = Events()
    script = "(while [ ! -e go ]; do sleep 0.02; done; expr 40 + 2 > done) &"
    request = Request(("/bin/sh", "-c", script), tmp_path, {"PATH": PATH}, Limits(30), observation=Observation(events))
    with Box.open() as box:
        with box.stage("first", keep=True) as stage:
            stage.run(request, Sink(), Sink())
        assert not any(Path(one.program).name == "expr" for one in events.programs)
        (tmp_path / "go").touch()
        with box.stage("second") as stage:
            wait = "while [ ! -s done ]; do sleep 0.02; done"
            stage.run(Request(("/bin/sh", "-c", wait), tmp_path, {"PATH": PATH}, Limits(30)), Sink(), Sink())
    assert events.of("expr").argv == ("expr", "40", "+", "2")
    assert events.events[-1].event == "end"


def test_many_programs(watched: Watched) -> None:
    """A loop over programs loses none, and the counts agree."""
    events = watched.sh("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do /bin/true & /bin/true; done; wait")
    assert sum(Path(one.program).name == "true" for one in events.programs) == 30
    assert not any(isinstance(event, NoteEvent) for event in events.events)
    end = events.events[-1]
    assert end.event == "end"
    assert (end.programs, end.dropped, end.recorded) == (31, 0, len(events.events) - 1)


def test_killed_while_it_is_asked_about(watched: Watched) -> None:
    """A storm of programs that meets its time limit is gone all the same."""
    events = Events()
    script = "while :; do /bin/true & /bin/true; done"
    request = Request(
        ("/bin/sh", "-c", script), watched.cwd, {"PATH": PATH}, Limits(0.3, 0.1), observation=Observation(events)
    )
    with watched.box.stage("test") as stage:
        outcome = stage.run(request, Sink(), Sink())
    assert outcome.ending is Ending.TIMED_OUT
    assert events.events[-1].event == "end"
    assert watched.sh("true").programs
