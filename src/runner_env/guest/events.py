"""What a tracer tells: one event for each netstring of netstrings, from a minder to the runner, through a pipe.

The first words of an event are its kind, microseconds since the command's start, process and parent; then come

    exec    program, cwd, program that asked, whether arguments were cut, arguments ...  an attempt, as it was asked for
    image   program, whether arguments were cut, arguments ...                            what the kernel really runs
    forged  likewise                                   a program that claims to have just begun, and has not
    exit    exit code, program, children ...           a program ended by itself
    signal  number                                     a process was ended by a signal
    write   call, program, paths ...                   files that may be written, as they were asked for
    unread  reason                                     a call that could not be looked at
    none    reason                                     nothing is observed
    lost    reason                                     nothing more is observed
    end     images in all; in the place of process and parent, events recorded and events dropped
"""

from __future__ import annotations

import os
import select
import time

from runner_env.guest import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_EVENTS = 200_000
MOST_BYTES = 32 << 20
"""What is recorded of one command; the rest is counted."""

_MOST_PENDING = 4 << 20
_PATIENCE_S = 5.0


class EventLog:
    """Takes events of one command. It never waits: what the runner does not take in time is dropped, and counted.

    Args:
        descriptor: the pipe; closed by `close`.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._started = time.monotonic()
        self._pending = bytearray()
        self._bytes = self._events = self._dropped = self._images = 0
        self._broken = False

    def put(self, kind: str, pid: int = 0, parent: int = 0, *words: bytes | int | str) -> None:
        """Record an event, or count it."""
        self._images += kind == "image"
        if self._events >= MOST_EVENTS or self._bytes >= MOST_BYTES or len(self._pending) >= _MOST_PENDING:
            self._dropped += 1
            return
        self._events += 1
        self._bytes += self._queue(kind, pid, parent, *words)
        self.flush()

    def flush(self) -> bool:
        """Hand on what can be handed on now; whether nothing is left."""
        while self._pending and not self._broken:
            try:
                done = os.write(self._descriptor, self._pending)
            except BlockingIOError:
                return False
            except OSError:  # the runner has stopped to listen
                self._broken = True
                break
            del self._pending[:done]
        return True

    def fileno(self) -> int:
        """The pipe, to be polled while `flush` returns False."""
        return self._descriptor

    def close(self) -> None:
        """Say how many events there were, and end."""
        self._queue("end", self._events, self._dropped, self._images)
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        while not self.flush() and poll.poll(_PATIENCE_S * 1000):
            continue
        os.close(self._descriptor)

    def _queue(self, kind: str, *words: bytes | int | str) -> int:
        elapsed = int((time.monotonic() - self._started) * 1e6)
        event = messages.joined([messages.joined(map(_bytes, (kind, elapsed, *words)))])
        self._pending += event
        return len(event)


class EventReader:
    """Takes the pipe's bytes apart again, however they are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes | memoryview) -> Iterator[list[bytes]]:
        """The events that are complete by now, as words.

        Raises:
            ValueError: these are no events.
        """
        self._rest += bytes(data)
        at = 0
        while True:
            colon = self._rest.find(b":", at, at + 20)
            if colon < 0:
                break
            end = colon + 1 + int(self._rest[at:colon])
            if end > len(self._rest):
                break
            yield messages.split(self._rest[colon + 1 : end])
            at = end
        self._rest = self._rest[at:]


def _bytes(word: bytes | int | str) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode("utf-8", "backslashreplace")
