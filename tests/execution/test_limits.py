"""What a command may use: each limit that is exceeded ends all of it, and says by how much."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_env.core import Ending, Outcome
from runner_env.execution import Box, Limits, Request, StageScope

PATH = "/usr/local/bin:/usr/bin:/bin"
HOG = "x = bytearray({mib} << 20); print('ready', flush=True); import time; time.sleep(30)"


class Sink:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: memoryview | bytes, /) -> None:
        """Append."""
        self.data += data


@pytest.fixture
def box() -> Iterator[Box]:
    """A box, closed afterwards; by then it must not be lost."""
    with Box.open() as box:
        yield box
        assert box.lost == ""


def run(stage: StageScope, cwd: Path, limits: Limits, *argv: str) -> tuple[Outcome, bytes]:
    """Run a program."""
    out = Sink()
    return stage.run(Request(argv, cwd, {"PATH": PATH}, limits), out, out), out.data


def sh(box: Box, cwd: Path, text: str, limits: Limits) -> tuple[Outcome, bytes]:
    """Run a shell command in a stage of its own."""
    with box.stage("test") as stage:
        return run(stage, cwd, limits, "/bin/sh", "-c", text)


def test_memory_of_one_process(box: Box, tmp_path: Path) -> None:
    """More memory than allowed: all is killed, long before its time is over, and the figures are there."""
    hog = HOG.format(mib=200)
    with box.stage("test") as stage:
        outcome, _ = run(stage, tmp_path, Limits(25, memory_bytes=100 << 20), sys.executable, "-I", "-S", "-c", hog)
    assert outcome.ending is Ending.LIMITED
    assert outcome.reason.startswith("memory_limit: ")
    assert outcome.reason.endswith("100 MiB allowed")
    assert not outcome.ok


def test_memory_of_several_processes(box: Box, tmp_path: Path) -> None:
    """What counts is the sum over all that the command started, however small each is."""
    hog = HOG.format(mib=60)
    text = f'for i in 1 2 3 4; do {sys.executable} -I -S -c "{hog}" & done; wait'
    assert sh(box, tmp_path, text, Limits(25, memory_bytes=150 << 20))[0].reason.startswith("memory_limit: ")


def test_shared_memory_counts_once(box: Box, tmp_path: Path) -> None:
    """Forks of one large process share its pages, and are no hogs."""
    code = """
import os, time
x = bytearray(80 << 20)
for _ in range(4):
    if os.fork() == 0:
        time.sleep(0.8)
        os._exit(0)
for _ in range(4):
    os.wait()
"""
    with box.stage("test") as stage:
        outcome, _ = run(stage, tmp_path, Limits(25, memory_bytes=200 << 20), sys.executable, "-I", "-S", "-c", code)
    assert outcome.ok, outcome


def test_processes(box: Box, tmp_path: Path) -> None:
    """A storm of processes ends, whether or not the command waits for them, and none of them is left."""
    text = "for i in $(seq 150); do sleep 30 & done; wait"
    with box.stage("test") as stage:
        outcome, _ = run(stage, tmp_path, Limits(25, processes=50), "/bin/sh", "-c", text)
        assert outcome.ending is Ending.LIMITED
        assert outcome.reason.startswith("process_limit: ")
        assert outcome.reason.endswith(" 50 allowed")
    assert stage.ended is not None
    assert stage.ended.killed == 0


def test_within_the_limits_nothing_happens(box: Box, tmp_path: Path) -> None:
    """The honest twin: what stays below its limits for a while runs to its end."""
    limits = Limits(25, memory_bytes=500 << 20, processes=20, open_files=64, watch=lambda: "")
    outcome, output = sh(box, tmp_path, "for i in 1 2 3; do sleep 0.7 & done; wait; echo fine", limits)
    assert (outcome.ok, output) == (True, b"fine\n")


def test_open_files(box: Box, tmp_path: Path) -> None:
    """The kernel refuses the file beyond the limit."""
    code = "import os\ntry:\n while True: last = os.open('/', 0)\nexcept OSError as e: print(e.errno, last)"
    with box.stage("test") as stage:
        _, output = run(stage, tmp_path, Limits(25, open_files=70), sys.executable, "-I", "-S", "-c", code)
    assert output.split() == [b"24", b"69"]
    assert sh(box, tmp_path, "ulimit -Hn", Limits(25, open_files=70))[1] == b"70\n"


def test_a_watch_that_finds_something(box: Box, tmp_path: Path) -> None:
    """What a watch says while the command runs ends it, in its own words."""
    flag = tmp_path / "flag"
    limits = Limits(25, watch=lambda: "disk_limit: too much" if flag.exists() else "")
    outcome, _ = sh(box, tmp_path, "sleep 0.6; touch flag; sleep 30", limits)
    assert (outcome.ending, outcome.reason) == (Ending.LIMITED, "disk_limit: too much")


def test_a_watch_has_the_last_word(box: Box, tmp_path: Path) -> None:
    """A command that is over before anybody looked is looked at once more."""
    flag = tmp_path / "flag"
    limits = Limits(25, watch=lambda: "disk_limit: too much" if flag.exists() else "")
    assert sh(box, tmp_path, "touch flag", limits)[0].ending is Ending.LIMITED


def test_what_is_left_running_is_watched_on(box: Box, tmp_path: Path) -> None:
    """A process in the background that exceeds a limit after its command has ended is told at the end of the stage."""
    hog = HOG.format(mib=200).replace("30", "0.5")
    with box.stage("test") as stage:
        text = f'(sleep 0.3; {sys.executable} -I -S -c "{hog}"; touch survived) > /dev/null 2>&1 &'
        outcome, _ = run(stage, tmp_path, Limits(25, memory_bytes=100 << 20), "/bin/sh", "-c", text)
        assert outcome.ok
        run(stage, tmp_path, Limits(25), "/bin/sh", "-c", "sleep 2")
    assert stage.ended is not None
    assert [reason.partition(":")[0] for reason in stage.ended.stopped] == ["memory_limit"]
    assert not (tmp_path / "survived").exists()


def test_the_limits_of_one_command_are_not_those_of_the_next(box: Box, tmp_path: Path) -> None:
    """A minder that is used again watches with the limits of its present command."""
    assert sh(box, tmp_path, "true", Limits(25, processes=1, memory_bytes=1 << 20))[0].ok
    outcome, _ = sh(box, tmp_path, "for i in 1 2 3; do sleep 0.6 & done; wait", Limits(25))
    assert outcome.ok, outcome
