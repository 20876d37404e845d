"""Standard output and standard error as they arrived: an index of who wrote when, from which one view is derived.

Format `runner-env/merged@1` (our own), `<stage>_cmd01_try01_merged.jsonl`, only where a command wrote to both streams.
The first line is an object: `format`, `stdout` and `stderr` (the captures, POSIX, relative to the run directory), and
`complete` (false if there were more turns than are kept; the rest of each stream then follows at the end). Each further
line is an array: seconds since the command was about to start, `stdout` or `stderr`, and offset and length in that
capture. Streams are pipes: what two programs write within the same moment may be read in either order.
"""

from __future__ import annotations

import json
import os
import time
from array import array
from threading import Lock
from typing import TYPE_CHECKING, Any

from runner_env.errors import EvidenceError
from runner_env.evidence.places import PLAIN_FILE, opened
from runner_env.formats.canonical import canonical
from runner_env.formats.disk import on_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner_env.evidence.capture import CaptureFile

FORMAT = "runner-env/merged@1"
STREAMS = ("stdout", "stderr")
SUFFIX = "_merged.jsonl"
_MOST_TURNS = 50_000


class Arrivals:
    """Notes whose bytes arrived when, in memory that does not grow beyond about a MiB.

    Args:
        monotonic: the clock.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._lock = Lock()
        self._times = array("d")
        self._turns = array("Q")  # length and, in the lowest bit, the stream
        self._full = False

    def note(self, stream: int, length: int) -> None:
        """Take so many bytes of stream 0 or 1."""
        if not length or self._full:
            return
        with self._lock:
            if self._turns and self._turns[-1] & 1 == stream:
                self._turns[-1] += length << 1
            elif len(self._turns) < _MOST_TURNS:
                self._times.append(self._monotonic() - self._began)
                self._turns.append(length << 1 | stream)
            else:
                self._full = True

    def index(self, files: tuple[CaptureFile, CaptureFile]) -> bytes | None:
        """The index of two closed captures; None if only one of them has anything."""
        if not all(file.total for file in files):
            return None
        head = {name: file.reference for name, file in zip(STREAMS, files, strict=True)}
        lines: list[object] = [{"format": FORMAT, "complete": not self._full, **head}]
        at = [0, 0]
        for seconds, turn in zip(self._times, self._turns, strict=True):
            stream, length = turn & 1, turn >> 1
            for offset, size in files[stream].stored(at[stream], at[stream] + length):
                lines.append([round(seconds, 6), STREAMS[stream], offset, size])
            at[stream] += length
        if self._full:
            last = round(self._times[-1], 6)
            for name, file, start in zip(STREAMS, files, at, strict=True):
                lines += [[last, name, offset, size] for offset, size in file.stored(start, None)]
        return b"".join(canonical(line) + b"\n" for line in lines)


def merged(run_dir: Path, reference: str) -> Iterator[tuple[float, str, bytes]]:
    """What a command wrote, in the order in which it arrived: seconds, `stdout` or `stderr`, and the bytes.

    Args:
        run_dir: the run's directory.
        reference: the index, relative to it.

    Raises:
        EvidenceError: index or captures cannot be read.
    """
    head, turns = _read(run_dir, reference)
    with (
        on_disk("read", run_dir / reference),
        opened(run_dir / head["stdout"], PLAIN_FILE) as out,
        opened(run_dir / head["stderr"], PLAIN_FILE) as err,
    ):
        for seconds, stream, offset, length in turns:
            yield seconds, stream, os.pread(out if stream == "stdout" else err, length, offset)


def merged_tail(run_dir: Path, reference: str, most: int) -> bytes:
    """The last bytes of that, at most `most`.

    Raises:
        EvidenceError: as `merged`.
    """
    head, turns = _read(run_dir, reference)
    pieces: list[bytes] = []
    with (
        on_disk("read", run_dir / reference),
        opened(run_dir / head["stdout"], PLAIN_FILE) as out,
        opened(run_dir / head["stderr"], PLAIN_FILE) as err,
    ):
        for _, stream, offset, length in reversed(turns):
            skip = max(0, length - most)
            pieces.append(os.pread(out if stream == "stdout" else err, length - skip, offset + skip))
            most -= length - skip
            if most <= 0:
                break
    return b"".join(reversed(pieces))


def _read(run_dir: Path, reference: str) -> tuple[dict[str, str], list[tuple[float, str, int, int]]]:
    with on_disk("read", run_dir / reference), opened(run_dir / reference, PLAIN_FILE) as fd:
        data = os.pread(fd, os.fstat(fd).st_size, 0)
    try:
        head, *turns = map(json.loads, data.splitlines())
        inside = {name: str(head[name]) for name in STREAMS}
        read: list[tuple[float, str, int, int]] = [_turn(turn) for turn in turns]
    except (ValueError, TypeError, KeyError) as error:
        raise EvidenceError("evidence_value", f"{reference} is no index of merged output: {error}.") from error
    if any(".." in name.split("/") or name.startswith("/") for name in inside.values()):
        raise EvidenceError("evidence_name", f"{reference} leads out of its run directory.")
    return inside, read


def _turn(value: Any) -> tuple[float, str, int, int]:  # noqa: ANN401 - what a file says
    seconds, stream, offset, length = value
    if stream not in STREAMS or min(offset, length) < 0:
        raise ValueError("not a turn")
    return float(seconds), str(stream), int(offset), int(length)
