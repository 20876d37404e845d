"""Which programs a command executed: one JSON object for each line of `<stage>_cmd01_try01_trace.jsonl`.

Format `runner-env/trace@1` (our own). The first line names the format and the command; then come events in the order in
which they were seen, each with `event`, `t` (seconds since the command's start), `pid` and, mostly, `parent`; the last
is `end`. A file without it was cut short. Process ids are those of the box. Secrets are masked; bytes that are not
UTF-8 stand as their `xnn` escape. Its JSON Schema, for one line, is `schemas/trace.schema.json`.

What an `image` says is the kernel's word that this program ran; its arguments are the process's own memory. An `exec`
is what was asked for, an attempt. A program that ends by a signal, or by the bare `exit` call, leaves no `exit`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from runner_env.core import Where
from runner_env.errors import EvidenceError
from runner_env.formats.disk import on_disk, shown
from runner_env.formats.plain import plain

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = "runner-env/trace@1"


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """The command: its stage, its number in it from 1, and which try it was, from 1."""

    stage: str
    number: int
    attempt: int
    format: Literal["runner-env/trace@1"] = field(default=FORMAT)


@dataclass(frozen=True, slots=True)
class ExecEvent:
    """A program was asked for: `program` by the one that runs as `by`; `cut` if not all arguments are told."""

    t: float
    pid: int
    parent: int
    program: str
    cwd: str
    by: str
    cut: bool
    argv: tuple[str, ...]
    event: Literal["exec"] = "exec"


@dataclass(frozen=True, slots=True)
class ImageEvent:
    """A program runs. With `forged`, a process pretended to have just begun; that proves nothing about `argv`."""

    t: float
    pid: int
    parent: int
    program: str
    cut: bool
    argv: tuple[str, ...]
    forged: bool = False
    event: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class ExitEvent:
    """A program ended by itself with the code `exit`; `children` are processes that it left to others."""

    t: float
    pid: int
    parent: int
    exit: int
    program: str
    children: tuple[int, ...] = ()
    event: Literal["exit"] = "exit"


@dataclass(frozen=True, slots=True)
class SignalEvent:
    """A process of which the box was the parent was ended by a signal."""

    t: float
    pid: int
    signal: int
    event: Literal["signal"] = "signal"


@dataclass(frozen=True, slots=True)
class WriteEvent:
    """A program asked for files to write, by these paths, links not resolved; an attempt."""

    t: float
    pid: int
    parent: int
    call: str
    program: str
    paths: tuple[str, ...]
    event: Literal["write"] = "write"


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """`unread`: a call could not be looked at. `none`: nothing is observed. `lost`: nothing is from here on."""

    t: float
    pid: int
    reason: str
    event: Literal["unread", "none", "lost"]


@dataclass(frozen=True, slots=True)
class EndEvent:
    """All of the command is over: events told, events beyond what is kept, and programs that ran, told or not."""

    t: float
    recorded: int
    dropped: int
    programs: int
    event: Literal["end"] = "end"


TraceEvent = ExecEvent | ImageEvent | ExitEvent | SignalEvent | WriteEvent | NoteEvent | EndEvent
_KINDS: dict[str, Callable[..., TraceEvent]] = {
    "exec": ExecEvent,
    "image": ImageEvent,
    "exit": ExitEvent,
    "signal": SignalEvent,
    "write": WriteEvent,
    "unread": NoteEvent,
    "none": NoteEvent,
    "lost": NoteEvent,
    "end": EndEvent,
}


@dataclass(frozen=True, slots=True)
class Program:
    """One program that ran.

    Attributes:
        program: the file, as the kernel had it.
        argv: its arguments.
        cwd: where it was started; None if that was not seen.
        pid: its process.
        parent: the process that started it, even if that ended before.
        started: seconds since the command's start.
        ended: likewise; None if that was not seen.
        exit: its exit code, -n for signal n; None if it went on as another program, or its end was not seen.
        forged: a process pretended to be it: nothing but `program` can be relied on.
    """

    program: str
    argv: tuple[str, ...]
    cwd: str | None
    pid: int
    parent: int
    started: float
    ended: float | None
    exit: int | None
    forged: bool


def trace_line(line: TraceHeader | TraceEvent) -> bytes:
    """A line of the file, newline included."""
    text = json.dumps(plain(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def read_trace(path: Path) -> tuple[TraceHeader, tuple[TraceEvent, ...]]:
    """Read a stored trace.

    Raises:
        EvidenceError: it cannot be read, or a line is none of this format.
    """
    with on_disk("read", path), path.open("rb") as file:
        lines = list(enumerate(file, start=1))
    if not lines:
        raise EvidenceError("bad_trace", "The trace is empty.", where=Where(shown(path.name)))
    header, *events = (_decoded(number, line, path) for number, line in lines)
    if not isinstance(header, TraceHeader) or any(isinstance(event, TraceHeader) for event in events):
        raise EvidenceError("bad_trace", f"This is no trace of format {FORMAT}.", where=Where(shown(path.name), 1))
    return header, tuple(event for event in events if not isinstance(event, TraceHeader))


def _decoded(number: int, line: bytes, path: Path) -> TraceHeader | TraceEvent:
    try:
        found = json.loads(line)
        kind: Callable[..., TraceHeader | TraceEvent] = (
            TraceHeader if found.get("format") == FORMAT else _KINDS[found["event"]]
        )
        return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"This line is not of format {FORMAT}."
        raise EvidenceError("bad_trace", message, where=Where(shown(path.name), number)) from error


def programs(events: Iterable[TraceEvent]) -> tuple[Program, ...]:
    """The programs that ran, in the order in which they began."""
    return tuple(_Programs().of(events))


class _Programs:
    def __init__(self) -> None:
        self._asked: dict[int, ExecEvent] = {}
        self._running: dict[int, int] = {}
        self._parents: dict[int, int] = {}
        self._found: list[dict[str, Any]] = []

    def of(self, events: Iterable[TraceEvent]) -> Iterator[Program]:
        for event in events:
            if isinstance(event, (ExecEvent, ImageEvent, ExitEvent)):
                self._parents.setdefault(event.pid, event.parent)
            if isinstance(event, ExecEvent):
                self._asked[event.pid] = event
            elif isinstance(event, ImageEvent):
                self._begin(event)
            elif isinstance(event, ExitEvent):
                self._parents.update(dict.fromkeys(event.children, event.pid))
                self._end(event.pid, event.t, event.exit)
            elif isinstance(event, SignalEvent):
                self._end(event.pid, event.t, -event.signal)
        return (Program(**found) for found in self._found)

    def _begin(self, image: ImageEvent) -> None:
        asked = self._asked.pop(image.pid, None)
        started = asked.t if asked else image.t
        before = self._running.get(image.pid)
        if before is not None:
            self._found[before]["ended"] = started
        self._running[image.pid] = len(self._found)
        self._found.append(
            {
                "program": image.program,
                "argv": image.argv,
                "cwd": asked.cwd if asked else None,
                "pid": image.pid,
                "parent": self._parents[image.pid],
                "started": started,
                "ended": None,
                "exit": None,
                "forged": image.forged,
            }
        )

    def _end(self, pid: int, t: float, code: int) -> None:
        at = self._running.pop(pid, None)
        self._parents.pop(pid, None)
        if at is not None:
            self._found[at].update(ended=t, exit=code)


def trace_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one line."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(TraceHeader | TraceEvent).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}
