"""One command in a box: its output, its end and what it sees."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_env.core import Ending
from runner_env.errors import ExecutionError, OptionError, PlatformUnsupported
from runner_env.execution import NOT_STARTED, Box
from runner_env.execution.levels import Wanted

if TYPE_CHECKING:
    from conftest import Bench, Eventually


def test_output_and_exit_code(bench: Bench) -> None:
    """Both streams arrive, the exit code is the command's."""
    outcome = bench.run("echo out; echo err >&2; exit 3")
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 3)
    assert (bench.out.data, bench.err.data) == (b"out\n", b"err\n")


def test_figures_are_measured(bench: Bench) -> None:
    """Duration, processor time and peak memory are those of the command and what it waited for."""
    with bench.box.stage("test") as stage:
        code = "b = bytearray(60_000_000); b[::4096] = b'x' * len(b[::4096]); sum(range(3_000_000))"
        outcome = bench.python(stage, code)
    assert outcome.ok
    assert outcome.max_rss_kib > 60_000_000 / 1024
    assert 0 < outcome.cpu_s <= outcome.duration_s * 2


def test_bytes_are_kept(bench: Bench) -> None:
    """Invalid UTF-8 and NUL arrive byte for byte, and a stream that is closed early harms nothing."""
    assert bench.run("printf '\\377\\376\\000x'; exec 1>&-; echo late >&2").ok
    assert (bench.out.data, bench.err.data) == (b"\xff\xfe\0x", b"late\n")


def test_death_by_signal(bench: Bench) -> None:
    """A signal is told as 128 + n."""
    outcome = bench.run("kill -SEGV $$")
    assert (outcome.ending, outcome.exit_code) == (Ending.SIGNALLED, 139)


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (("no-such-program",), 127, b"not found"),
        (("./no-such-program",), 127, b"not found"),
        (("/etc",), 126, b"Permission denied"),
        (("./plain",), 126, b"Permission denied"),
        (("true", "a\0b"), 126, b"null byte"),
        (("true", "x" * 200_000), 126, b"too long"),
    ],
)
def test_what_cannot_be_started(bench: Bench, argv: tuple[str, ...], code: int, says: bytes) -> None:
    """A program that cannot be run ends as in a shell, and says why."""
    (bench.cwd / "plain").write_text("text")
    with bench.box.stage("test") as stage:
        outcome = stage.run(bench.request(*argv), bench.out, bench.err)
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, code)
    assert says in bench.err.data
    assert outcome.reason.startswith(f"{NOT_STARTED}: cannot run 'true': ") == (says == b"too long")
    assert bool(outcome.reason) == (says == b"too long")


def test_missing_directory(bench: Bench) -> None:
    """A directory that is not there is named; nothing runs."""
    with bench.box.stage("test") as stage:
        outcome = stage.run(replace(bench.request("true"), cwd=bench.cwd / "gone"), bench.out, bench.err)
    assert outcome.exit_code == 126
    assert b"gone" in bench.err.data


def test_program_is_found_in_the_given_path(bench: Bench) -> None:
    """PATH is the request's own; a directory without the right to run counts less than a later hit."""
    for name, mode in (("a", 0o644), ("b", 0o755)):
        (bench.cwd / name).mkdir()
        (bench.cwd / name / "tool").write_text("#!/bin/sh\necho found\n")
        (bench.cwd / name / "tool").chmod(mode)
    with bench.box.stage("test") as stage:
        assert stage.run(bench.request("tool", PATH=f"{bench.cwd}/a:{bench.cwd}/b"), bench.out, bench.err).ok
    assert bench.out.data == b"found\n"


def test_surroundings_of_a_command(bench: Bench) -> None:
    """Own session, no terminal, null input, default signals, no other descriptor, only the given environment."""
    code = (
        "import os, signal\n"
        "print(os.getsid(0) == os.getpid(), os.read(0, 1), sorted(int(f) for f in os.listdir('/proc/self/fd'))[:-1])\n"
        "print([s for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN], os.getcwd())\n"
        "print(sorted(set(os.environ) - {'LC_CTYPE'}), os.environb[b'ODD'])\n"
    )
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)  # noqa: FBT003
    try:
        with bench.box.stage("test") as stage:
            assert bench.python(stage, code, ODD="\udcff é").ok
    finally:
        os.close(inherited)
    # SIGPIPE and SIGXFSZ are ignored by Python itself, at its own start; it may add LC_CTYPE as well
    assert bench.out.data.decode().splitlines() == [
        "True b'' [0, 1, 2]",
        f"[<Signals.SIGPIPE: 13>, <Signals.SIGXFSZ: 25>] {bench.cwd}",
        f"{['ODD', 'PATH', 'RUNNER_ENV_BOX', 'TEST_TOKEN']} b'\\xff \\xc3\\xa9'",
    ]


def test_prompt_fails_at_once(bench: Bench) -> None:
    """Asking on the terminal or on standard input does not hang."""
    outcome = bench.run("read -r x </dev/tty || read -r x || exit 7")
    assert outcome.exit_code == 7
    assert outcome.duration_s < 1


def test_large_environment(bench: Bench) -> None:
    """An environment and arguments far above a datagram's size arrive; one oversized value is refused by name."""
    values = {f"BIG{i}": "é" * 60_000 for i in range(8)}
    with bench.box.stage("test") as stage:
        assert bench.python(stage, "import os; print(len(os.environ['BIG7']))", **values).ok
        outcome = bench.python(stage, "", HUGE="x" * 1_000_000)
    assert bench.out.data == b"60000\n"
    assert outcome.exit_code == 126
    assert b"too long" in bench.err.data


def test_boxes_leave_nothing_here(bench: Bench) -> None:
    """Fifty boxes in a row leave no descriptor, thread or zombie in the runner."""
    before = (len(list(Path("/proc/self/fd").iterdir())), threading.active_count())
    for number in range(50):
        with Box.open() as box, box.stage("test") as stage:
            command = "sleep 100 &" if number % 10 == 0 else "exit 1"
            stage.run(bench.request("/bin/sh", "-c", command), bench.out, bench.err)
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before
    assert bench.alive() == []


def test_boxes_side_by_side(tmp_path: Path, bench: Bench) -> None:
    """Boxes in several threads do not meet: each gets its own output and ends only its own processes."""
    results: dict[int, tuple[int | None, bytes]] = {}

    def work(number: int) -> None:
        sink = type(bench.out)()
        with Box.open() as box:
            for _ in range(5):
                with box.stage("test") as stage:
                    request = bench.request("/bin/sh", "-c", f"sleep 100 & echo {number}; exit {number}")
                    outcome = stage.run(replace(request, cwd=tmp_path), sink, sink)
        results[number] = (outcome.exit_code, sink.data)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: (n, f"{n}\n".encode() * 5) for n in range(4)}


def test_clock_jumps_do_not_matter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing reads the wall clock."""

    def forbidden() -> float:
        raise AssertionError("the wall clock was read")

    monkeypatch.setattr(time, "time", forbidden)
    assert bench.run("sleep 5", timeout_s=0.05).ending is Ending.TIMED_OUT


def test_python_that_does_not_start() -> None:
    """An interpreter that is missing or broken is an error that says so, not a hang."""
    with pytest.raises(ExecutionError, match="no-such-python"):
        Box.open(python="/no-such-python")
    with pytest.raises(ExecutionError, match="did not start"):
        Box.open(python="/bin/false")


def test_unknown_level_and_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown level and an unknown platform are refused before anything starts."""
    with pytest.raises(OptionError, match="fortress"):
        Box.open(Wanted.only("fortress"))
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(PlatformUnsupported):
        Box.open()


def test_a_sink_that_raises_ends_the_command(bench: Bench, eventually: Eventually) -> None:
    """An error in a sink reaches the caller, and what ran does not run on unseen."""

    class Broken:
        def write(self, data: memoryview | bytes, /) -> None:
            raise RuntimeError(bytes(data))

    with bench.box.stage("test") as stage:
        with pytest.raises(RuntimeError, match="hello"):
            stage.run(bench.request("/bin/sh", "-c", "echo hello; sleep 100"), Broken(), bench.err)
        assert eventually(lambda: not bench.alive())
        assert bench.sh(stage, "echo again").ok


def test_a_minder_minds_what_leaves_it_alone(bench: Bench) -> None:
    """One minder serves command after command; one that has processes left, or had to end some, serves no other."""

    def parent(command: str = "") -> bytes:
        bench.out.data = b""
        bench.run(f"echo $PPID; {command}")
        return bench.out.data

    first = parent()
    assert parent("true >&2") == first
    assert parent("(exit 3)") == first
    second = parent("(exit 3); sleep 60 & exit 4")
    third = parent()
    assert len({first, second, third}) == 3
    with bench.box.stage("kept", keep=True) as stage:
        bench.sh(stage, "sleep 60 >/dev/null 2>&1 &")
        assert parent() not in {first, second, third}


def test_a_command_reads_the_descriptor_it_was_given(bench: Bench, tmp_path: Path) -> None:
    """Standard input is what the request names, for that command only, and nothing by default."""
    letter = tmp_path / "letter"
    letter.write_bytes(b"dear command\n")
    with letter.open("rb") as given, bench.box.stage("test") as stage:
        for stdin in (None, given.fileno(), None):
            assert stage.run(replace(bench.request("cat"), stdin=stdin), bench.out, bench.err).ok
    assert bench.out.data == b"dear command\n"
