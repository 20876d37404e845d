"""The end of what a command wrote, read back from the run directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.errors import EvidenceError
from runner_env.evidence.merged import SUFFIX, merged_tail
from runner_env.reporting.words import one_line
from runner_env.text.decoding import lossless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.core import Span

_STDOUT = "_stdout.txt"
_MOST_BYTES = 16 * 1024
_MOST_CHARACTERS = 160


def last_lines(run_dir: Path, span: Span, most: int = 10) -> list[str]:
    """The last lines of a span that are not empty, printable, long ones clipped.

    Args:
        run_dir: what the span's reference is relative to.
        span: the recorded bytes.
        most: lines.

    Returns:
        The lines, or one line in brackets that says why there are none.
    """
    path = run_dir / span.reference
    if not path.resolve().is_relative_to(run_dir.resolve()):
        return ["(not shown: it lies outside the run directory)"]
    start = max(span.start, span.end - _MOST_BYTES)
    try:
        data = _read(path, start, span.end - start)
    except OSError as error:
        return [f"(cannot be read: {error.strerror or error})"]
    lines = (one_line(_after_return(line), _MOST_CHARACTERS) for line in lossless(data).split("\n"))
    return [line for line in lines if line][-most:] or ["(nothing but empty lines)"]


def last_merged_lines(run_dir: Path, spans: Sequence[Span], most: int = 10) -> list[str]:
    """The last lines of a command's output as they arrived, if `spans` are the ends of both its streams.

    Returns:
        The lines; none if the spans are anything else, or the order was not recorded.
    """
    if len(spans) != 2 or not spans[0].reference.endswith(_STDOUT):
        return []
    stem = spans[0].reference.removesuffix(_STDOUT)
    path = run_dir / f"{stem}{SUFFIX}"
    if spans[1].reference != f"{stem}_stderr.txt" or not path.resolve().is_relative_to(run_dir.resolve()):
        return []
    try:
        data = merged_tail(run_dir, f"{stem}{SUFFIX}", _MOST_BYTES)
    except EvidenceError:  # then each stream is shown by itself
        return []
    lines = (one_line(_after_return(line), _MOST_CHARACTERS) for line in lossless(data).split("\n"))
    return [line for line in lines if line][-most:]


def _after_return(line: str) -> str:
    """What a progress bar has written last over itself."""
    return line.rstrip("\r").rpartition("\r")[2]


def _read(path: Path, start: int, size: int) -> bytes:
    # A pipe in the file's place would wait for a writer for ever.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError("it is not a regular file")
        return os.pread(fd, size, start)
    finally:
        os.close(fd)
