"""Writing to standard output and standard error, whatever they are connected to."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO


def open_closed_streams() -> None:
    """Let standard streams that the caller closed (`runner-env … >&-`) lead nowhere.

    Otherwise Python has None in their place, and the next file that is opened, such as a journal, takes their
    descriptor, where anything that prints would write into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - has no name
    sys.stdin = sys.stdin or os.fdopen(0, "r", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def emit(text: str) -> None:
    """Write `text` to standard output; characters that its encoding does not have are escaped.

    A reader that has gone (`runner-env run … | head -1`) changes neither the verdict nor the exit code.

    Raises:
        OSError: it takes nothing more, for instance because the disk is full.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        mute(sys.stdout)
    except OSError:
        mute(sys.stdout)
        raise


def complain(text: str) -> None:
    """Write `text` to standard error, if it still takes anything."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        mute(sys.stderr)


def mute(stream: TextIO) -> None:
    """Let a broken stream lead nowhere, or else Python complains about it when the process ends."""
    try:
        descriptor = stream.fileno()
    except OSError:
        return  # not a file at all, so nothing is written when the process ends
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
    finally:
        os.close(nowhere)


def is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether `stream` is a terminal that can redraw a line."""
    return stream.isatty() and environ.get("TERM", "dumb") != "dumb"


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether `stream` is a terminal whose user has nothing against colours (https://no-color.org)."""
    return is_live(stream, environ) and not environ.get("NO_COLOR")
