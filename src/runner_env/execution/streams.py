"""Output pipes: read while a command runs, and on, in one thread of the box, where its background processes write."""

from __future__ import annotations

import fcntl
import os
import select
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_env.execution.request import Sink

PIPE_BYTES = 1 << 20


class Stream:
    """The reading end of one output pipe, with the sink that its bytes go to.

    Attributes:
        writer: the other end, to be handed to the command and closed here.
        open: whether more may come.
        error: what the sink raised while nobody was there to see it.
    """

    def __init__(self, sink: Sink, lock: threading.Lock) -> None:
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        _enlarge(self._reader)
        self._sink: Sink | None = sink
        self._lock = lock
        self.open = True
        self.error: Exception | None = None

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._reader

    def pump(self, buffer: memoryview) -> None:
        """Hand what is there, at most one buffer full, to the sink; close at the end of the stream."""
        try:
            size = os.readv(self._reader, [buffer])
        except BlockingIOError:
            return
        if size == 0:
            self.close()
            return
        with self._lock:
            if self._sink is not None:
                self._sink.write(buffer[:size])

    def pump_unseen(self, buffer: memoryview) -> None:
        """As `pump`, in a thread where an error of the sink can only be remembered; then drains without the sink."""
        try:
            self.pump(buffer)
        except Exception as error:  # noqa: BLE001 - raised again when the stage ends, in the caller's thread
            self.error, self._sink = error, None

    def detach(self) -> None:
        """Never call the sink again; what still comes is dropped."""
        with self._lock:
            self._sink = None

    def close(self) -> None:
        """Stop reading; a process that writes on gets SIGPIPE. Idempotent."""
        if self.open:
            self.open = False
            os.close(self._reader)

    def close_writer(self) -> None:
        """Give up the writing end here, so that the end of the stream can be seen. Idempotent."""
        writer, self.writer = self.writer, -1
        if writer >= 0:
            os.close(writer)


class LatePump:
    """Reads on, in one thread started when first needed, what outlives its command.

    Where no thread can be started (Python 3.12 starts none once a program ends), what is in the pipes is read when
    their writers are gone.
    """

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._wake = -1
        self._thread: threading.Thread | None = None

    def take(self, streams: Iterable[Stream]) -> None:
        """Read these from now on."""
        with self._changed:
            self._streams.update(streams)
            if self._thread is None:
                self._start()
            else:
                os.eventfd_write(self._wake, 1)

    def _start(self) -> None:
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        thread = threading.Thread(target=self._read_on, name="runner-env-late-output", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            os.close(self._wake)
        else:
            self._thread = thread

    def finish(self, streams: Iterable[Stream], patience_s: float) -> None:
        """Wait for the end of these streams, whose writers are gone. Their sinks are not called afterwards.

        Args:
            streams: what to wait for.
            patience_s: seconds; the bound matters only if a process outside the box holds a pipe open.
        """
        waiting = set(streams)
        if self._thread is None:
            drain(waiting, memoryview(bytearray(PIPE_BYTES)), patience_s)
            self._drop_ended()
        with self._changed:
            self._changed.wait_for(lambda: not waiting & self._streams, patience_s)
        for stream in waiting:
            stream.detach()

    def close(self) -> None:
        """End the thread and stop reading. Idempotent."""
        with self._changed:
            thread, self._thread, self._closing = self._thread, None, True
        if thread is not None:
            os.eventfd_write(self._wake, 1)
            thread.join()
            os.close(self._wake)
        for stream in self._streams:
            stream.close()

    def _read_on(self) -> None:
        buffer = memoryview(bytearray(PIPE_BYTES))
        while not self._closing:
            with self._changed:
                streams = {stream.fileno(): stream for stream in self._streams}
            for descriptor in wait_readable([self._wake, *streams]):
                if descriptor == self._wake:
                    os.eventfd_read(self._wake)
                else:
                    streams[descriptor].pump_unseen(buffer)
            self._drop_ended()

    def _drop_ended(self) -> None:
        with self._changed:
            ended = {stream for stream in self._streams if not stream.open}
            self._streams -= ended
            if ended:
                self._changed.notify_all()


def drain(streams: Iterable[Stream], buffer: memoryview, patience_s: float) -> None:
    """Read streams whose writers are gone to their end, then stop reading whatever comes.

    Args:
        streams: what to read.
        buffer: where to read to.
        patience_s: seconds; the bound matters only if a process outside the box holds a pipe open.
    """
    deadline = time.monotonic() + patience_s
    waiting = [stream for stream in streams if stream.open]
    while waiting and time.monotonic() < deadline:
        wait_readable([stream.fileno() for stream in waiting], deadline - time.monotonic())
        for stream in waiting:
            stream.pump(buffer)
        waiting = [stream for stream in waiting if stream.open]
    for stream in waiting:
        stream.close()


def wait_readable(descriptors: Iterable[int], seconds: float | None = None) -> list[int]:
    """Sleep until something can be read (or has ended), at most so long.

    Returns:
        The descriptors where that is so.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    timeout = None if seconds is None else max(0.0, seconds) * 1000 + 1
    return [descriptor for descriptor, _ in poll.poll(timeout)]


def _enlarge(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except PermissionError:  # over the user's limit for pipes: slower, else the same
        return
