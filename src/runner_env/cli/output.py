"""Writing to standard output and standard error, whatever they are connected to."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO


def emit(text: str) -> None:
    """Write `text` to standard output; characters that its encoding does not have are escaped.

    A reader that has gone (`runner-env run … | head -1`) changes neither the verdict nor the exit code.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        mute(sys.stdout)


def complain(text: str) -> None:
    """Write `text` to standard error, if anybody still listens there."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BrokenPipeError:
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
