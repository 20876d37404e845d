"""Starting a command under a filter, from a thread that puts itself under it first.

The kernel filters threads, and what a thread starts inherits its filter. So the command is spawned as every other one,
without a copy of this process, which would take several times as long as a short command does.
"""

from __future__ import annotations

import errno
import os
import select

from runner_env.guest import seccomp, spawner
from runner_env.guest.tracer import Tracer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _thread as thread
    import signal
    from collections.abc import Sequence

    from runner_env.guest.events import EventLog
else:
    import _signal as signal
    import _thread as thread


class NotTraced(Exception):
    """The system does not let this command be observed; says why."""


class Started:
    """A started command: its process id, or the reason why no program could be executed, and who observes it."""

    __slots__ = ("pid", "problem", "tracer")

    def __init__(self, pid: int, problem: OSError | None, tracer: Tracer) -> None:
        self.pid = pid
        self.problem = problem
        self.tracer = tracer


def start(
    candidates: Sequence[bytes],
    argv: list[bytes],
    env: dict[bytes, bytes],
    streams: tuple[int, int, int | None],
    observer: tuple[EventLog, bytes | None],
) -> Started:
    """Start the first candidate that can be executed, under a filter that this process answers.

    Words with a NUL byte, and variables without a name, must have been sorted out before.

    This process must be where the command is to start, and every descriptor above 2 close-on-exec.

    Args:
        candidates: paths of the program, in order.
        argv: program and arguments.
        env: its whole environment.
        streams: its standard output, standard error and standard input; None: `/dev/null`.
        observer: what takes the events; and below which directory writes are told, or None for none.

    Raises:
        NotTraced: there is no filter here; nothing was executed.
        OSError: the machine has no process or memory left, or the filter's listener fails.
    """
    log, root = observer
    program = seccomp.build(os.uname().machine, writes=root is not None)
    if program is None:
        raise NotTraced(f"system calls of {os.uname().machine} are not known")
    spawning = _Spawning(program, candidates, argv, env, streams)
    try:
        tracer = _attend(spawning, log, root or b"")
    finally:
        spawning.close()
    if tracer is None:
        raise NotTraced(spawning.reason or "the thread that was to be observed fell silent")
    if spawning.pid:
        return Started(spawning.pid, None, tracer)
    tracer.close()
    return Started(0, OSError(spawning.problem, os.strerror(spawning.problem)), tracer)


class _Spawning:
    """A thread that puts itself under the filter and spawns the command.

    Attributes:
        listener: of the filter, once there is one; -1 before.
        reason: why there is none.
        pid: of the command; 0 if it could not be executed.
        problem: then, why, as an error number.
    """

    def __init__(
        self,
        program: bytes,
        candidates: Sequence[bytes],
        argv: list[bytes],
        env: dict[bytes, bytes],
        streams: tuple[int, int, int | None],
    ) -> None:
        self.listener = -1
        self.reason = ""
        self.pid = self.problem = 0
        self._program = program
        self._command = candidates, argv, env, streams
        self._heard, self._tell = os.pipe2(os.O_CLOEXEC)
        try:
            thread.start_new_thread(self._run, ())
        except RuntimeError as error:
            self.close()
            os.close(self._tell)
            raise OSError(errno.EAGAIN, str(error)) from error

    def fileno(self) -> int:
        """The descriptor to poll before `listening`."""
        return self._heard

    def listening(self) -> bool:
        """Whether the filter is there now and the command on its way; False once the thread has come to its end."""
        return bool(os.read(self._heard, 1))

    def close(self) -> None:
        """Listen to the thread no more."""
        os.close(self._heard)

    def _run(self) -> None:
        try:
            self.listener = seccomp.install(self._program)
            os.write(self._tell, b"1")
            self.pid, self.problem = spawner.spawn(*self._command)
        except OSError as error:
            self.reason = f"{error.strerror} ({errno.errorcode.get(error.errno or 0)})"
        finally:
            os.close(self._tell)


def _attend(spawning: _Spawning, log: EventLog, root: bytes) -> Tracer | None:
    """Answer the listener until the command executes something, or cannot; None if there is no listener."""
    tracer: Tracer | None = None
    broken: OSError | None = None
    while True:
        poll = select.poll()
        poll.register(spawning.fileno(), select.POLLIN)
        if tracer is not None and tracer.open:
            poll.register(tracer.fileno(), select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll()]
        if tracer is not None and tracer.open and tracer.fileno() in ready:
            try:
                tracer.serve()
            except OSError as error:
                broken = error
                tracer.close()
        if spawning.fileno() in ready:
            if not spawning.listening():
                break
            tracer = Tracer(spawning.listener, log, root, starting=True)
    if broken is not None:
        _forget(spawning.pid)
        raise broken
    if tracer is not None:
        tracer.starting = False
    return tracer


def _forget(pid: int) -> None:
    if pid:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
