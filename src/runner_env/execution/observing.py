"""Whether a box can observe what its commands execute: tried out, never inferred."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from runner_env.core import Outcome
from runner_env.execution.request import Limits, Observation, Request, Sink
from runner_env.guest.events import EventReader

_PATIENCE_S = 20.0
_PROGRAM = ("/bin/sh", "-c", "exit 7")


class _Events:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: memoryview | bytes, /) -> None:
        """Keep it."""
        self.data += bytes(data)


class _Nowhere:
    def write(self, data: memoryview | bytes, /) -> None:
        """Drop it."""


def probe(run: Callable[[Request, Sink], Outcome]) -> str:
    """Observe a program that does nothing: it must show as one image and one exit with its code.

    Args:
        run: runs a request in the box, its output going to the sink.

    Returns:
        Why commands cannot be observed there; empty if they can.
    """
    events = _Events()
    request = Request(_PROGRAM, Path("/"), {"PATH": os.defpath}, Limits(_PATIENCE_S), observation=Observation(events))
    outcome = run(request, _Nowhere())
    seen = list(EventReader().feed(events.data))
    for kind, _, _, _, *rest in seen:
        if kind in {b"none", b"lost"}:
            return rest[0].decode(errors="backslashreplace")
    images = [words for words in seen if words[0] == b"image"]
    exits = [words[4] for words in seen if words[0] == b"exit"]
    if outcome.exit_code == 7 and len(images) == 1 and exits == [b"7"]:
        return ""
    return f"a probe showed {len(images)} images and {len(exits)} exits for one program ({outcome.ending.value})"
