"""A filter that refuses calls no stage needs and through which boxes have been left: seccomp(2), in classic BPF.

It holds for all that is started below. Refused are new namespaces, mounts, kernel keyrings, BPF, io_uring (which does
what other filters refuse), and the like; where it is asked for, every socket that is not of this machine. Tracing is
not: the keeper and its minders hide their memory, and debuggers are honest tools.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _REFUSE, _NOT_THERE = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_NEW_USER_NAMESPACE = 0x10000000
_X32 = 0x40000000
_PR_SET_SECCOMP, _FILTER = 22, 2
_CLONE3 = 435
_AF_UNIX, _AF_NETLINK = 1, 16
_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 442)
"""io_uring_*, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr: numbers that all machines share.
"""

_NAMES = (
    "arch", "clone", "socket", "bpf", "keyctl", "add_key", "request_key", "mount", "umount2", "pivot_root",
    "unshare", "setns", "userfaultfd", "perf_event_open", "kexec_load", "init_module", "finit_module", "delete_module",
    "open_by_handle_at",
)  # fmt: skip
_MACHINES = {
    "x86_64": (
        0xC000003E, 56, 41, 321, 250, 248, 249, 165, 166, 155, 272, 308, 323, 298, 246, 175, 313, 176, 304,
    ),
    "aarch64": (
        0xC00000B7, 220, 198, 280, 219, 217, 218, 40, 39, 41, 97, 268, 282, 241, 104, 105, 273, 106, 265,
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def bar(*, foreign: bool, network: bool) -> bool:
    """Bar this process, which must have given up new privileges, and all that it starts.

    Args:
        foreign: refuse calls by another interface than this machine's own (32-bit programs), which go around the rest.
        network: refuse every socket but those of this machine's own files (AF_UNIX) and of the kernel (AF_NETLINK).

    Returns:
        Whether there is a filter for this machine.

    Raises:
        OSError: the kernel refuses it.
    """
    steps = program(os.uname().machine, foreign=foreign, network=network)
    if not steps:
        return False
    memory = ctypes.create_string_buffer(steps, len(steps))
    filled = _Program(len(steps) // 8, ctypes.cast(memory, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(filled), 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")
    return True


def program(machine: str, *, foreign: bool, network: bool) -> bytes:
    """The filter for a machine as `uname` calls it, 8 bytes a step; empty if its calls are not known here."""
    if machine not in _MACHINES:
        return b""
    numbers = dict(zip(_NAMES, _MACHINES[machine]))  # noqa: B905 - Python 3.10
    arch, clone, socket_ = numbers.pop("arch"), numbers.pop("clone"), numbers.pop("socket")
    steps = [
        _step(_LOAD, _ARCH),
        _step(_EQUAL, arch, 1, 0),
        _step(_RETURN, _REFUSE if foreign else _ALLOW),
        _step(_LOAD, _NR),
    ]
    if machine == "x86_64":
        steps += [_step(_AT_LEAST, _X32, 0, 1), _step(_RETURN, _REFUSE)]
    for number in (*numbers.values(), *_EVERYWHERE):
        steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _REFUSE)]
    # Its flags are in memory, out of a filter's sight; without it C libraries fall back on clone.
    steps += [_step(_EQUAL, _CLONE3, 0, 1), _step(_RETURN, _NOT_THERE)]
    steps += [
        _step(_EQUAL, clone, 0, 4),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _NEW_USER_NAMESPACE, 0, 1),
        _step(_RETURN, _REFUSE),
        _step(_RETURN, _ALLOW),
    ]
    if network:
        steps += [
            _step(_EQUAL, socket_, 0, 4),
            _step(_LOAD, _FIRST_ARGUMENT),
            _step(_EQUAL, _AF_UNIX, 2, 0),
            _step(_EQUAL, _AF_NETLINK, 1, 0),
            _step(_RETURN, _REFUSE),
        ]
    return b"".join((*steps, _step(_RETURN, _ALLOW)))


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
