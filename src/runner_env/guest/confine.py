"""How a keeper confines itself, and so all that it starts: Landlock, capabilities, `/proc/sys`, how many processes.

Nothing here can be undone by what runs below. Sources: landlock(7), capabilities(7), mount(2), pid_namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct

from runner_env.guest import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner_env.guest.orders import Orders

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_UNTIL_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1}
"""What a kernel can restrict: REFER came with version 2, TRUNCATE with 3."""
_BIND_AND_CONNECT_TCP, _SIGNALS_AND_ABSTRACT_SOCKETS = 3, 3

_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _CLEAR_ALL = 38, 24, 47, 4
_CAPABILITY_VERSION = 0x20080522
_LAST_CAPABILITY = "/proc/sys/kernel/cap_last_cap"

_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC = 1, 32, 4096, 16384
_MS_LOCKED = 2 | 4 | 8
"""nosuid, nodev, noexec: a remount must not take them away."""
_COVERED = (b"/proc/sys", b"/proc/sysrq-trigger")

_libc = ctypes.CDLL(None, use_errno=True)


def confine(orders: Orders) -> int:
    """Confine this process as ordered; where a part fails, what is tried out afterwards shows it.

    Returns:
        The version of Landlock that is in force; 0 for none.

    Raises:
        OSError: the kernel refuses.
    """
    level = orders.one("level")
    if level == "none":
        return 0
    if level == "bwrap" and _has_its_own_namespaces():
        _limit_processes(orders.one("processes"))
        for path in _COVERED:
            _mount_read_only(path)
    _drop_capabilities()
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return _landlock(orders) if level == "landlock" else 0


def _has_its_own_namespaces() -> bool:
    """Whether what is done to mounts and limits stays inside, whatever started this process."""
    with open("/proc/self/uid_map") as file:  # noqa: PTH123 - pathlib is slow to load
        whole_machine = file.read().split() == ["0", "0", "4294967295"]
    return os.getpid() == 1 and not whole_machine


def landlock_version() -> int:
    """The version of Landlock that this kernel has; 0 if it has none, or it is switched off."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, 0, _VERSION)))


def _landlock(orders: Orders) -> int:
    version = landlock_version()
    if version == 0:
        return 0
    handled = _UNTIL_ABI.get(version, (1 << 15) - 1)
    network = _BIND_AND_CONNECT_TCP if orders.one("network") == "none" else 0
    attributes = struct.pack("QQQ", handled, network, _SIGNALS_AND_ABSTRACT_SOCKETS)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _called(_libc.syscall(_CREATE_RULESET, attributes, size, 0))
    for path in orders.all("read"):
        _allow(ruleset, path, _READ)
    for path in orders.all("write"):
        _allow(ruleset, path, handled)
    _called(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    return version


def _allow(ruleset: int, path: bytes, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # gone, or out of reach anyway
        return
    if not stat.S_ISDIR(os.fstat(beneath).st_mode):
        rights &= _OF_FILES
    _called(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, beneath), 0))
    os.close(beneath)


def _limit_processes(most: str) -> None:
    """Limit the processes of this PID namespace; before Linux 6.14 the number is not the namespace's own."""
    release = os.uname().release.split(".")
    if not most or (int(release[0]), int("".join(filter(str.isdigit, release[1])))) < (6, 14):
        return
    try:
        with open("/proc/sys/kernel/pid_max", "w") as file:  # noqa: PTH123 - pathlib is slow to load
            file.write(most)
    except OSError:  # what is tried out afterwards says what the limit is
        return


def _mount_read_only(path: bytes) -> None:
    """The kernel lets the machine's root write here whatever namespace it is in.

    Any other user must not cover it, and needs not: what is tried out afterwards shows which it was.
    """
    try:
        _mount(path, path, _MS_BIND | _MS_REC)
        _mount(None, path, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_LOCKED)
    except OSError:
        return


def _mount(source: bytes | None, path: bytes, flags: int) -> None:
    _called(_libc.mount(source, path, None, ctypes.c_ulong(flags), None))


def _drop_capabilities() -> None:
    """All, for this process and whatever it executes; what an ordinary user has is nothing."""
    with open(_LAST_CAPABILITY) as file:  # noqa: PTH123 - pathlib is slow to load
        last = int(file.read())
    for capability in range(last + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused to who has none anyway
    _libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _called(_libc.capset(header, bytes(24)))


def _called(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
