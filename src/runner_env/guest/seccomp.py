"""A filter that makes the kernel ask a listener about some calls of a command: seccomp_unotify(2), Linux 5.9 or newer.

Every process below inherits the filter and cannot drop it, whatever it does with its environment, session or parents.
Asked about are those calls that tell which programs run, and, if wanted, those that may write files. Whatever is not
named is allowed inside the kernel, at its full speed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ALLOW, _NOTIFY, _DENY = 0x7FFF0000, 0x7FC00000, 0x00050000 | errno.ENOSYS
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 1 << 3, 1 << 5
_PR_SET_NO_NEW_PRIVS, _PR_SET_MM = 38, 35
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _ARGS = 0, 4, 16
_X32 = 0x40000000

OPEN_FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
FLAGS_ARGUMENT = {"open": 1, "openat": 2}
"""Which argument of a call holds flags that say whether it writes."""

_RUNS = ("execve", "execveat", "set_tid_address", "exit_group")
_WRITES = ("open", "openat", "creat", "openat2", "rename", "renameat", "renameat2", "link", "linkat", "truncate")
_WRITES_OF_32_BIT = ("truncate64",)


class Abi:
    """A way to call the kernel: AUDIT_ARCH_*, the size of a pointer, and the numbers of the calls by name."""

    __slots__ = ("arch", "name_of", "numbers", "pointer")

    def __init__(self, arch: int, pointer: int, numbers: dict[str, int]) -> None:
        self.arch = arch
        self.pointer = pointer
        self.numbers = numbers
        self.name_of = {number: name for name, number in numbers.items()}


_X86_64 = Abi(
    0xC000003E, 8,
    {
        "execve": 59, "execveat": 322, "exit_group": 231, "set_tid_address": 218, "open": 2, "openat": 257,
        "creat": 85, "openat2": 437, "rename": 82, "renameat": 264, "renameat2": 316, "link": 86, "linkat": 265,
        "truncate": 76, "userfaultfd": 323, "io_uring_setup": 425, "seccomp": 317, "prctl": 157,
    },
)  # fmt: skip
_I386 = Abi(
    0x40000003, 4,
    {
        "execve": 11, "execveat": 358, "exit_group": 252, "set_tid_address": 258, "open": 5, "openat": 295,
        "creat": 8, "openat2": 437, "rename": 38, "renameat": 302, "renameat2": 353, "link": 9, "linkat": 303,
        "truncate": 92, "truncate64": 193, "userfaultfd": 374, "io_uring_setup": 425, "prctl": 172,
    },
)  # fmt: skip
_AARCH64 = Abi(
    0xC00000B7, 8,
    {
        "execve": 221, "execveat": 281, "exit_group": 94, "set_tid_address": 96, "openat": 56, "openat2": 437,
        "renameat": 38, "renameat2": 276, "linkat": 37, "truncate": 45, "userfaultfd": 282, "io_uring_setup": 425,
        "seccomp": 277, "prctl": 167,
    },
)  # fmt: skip
_ABIS = {"x86_64": (_X86_64, _I386), "aarch64": (_AARCH64,)}
"""By machine; the first is that of this program. Calls by any other are refused (ENOSYS)."""

BY_ARCH = {abi.arch: abi for abis in _ABIS.values() for abi in abis}

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def build(machine: str, *, writes: bool) -> bytes | None:
    """The filter, in classic BPF (seccomp(2), linux/filter.h).

    Args:
        machine: as uname(2) has it.
        writes: whether calls that may write files are asked about as well.

    Returns:
        Its instructions, or None where the numbers of the calls are not known.
    """
    abis = _ABIS.get(machine)
    if abis is None:
        return None
    program = b""
    for abi in abis:
        body = b"".join(_rules(abi, writes))
        program += _step(_LOAD, 0, 0, _ARCH) + _step(_EQUAL, 0, len(body) // 8, abi.arch) + body
    return program + _step(_RETURN, 0, 0, _DENY)


def install(program: bytes) -> int:
    """Put this process and all its future descendants under the filter; in a child, just before it executes.

    Without CAP_SYS_ADMIN that takes no_new_privs, so that setuid programs such as sudo gain nothing from then on.

    Returns:
        The listener, close-on-exec.

    Raises:
        OSError: EBUSY if an outer listener exists (there can be only one), EINVAL or ENOSYS on an old kernel.
    """
    argument = _Program(len(program) // 8, program)
    number = _ABIS[os.uname().machine][0].numbers["seccomp"]
    listener, code = _install(number, argument)
    if listener < 0 and code == errno.EACCES:
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        listener, code = _install(number, argument)
    if listener < 0:
        raise OSError(code, os.strerror(code))
    return listener


def _install(number: int, program: _Program) -> tuple[int, int]:
    """WAIT_KILLABLE (Linux 5.19) keeps signals from restarting calls that were answered."""
    listener = -1
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):
        listener = _libc.syscall(number, _SET_MODE_FILTER, flags, ctypes.byref(program))
        if listener >= 0 or ctypes.get_errno() != errno.EINVAL:
            break
    return listener, ctypes.get_errno()


def _rules(abi: Abi, writes: bool) -> Iterator[bytes]:
    yield _step(_LOAD, 0, 0, _NR)
    if abi is _X86_64:  # calls of the x32 kind have the same architecture and other numbers
        yield _step(_AT_LEAST, 0, 1, _X32) + _step(_RETURN, 0, 0, _DENY)
    for name in _RUNS + (_WRITES + _WRITES_OF_32_BIT if writes else ()):
        if name in abi.numbers:
            yield _asked(abi.numbers[name], FLAGS_ARGUMENT.get(name))
    # userfaultfd could make whoever reads a caller's memory wait; io_uring opens files without any call
    for name in ("userfaultfd", *(("io_uring_setup",) if writes else ())):
        yield _step(_EQUAL, 0, 1, abi.numbers[name]) + _step(_RETURN, 0, 0, _DENY)
    # PR_SET_MM rewrites what /proc says about a program
    only_mm = _step(_LOAD, 0, 0, _ARGS) + _step(_EQUAL, 0, 1, _PR_SET_MM) + _step(_RETURN, 0, 0, _DENY)
    yield _step(_EQUAL, 0, 3, abi.numbers["prctl"]) + only_mm
    yield _step(_RETURN, 0, 0, _ALLOW)


def _asked(number: int, flags: int | None) -> bytes:
    check = b""
    if flags is not None:  # both machines are little endian: the low word comes first
        check = _step(_LOAD, 0, 0, _ARGS + 8 * flags) + _step(_ANY_BIT, 1, 0, OPEN_FOR_WRITING)
        check += _step(_RETURN, 0, 0, _ALLOW)
    return _step(_EQUAL, 0, 1 + len(check) // 8, number) + check + _step(_RETURN, 0, 0, _NOTIFY)


def _step(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
