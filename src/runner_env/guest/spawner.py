"""posix_spawn(3) as `os` has it, but other threads of this program go on while the new program is begun."""

from __future__ import annotations

import ctypes
import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable, Sequence
else:
    import _signal as signal

_SETSIGDEF, _SETSIGMASK, _SETSID = 0x04, 0x08, 0x80
_ROOM = 1024
"""Bytes for any of the C library's opaque structures: the largest has 336, in glibc and in musl."""

_libc = ctypes.CDLL(None)


def spawn(
    candidates: Iterable[bytes], argv: Sequence[bytes], env: dict[bytes, bytes], streams: tuple[int, int, int | None]
) -> tuple[int, int]:
    """Start the first candidate that can be executed, in a session of its own, with default signal handling.

    Args:
        candidates: paths of the program, in order.
        argv: program and arguments; no word may have a NUL byte.
        env: its whole environment, likewise.
        streams: its standard output, standard error and standard input; None: `/dev/null`.

    Returns:
        Its process id and 0; or 0 and the error number that says why nothing could be executed.
    """
    actions, attributes, none, every = (ctypes.create_string_buffer(_ROOM) for _ in range(4))
    words = _array(argv), _array([name + b"=" + value for name, value in env.items()])
    pid, problem = ctypes.c_int(0), errno.ENOENT
    _wire(actions, *streams)
    _libc.sigemptyset(none)
    _libc.sigfillset(every)
    for number in (signal.SIGKILL, signal.SIGSTOP):
        _libc.sigdelset(every, int(number))
    _libc.posix_spawnattr_init(attributes)
    _libc.posix_spawnattr_setflags(attributes, ctypes.c_short(_SETSIGDEF | _SETSIGMASK | _SETSID))
    _libc.posix_spawnattr_setsigmask(attributes, none)
    _libc.posix_spawnattr_setsigdefault(attributes, every)
    for program in candidates:
        code = _libc.posix_spawn(ctypes.byref(pid), program, actions, attributes, *words)
        if code == 0:
            problem = 0
            break
        if problem == errno.ENOENT and code != errno.ENOTDIR:
            problem = code
    _libc.posix_spawn_file_actions_destroy(actions)
    _libc.posix_spawnattr_destroy(attributes)
    return (0 if problem else pid.value), problem


def _wire(actions: ctypes.Array[ctypes.c_char], out: int, err: int, given: int | None) -> None:
    _libc.posix_spawn_file_actions_init(actions)
    if given is None:
        _libc.posix_spawn_file_actions_addopen(actions, 0, os.devnull.encode(), os.O_RDONLY, 0)
    else:
        _libc.posix_spawn_file_actions_adddup2(actions, given, 0)
    for target, source in ((1, out), (2, err)):
        _libc.posix_spawn_file_actions_adddup2(actions, source, target)


def _array(words: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(words) + 1))(*words, None)
