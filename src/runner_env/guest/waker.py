"""A descriptor that becomes readable when a child ends, so that one poll waits for everything."""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class Waker:
    """SIGCHLD as a pipe. One per process: a forked process makes its own."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, _note)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._read

    def drain(self) -> None:
        """Forget the children that were announced so far."""
        try:
            os.read(self._read, 4096)
        except BlockingIOError:
            return

    def pause(self, seconds: float) -> None:
        """Wait until a child ends, at most so long."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        poll.poll(seconds * 1000)
        self.drain()


def ignore_requests_to_end() -> None:
    """Let only SIGKILL and the loss of the runner end this process."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)


def _note(_number: int, _frame: object) -> None:
    """A handler must exist for the descriptor to be written to."""
