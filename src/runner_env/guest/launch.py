"""Starting a command from its minder: by posix_spawn(3), the quickest way, or, if it is observed, by `traced`."""

from __future__ import annotations

import errno
import os

from runner_env.guest import traced

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from runner_env.guest.events import EventLog
    from runner_env.guest.tracer import Tracer
else:
    import _signal as signal

_NOT_FOUND = 127
_NOT_RUNNABLE = 126
_NO_RESOURCES = (errno.EAGAIN, errno.ENOMEM)


class NotStarted(Exception):
    """The command cannot be started, for a reason that a shell would report in the same way.

    Attributes:
        code: a shell's exit code: 127 if there is no such program, else 126.
        too_large: whether the program was never tried, because arguments and environment exceed what the system takes.
    """

    def __init__(self, code: int, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.too_large = too_large


def spawn(
    argv: list[bytes],
    env: dict[bytes, bytes],
    cwd: bytes,
    streams: tuple[int, int, int | None],
    observer: tuple[EventLog, bytes | None] | None = None,
) -> tuple[int, Tracer | None]:
    """Start a command.

    It gets its own session without a terminal and default signal handling. Every
    descriptor above 2 must be close-on-exec here.

    Args:
        argv: program and arguments; a name without a slash is looked up in the PATH of `env`.
        env: its whole environment.
        cwd: where it starts; this process is moved to `/`.
        streams: its standard output, standard error and standard input; None: `/dev/null`.
        observer: if it is to be observed, what takes the events, and below which directory writes are told (None:
            no writes). Where that cannot be, the command is started all the same, and the log says why.

    Returns:
        Its process id, and who observes it.

    Raises:
        NotStarted: the directory or the program cannot be used.
        OSError: the machine has no process or memory left.
    """
    try:
        os.chdir(cwd)
    except OSError as error:
        raise NotStarted(_NOT_RUNNABLE, f"cannot enter directory {_show(cwd)}: {error.strerror}") from None
    candidates = _candidates(argv[0], env)
    try:
        if observer is not None:
            found = _spawn_traced(candidates, argv, env, streams, observer)
            if found is not None:
                return found
        return _spawn_first(candidates, argv, env, _wiring(*streams)), None
    except ValueError as error:  # a NUL byte, or a variable whose name is empty or has an equals sign
        raise NotStarted(_NOT_RUNNABLE, f"cannot run {_show(argv[0])}: {error}") from None
    finally:
        os.chdir("/")


def close_all_above(last: int, *keep: int) -> None:
    """Close every descriptor above `last` but those in `keep`, however many there are."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - pathlib is slow to load
        descriptor = int(name)
        if descriptor > last and descriptor not in keep:
            try:
                os.close(descriptor)
            except OSError:  # the listing's own descriptor is in the listing
                continue


def _candidates(program: bytes, env: dict[bytes, bytes]) -> list[bytes]:
    if b"/" in program:
        return [program]
    path = env.get(b"PATH", os.fsencode(os.defpath))
    return [os.path.join(directory or b".", program) for directory in path.split(b":")]  # noqa: PTH118 - bytes


def _wiring(out: int, err: int, given: int | None) -> list[tuple[int, ...] | tuple[int, int, str, int, int]]:
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0) if given is None else (os.POSIX_SPAWN_DUP2, given, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_DUP2, err, 2),
    ]


def _spawn_traced(
    candidates: list[bytes],
    argv: list[bytes],
    env: dict[bytes, bytes],
    streams: tuple[int, int, int | None],
    observer: tuple[EventLog, bytes | None],
) -> tuple[int, Tracer] | None:
    """As `_spawn_first`, observed; None, and the log is told why, where that cannot be."""
    if any(b"\0" in word for word in (*argv, *env, *env.values())) or any(not name or b"=" in name for name in env):
        return None  # posix_spawn says in its own words what is wrong
    try:
        started = traced.start(candidates, argv, env, streams, observer)
    except traced.NotTraced as reason:
        observer[0].put("none", 0, 0, str(reason))
        return None
    if started.problem is not None:
        raise _not_started(argv[0], started.problem)
    return started.pid, started.tracer


def _spawn_first(
    candidates: list[bytes],
    argv: list[bytes],
    env: dict[bytes, bytes],
    wiring: list[tuple[int, ...] | tuple[int, int, str, int, int]],
) -> int:
    """Start the first candidate that there is; one that is there but must not be run is a worse find than none."""
    problem: OSError | None = None
    every = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    for program in candidates:
        try:
            return os.posix_spawn(program, argv, env, file_actions=wiring, setsid=True, setsigmask=(), setsigdef=every)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if error.errno in _NO_RESOURCES:
                raise
            problem = problem or error
    raise _not_started(argv[0], problem or FileNotFoundError(errno.ENOENT, ""))


def _not_started(program: bytes, problem: OSError) -> Exception:
    """The exception for a program of which no candidate could be executed."""
    if problem.errno in _NO_RESOURCES:
        return problem
    if problem.errno == errno.ENOENT:
        return NotStarted(_NOT_FOUND, f"cannot run {_show(program)}: not found")
    message = f"cannot run {_show(program)}: {problem.strerror}"
    return NotStarted(_NOT_RUNNABLE, message, too_large=problem.errno == errno.E2BIG)


def _show(name: bytes) -> str:
    text = name[:200].decode(errors="backslashreplace")
    return repr(text) + ("…" if len(name) > 200 else "")
