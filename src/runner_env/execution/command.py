"""One started command, as its minder tells of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.execution.streams import wait_readable
from runner_env.guest import messages, tree

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from runner_env.execution.streams import Stream

PATIENCE_S = tree.PATIENCE_S + 2
"""How long a minder may take to answer before the box counts as lost."""


class BoxLost(Exception):
    """Keeper or minder is gone or silent, so that nothing is known any more about what runs."""


@dataclass(frozen=True, slots=True)
class _Exit:
    code: int
    cpu_s: float
    max_rss_kib: int
    reason: str


class Command:
    """A command and all it started, as its minder sees them.

    Attributes:
        streams: standard output, standard error, and, if it is observed, the events.
        exit: how the command itself ended, once it has.
        over: whether nothing of it is left.
        stopped: which limit was exceeded, so that all of it is killed; empty if none was.
        trouble: why nothing is known about it, if so.
    """

    def __init__(self, channel: socket.socket, streams: tuple[Stream, ...]) -> None:
        self._channel = channel
        self.streams = streams
        self.exit: _Exit | None = None
        self.over = False
        self.stopped = ""
        self.trouble = ""
        self._killed = 0
        self._alive = 0
        self._asked = self._left_alone = False

    def fileno(self) -> int:
        """The descriptor to poll before `hear`."""
        return self._channel.fileno()

    def hear(self) -> None:
        """Take in one message of the minder."""
        message = messages.receive(self._channel) or {"event": "error", "reason": "its minder is gone"}
        event = message.pop("event")
        if event == "exit":
            self.over = self._left_alone = message.pop("alone")
            self.exit = _Exit(**message)
        elif event == "stopped":
            self.stopped = message["reason"]
        elif event == "alive":
            self._alive = message["count"]
        else:
            self.over = True
            self._killed = message.get("killed", 0)
            self.trouble = message.get("reason", "")

    def free_channel(self) -> socket.socket | None:
        """The channel to a minder that can mind another command: nothing was left, and nobody had to ask for that."""
        return self._channel if self._left_alone and not self._asked else None

    def ask_end(self, grace_s: float) -> None:
        """Have all that is left ended: asked with SIGTERM, killed after the grace; killed at once if that is 0."""
        self._asked = True
        messages.send(self._channel, {"op": "end", "grace_s": grace_s})

    def end(self) -> int:
        """End all that is left.

        Returns:
            How many processes were killed.

        Raises:
            BoxLost: the minder does not confirm it.
        """
        self.ask_end(0)
        self._hear_until(lambda: self.over)
        return self._killed

    def count(self) -> int:
        """How many processes are left; raises as `end`."""
        messages.send(self._channel, {"op": "count"})
        self._alive = -1
        self._hear_until(lambda: self.over or self._alive >= 0)
        return 0 if self.over else self._alive

    def release(self) -> None:
        """Close the channel: whatever is left ends now."""
        self._channel.close()

    def _hear_until(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not enough():
            if not wait_readable([self.fileno()], deadline - time.monotonic()):
                raise BoxLost("a minder does not answer")
            self.hear()
        if self.trouble:
            raise BoxLost(self.trouble)
