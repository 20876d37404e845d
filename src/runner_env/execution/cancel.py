"""A request to stop, which every wait of a run listens to."""

from __future__ import annotations

import os
from typing import Self


class Cancel:
    """Set once, by any thread or by a Python signal handler; seen at once by every poll on its descriptor.

    A context manager; `close` releases the descriptor.
    """

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # dict.setdefault is one atomic step; a lock could be held by the very thread that the handler interrupts
        self._first: dict[str, str] = {}

    def fileno(self) -> int:
        """The descriptor: readable from the moment of `set`; -1 once closed."""
        return self._descriptor

    def set(self, reason: str) -> None:
        """Ask everything to stop. The first reason stays; a repetition changes nothing."""
        self._first.setdefault("reason", reason)
        if self._descriptor >= 0:
            os.eventfd_write(self._descriptor, 1)

    @property
    def is_set(self) -> bool:
        """Whether a stop was asked for."""
        return bool(self._first)

    @property
    def reason(self) -> str:
        """Why; empty if not set."""
        return self._first.get("reason", "")

    def close(self) -> None:
        """Release the descriptor. Idempotent; `set` stays possible and is remembered."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
