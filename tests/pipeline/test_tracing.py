"""What was observed, on its way to the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_env.evidence.rundir import RunDir
from runner_env.formats.trace import ExecEvent, ImageEvent, TraceHeader, read_trace
from runner_env.guest.messages import joined
from runner_env.pipeline.tracing import TraceFile
from runner_env.text.masking import Masker


def event(*words: str | bytes) -> bytes:
    """An event as a minder sends it."""
    return joined([joined(word if isinstance(word, bytes) else word.encode() for word in words)])


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[RunDir]:
    """A run directory, closed afterwards."""
    with RunDir.create(tmp_path / "runs", "r") as made:
        yield made


def opened(run_dir: RunDir, **secrets: str) -> TraceFile:
    """A new trace."""
    return TraceFile.open(run_dir, "stages/t_trace.jsonl", Masker(secrets), TraceHeader("tests", 1, 1))


def test_events_are_stored_and_counted(run_dir: RunDir) -> None:
    """Each event is a line; the trace says how many programs ran, and the hash of the file."""
    trace = opened(run_dir)
    trace.write(event("exec", "1500", "7", "6", "/bin/a", "/", "/bin/sh", "0", "a", "b")[:20])
    trace.write(event("exec", "1500", "7", "6", "/bin/a", "/", "/bin/sh", "0", "a", "b")[20:])
    trace.write(event("image", "1600", "7", "6", "/bin/a", "1", "a") + event("forged", "1700", "7", "6", "/bin/a", "0"))
    trace.write(event("end", "2000", "3", "4", "1"))
    done = trace.close()
    path = run_dir.path / done.reference
    _, events = read_trace(path)
    assert events[0] == ExecEvent(0.0015, 7, 6, "/bin/a", "/", "/bin/sh", cut=False, argv=("a", "b"))
    assert events[1] == ImageEvent(0.0016, 7, 6, "/bin/a", cut=True, argv=("a",))
    assert (done.programs, done.events, done.dropped, done.missing) == (1, 4, 4, "")
    assert done.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_secrets_never_reach_the_disk(run_dir: RunDir) -> None:
    """Arguments and paths are masked, and a secret of digits does not break the lines it seems to be in."""
    trace = opened(run_dir, A_KEY="hunter2-hunter2", B_KEY="123456")
    trace.write(event("exec", "123456", "123456", "6", "/bin/hunter2-hunter2", "/", "/bin/sh", "0", "--key=123456"))
    trace.write(event("end", "2000", "1", "0", "0"))
    path = run_dir.path / trace.close().reference
    _, (found, _) = read_trace(path)
    assert isinstance(found, ExecEvent)
    assert (found.program, found.argv, found.pid) == ("/bin/***", ("--key=***",), 123456)


def test_bytes_that_are_no_text(run_dir: RunDir) -> None:
    """They are escaped, not lost."""
    trace = opened(run_dir)
    trace.write(event("write", "1", "7", "6", "openat", "/bin/sh", b"/repo/\xff"))
    assert rb"/repo/\\xff" in (run_dir.path / trace.close().reference).read_bytes()


def test_a_trace_that_broke_off(run_dir: RunDir) -> None:
    """Without its last event a trace says that it does not tell all; so does one that says why."""
    trace = opened(run_dir)
    trace.write(event("image", "1", "7", "6", "/bin/a", "0", "a"))
    assert trace.so_far().missing == ""
    assert trace.close().missing == "it broke off"


@pytest.mark.parametrize(
    "data", [event("dance", "1", "2", "3"), b"x" * 40 + b":", event("none", "1", "0", "0", "EBUSY")]
)
def test_what_cannot_be_told(data: bytes, run_dir: RunDir) -> None:
    """Whatever comes instead of events, the trace says that something is missing, and the command is not disturbed."""
    trace = opened(run_dir)
    trace.write(data)
    trace.write(event("end", "2000", "1", "0", "0"))
    assert trace.close().missing != ""
