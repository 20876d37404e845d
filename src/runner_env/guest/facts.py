"""What can be done from inside a box, found out by trying: the keeper does it before it says that it is ready.

The runner decides what the findings are worth; this module does not know what is wanted.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from runner_env.guest.messages import Value
    from runner_env.guest.orders import Orders
else:
    import _socket as socket

_LONGEST = 400
_WRITE = os.O_WRONLY | os.O_APPEND
_STATUS = {b"CapEff": "capabilities", b"CapBnd": "capability_bound", b"NoNewPrivs": "no_new_privileges"}


def measure(orders: Orders, landlock: int, filtered: bool, guardian: int) -> dict[str, Value]:
    """Try everything out.

    Args:
        orders: what the runner wants to know.
        landlock: the version in force.
        filtered: whether a filter of calls is in force.
        guardian: a process outside; 0 if none can be seen from here.

    Returns:
        One entry for each fact; lists of paths are joined by line feeds, and cut.
    """
    port = orders.one("port")
    written = [path for path in orders.all("outside") if _can_make_a_file(path)]
    written += [path for path in (*orders.all("canary"), *orders.all("fixed")) if _can_open(path, _WRITE)]
    seen = [path for path in orders.all("canary") if _can_open(path, os.O_RDONLY)]
    seen += [place.split(b":", 2)[2] for place in orders.all("hidden") if _is_the_same(place)]
    return {
        "pid": os.getpid(),
        "landlock": landlock,
        "filtered": filtered,
        "written": _listed(written),
        "seen": _listed(seen),
        "unwritable": _listed(p for p in orders.all("workspace") if not os.access(p, os.W_OK | os.X_OK)),
        "signals": guardian != 0 and _can_signal(guardian),
        "outside_processes": _others(),
        "loopback": port != "" and _has_loopback(),
        "network": port != "" and _reaches(int(port)),
        "limited": str(_number("/proc/sys/kernel/pid_max")) == orders.one("processes"),
        **_status(),
    }


def _can_make_a_file(folder: bytes) -> bool:
    """Tries it with a file that has no name; where the file system has none of these, the kernel is asked instead."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        return error.errno == 95 and os.access(folder, os.W_OK)  # EOPNOTSUPP
    return True


def _can_open(path: bytes, how: int) -> bool:
    try:
        os.close(os.open(path, how | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _is_the_same(place: bytes) -> bool:
    """Whether a place is what it is outside, and can be read."""
    device, inode, path = place.split(b":", 2)
    try:
        found = os.stat(path)  # noqa: PTH116 - bytes
    except OSError:
        return False
    if (found.st_dev, found.st_ino) != (int(device), int(inode)):
        return False
    return _can_connect_to(path) if found.st_mode & 0o170000 == 0o140000 else _can_open(path, os.O_RDONLY)


def _can_connect_to(path: bytes) -> bool:
    try:
        _connect(socket.AF_UNIX, path)
    except OSError:
        return False
    return True


def _can_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _others() -> int:
    """Processes that can be seen, this one excepted; before anything was started, all of them are outside."""
    return sum(name.isdigit() for name in os.listdir("/proc")) - 1  # noqa: PTH208 - pathlib is slow to load


def _has_loopback() -> bool:
    """Whether a service can be started on this machine's own address, and reached."""
    try:
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return False
    try:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        return _reaches(server.getsockname()[1])
    except OSError:
        return False
    finally:
        server.close()


def _reaches(port: int) -> bool:
    try:
        _connect(socket.AF_INET, ("127.0.0.1", port))
    except OSError:
        return False
    return True


def _connect(family: int, address: bytes | tuple[str, int]) -> None:
    channel = socket.socket(family, socket.SOCK_STREAM)
    try:
        channel.settimeout(2)
        channel.connect(address)
    finally:
        channel.close()


def _status() -> dict[str, Value]:
    found: dict[str, Value] = {}
    with open("/proc/self/status", "rb") as file:  # noqa: PTH123 - pathlib is slow to load
        for line in file:
            name, _, value = line.partition(b":")
            if name in _STATUS:
                found[_STATUS[name]] = value.strip().decode()
    return found


def _number(path: str) -> int:
    try:
        with open(path) as file:  # noqa: PTH123 - pathlib is slow to load
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _listed(paths: Iterable[bytes]) -> str:
    return b"\n".join(paths).decode(errors="backslashreplace")[:_LONGEST]
