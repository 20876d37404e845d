"""Starting a command under a filter, which a child must install itself, between fork and exec."""

from __future__ import annotations

import errno
import os
import select

from runner_env.guest import kernel, messages, seccomp
from runner_env.guest.tracer import Tracer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from runner_env.guest.events import EventLog
else:
    import _signal as signal
    import _socket as socket

_WAIT_S = 10.0


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
    """Fork a child that executes the first candidate that can be, under a filter that this process answers.

    Words with a NUL byte, and variables without a name, must have been sorted out before.

    This process must have one thread only; it must be where the command is to start, and every descriptor above 2
    close-on-exec.

    Args:
        candidates: paths of the program, in order.
        argv: program and arguments.
        env: its whole environment.
        streams: its standard output, standard error and standard input; None: `/dev/null`.
        observer: what takes the events; and below which directory writes are told, or None for none.

    Raises:
        NotTraced: there is no filter here; nothing was executed.
        OSError: the machine has no process or memory left.
    """
    log, root = observer
    program = seccomp.build(os.uname().machine, writes=root is not None)
    if program is None:
        raise NotTraced(f"system calls of {os.uname().machine} are not known")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid = os.fork()
        if pid == 0:
            _become(program, theirs, streams, candidates, argv, env)
        theirs.close()
        return _attend(pid, ours, log, root or b"")
    finally:
        theirs.close()
        ours.close()


def _attend(pid: int, channel: socket.socket, log: EventLog, root: bytes) -> Started:
    """Take the listener and answer it until the child has executed something, or has said why it cannot."""
    message, listeners = _hear(channel)
    if message is None or not listeners:
        _forget(pid)
        raise NotTraced(message["reason"] if message else "the child that was to be observed fell silent")
    tracer = Tracer(listeners[0], log, root)
    poll = select.poll()
    poll.register(tracer.fileno(), select.POLLIN)
    poll.register(channel.fileno(), select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if tracer.fileno() in ready:
            tracer.serve()
        if channel.fileno() in ready or not tracer.open:
            break
    message, _ = _hear(channel)
    if message is None:
        return Started(pid, None, tracer)
    _forget(pid)
    tracer.close()
    return Started(0, OSError(message["errno"], os.strerror(message["errno"])), tracer)


def _hear(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    return messages.receive_with_descriptors(channel, 1) if poll.poll(_WAIT_S * 1000) else (None, [])


def _forget(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _become(
    program: bytes,
    channel: socket.socket,
    streams: tuple[int, int, int | None],
    candidates: Sequence[bytes],
    argv: list[bytes],
    env: dict[bytes, bytes],
) -> NoReturn:
    """In the child: nothing may return from here."""
    try:
        _wire(*streams)
        kernel.show_memory()
        listener = seccomp.install(program)
        messages.send(channel, {"reason": ""}, [listener])
        os.close(listener)
        messages.send(channel, {"errno": _execute(candidates, argv, env)})
        signal.pause()  # an exit would be asked about, as everything is now
    except OSError as error:
        messages.send(channel, {"reason": f"{error.strerror} ({errno.errorcode.get(error.errno or 0)})"})
    finally:
        os._exit(1)


def _wire(out: int, err: int, given: int | None) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY) if given is None else given
    for target, source in enumerate((nothing, out, err)):
        os.dup2(source, target)
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _execute(candidates: Sequence[bytes], argv: list[bytes], env: dict[bytes, bytes]) -> int:
    """Returns only if nothing can be executed: why, as an error number."""
    problem = errno.ENOENT
    for program in candidates:
        try:
            os.execve(program, argv, env)
        except OSError as error:
            if problem == errno.ENOENT and error.errno != errno.ENOTDIR:
                problem = error.errno or errno.EIO
    return problem
