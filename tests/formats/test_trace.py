"""The stored trace of a command: its lines, and the programs that follow from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner_env.errors import EvidenceError
from runner_env.formats.trace import (
    EndEvent,
    ExecEvent,
    ExitEvent,
    ImageEvent,
    NoteEvent,
    SignalEvent,
    TraceEvent,
    TraceHeader,
    WriteEvent,
    programs,
    read_trace,
    trace_line,
    trace_schema,
)

HEADER = TraceHeader("evaluation", 1, 2)
EVENTS: tuple[TraceEvent, ...] = (
    ExecEvent(0.1, 10, 5, "/bin/sh", "/repo", "/usr/bin/python3", cut=False, argv=("sh", "-c", "é")),
    ImageEvent(0.2, 10, 5, "/usr/bin/dash", cut=False, argv=("sh", "-c", "é")),
    ExecEvent(0.3, 11, 10, "/bin/true", "/repo/sub", "/usr/bin/dash", cut=False, argv=("true",)),
    ImageEvent(0.4, 11, 10, "/usr/bin/true", cut=False, argv=("true",)),
    WriteEvent(0.5, 10, 5, "openat", "/usr/bin/dash", ("/repo/metrics.json",)),
    ExitEvent(0.6, 11, 10, 3, "/usr/bin/true", (12,)),
    NoteEvent(0.6, 11, "gone", "unread"),
    ImageEvent(0.7, 12, 5, "/usr/bin/sleep", cut=False, argv=("sleep",)),
    ImageEvent(0.75, 12, 5, "/usr/bin/sleep", cut=False, argv=("pytest",), forged=True),
    SignalEvent(0.8, 10, 9),
    EndEvent(0.9, 10, 0, 3),
)


def write(path: Path, *lines: TraceHeader | TraceEvent) -> Path:
    """Store lines."""
    path.write_bytes(b"".join(map(trace_line, lines)))
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Every kind of event comes back as it was."""
    assert read_trace(write(tmp_path / "t.jsonl", HEADER, *EVENTS)) == (HEADER, EVENTS)


def test_lines_are_json_of_one_spelling() -> None:
    """Keys are sorted, text stands as itself."""
    line = trace_line(EVENTS[0])
    assert line.endswith(b"}\n")
    assert list(json.loads(line)) == sorted(json.loads(line))
    assert "é".encode() in line


def test_programs_follow_from_events() -> None:
    """What the kernel ran, with the directory it was asked for in, its true parent and its end."""
    shell, true, sleep, forged = programs(EVENTS)
    assert (shell.program, shell.cwd, shell.started, shell.ended, shell.exit) == (
        "/usr/bin/dash",
        "/repo",
        0.1,
        0.8,
        -9,
    )
    assert (true.cwd, true.parent, true.exit, true.ended) == ("/repo/sub", 10, 3, 0.6)
    assert (sleep.cwd, sleep.parent, sleep.exit, sleep.forged) == (None, 11, None, False)
    assert (forged.argv, forged.forged) == (("pytest",), True)


def test_a_process_that_goes_on_as_another_program() -> None:
    """The first program ends, without a code, when the second begins."""
    asked = ExecEvent(0.5, 10, 5, "/bin/true", "/", "/usr/bin/dash", cut=False, argv=("true",))
    image = ImageEvent(0.6, 10, 5, "/usr/bin/true", cut=False, argv=("true",))
    first, second = programs((*EVENTS[:2], asked, image, ExitEvent(0.7, 10, 5, 0, "/usr/bin/true")))
    assert (first.ended, first.exit) == (0.5, None)
    assert (second.started, second.exit) == (0.5, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json\n",
        b"[]\n",
        b'{"event":"dance","t":1}\n',
        trace_line(EVENTS[0]),
        trace_line(HEADER) + trace_line(HEADER),
        trace_line(HEADER) + b'{"event":"exit"}\n',
    ],
)
def test_what_is_no_trace(data: bytes, tmp_path: Path) -> None:
    """It is refused, and the file is named."""
    (tmp_path / "t.jsonl").write_bytes(data)
    with pytest.raises(EvidenceError, match=r"t\.jsonl|trace") as caught:
        read_trace(tmp_path / "t.jsonl")
    assert caught.value.code == "bad_trace"


def test_the_schema_knows_every_event() -> None:
    """Each kind of line is one of the schema's alternatives."""
    schema = trace_schema()
    assert schema["$id"] == "runner-env/trace@1"
    named = {part["$ref"].rpartition("/")[2] for part in schema["anyOf"]}
    assert named == {type(line).__name__ for line in (HEADER, *EVENTS)}
