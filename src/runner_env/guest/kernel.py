"""The few kernel calls that Python has no name for."""

from __future__ import annotations

import ctypes
import os

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """Change what the kernel keeps of this process; raises `OSError`."""
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (PR_SET_CHILD_SUBREAPER, prctl(2)).

    From then on a failing `wait` (no child left) proves that no descendant is left at all.
    """
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_memory() -> None:
    """Keep processes of the same user from tracing this one and its forks (PR_SET_DUMPABLE); an exec undoes it."""
    prctl(_PR_SET_DUMPABLE, 0)
