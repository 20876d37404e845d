"""What was observed of a command, on its way to the disk: taken apart, masked, written down, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner_env.evidence.capture import CaptureFile
from runner_env.evidence.rundir import RunDir
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
    trace_line,
)
from runner_env.guest.events import MOST_BYTES, EventReader
from runner_env.text.masking import Masker

_LIMIT_BYTES = 4 * MOST_BYTES
"""More than the events can come to, names of keys included: a trace is never cut in the middle."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What was observed of one attempt.

    Attributes:
        reference: where the events are, POSIX, relative to the run directory.
        sha256: of that file; empty while it is written to.
        programs: how many programs ran.
        events: how many events are in the file.
        dropped: events beyond what is kept of one command.
        missing: why the file does not tell of all that ran; empty if it does, but for `dropped`.
    """

    reference: str
    sha256: str = ""
    programs: int = 0
    events: int = 0
    dropped: int = 0
    missing: str = ""


class TraceFile:
    """Takes the events of one attempt; the sink of an `Observation`."""

    def __init__(self, file: CaptureFile, masker: Masker, header: TraceHeader) -> None:
        self.reference = file.reference
        self._file = file
        self._masker = masker
        self._reader = EventReader()
        self._programs = self._events = 0
        self._missing = ""
        self._end: EndEvent | None = None
        self._file.write(trace_line(header))

    @classmethod
    def open(cls, run_dir: RunDir, reference: str, masker: Masker, header: TraceHeader) -> TraceFile:
        """Begin to record.

        Raises:
            EvidenceError: the name is taken, or the disk would not take it.
        """
        # Masked event by event: a secret that looks like a number must not hide in the form of a line, or break it.
        return cls(run_dir.capture(reference, masker=Masker({}), limit_bytes=_LIMIT_BYTES), masker, header)

    def write(self, data: memoryview | bytes, /) -> None:
        """Take the next bytes from the minder."""
        try:
            for words in self._reader.feed(data):
                self._take(event_of(words, self._masker))
        except (ValueError, IndexError) as error:
            self._missing = self._missing or f"what was told cannot be read: {error}"

    def _take(self, event: TraceEvent) -> None:
        if isinstance(event, EndEvent):
            self._end = event
        elif isinstance(event, NoteEvent) and event.event != "unread":
            self._missing = self._missing or event.reason
        self._programs += isinstance(event, ImageEvent) and not event.forged
        self._events += 1
        self._file.write(trace_line(event))

    def so_far(self) -> Trace:
        """What is known while the command, or what it left running, may still execute programs."""
        return Trace(self.reference, programs=self._programs, events=self._events, missing=self._missing)

    def close(self) -> Trace:
        """Close the file; what it amounts to.

        Raises:
            EvidenceError: the disk is worse than full.
        """
        stored = self._file.close()
        end = self._end
        missing = self._missing or stored.error or ("" if end else "it broke off")
        programs = end.programs if end else self._programs
        return Trace(self.reference, stored.sha256, programs, self._events, end.dropped if end else 0, missing)


def event_of(words: Sequence[bytes], masker: Masker) -> TraceEvent:
    """The event that `runner_env.guest.events` describes, without secrets.

    Raises:
        ValueError: it is none.
        IndexError: likewise.
    """
    kind, micros, pid, parent, *rest = words
    name, t, process, above = kind.decode(), int(micros) / 1e6, int(pid), int(parent)
    text = tuple(_text(word, masker) for word in rest)
    make: dict[str, Callable[[], TraceEvent]] = {
        "exec": lambda: ExecEvent(t, process, above, text[0], text[1], text[2], rest[3] == b"1", text[4:]),
        "image": lambda: ImageEvent(t, process, above, text[0], rest[1] == b"1", text[2:]),
        "forged": lambda: ImageEvent(t, process, above, text[0], rest[1] == b"1", text[2:], forged=True),
        "exit": lambda: ExitEvent(t, process, above, int(rest[0]), text[1], tuple(map(int, rest[2:]))),
        "signal": lambda: SignalEvent(t, process, int(rest[0])),
        "write": lambda: WriteEvent(t, process, above, text[0], text[1], text[2:]),
        "unread": lambda: NoteEvent(t, process, text[0], "unread"),
        "none": lambda: NoteEvent(t, process, text[0], "none"),
        "lost": lambda: NoteEvent(t, process, text[0], "lost"),
        "end": lambda: EndEvent(t, process, above, int(rest[0])),
    }
    if name not in make:
        raise ValueError(f"no event is called {name!r}")
    return make[name]()


def _text(word: bytes, masker: Masker) -> str:
    return masker.text(word.decode("utf-8", "backslashreplace"))
