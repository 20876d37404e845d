"""Messages between runner, keeper and minders: one JSON object per SEQPACKET datagram, descriptors beside it.

A command's argv, environment and directory may be larger than a datagram, so they travel in a memory file
(memfd_create(2)) as JSON, every byte string spelled as Latin-1 so that any byte survives.
"""

from __future__ import annotations

import json
import os
import socket
from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARK = "RUNNER_ENV_BOX"
"""Environment variable that every process of a box carries: `<token of the box>.<number of the command>`."""

_MAX_MESSAGE = 1 << 16


def send(channel: socket.socket, message: Mapping[str, object], descriptors: Sequence[int] = ()) -> bool:
    """Send one message; False if the other side is gone."""
    try:
        socket.send_fds(channel, [json.dumps(message).encode()], list(descriptors))
    except OSError:
        return False
    return True


def receive(channel: socket.socket) -> dict[str, Any] | None:
    """Take one message; None if the other side is gone."""
    try:
        data = channel.recv(_MAX_MESSAGE)
    except ConnectionResetError:
        return None
    return json.loads(data) if data else None


def receive_with_descriptors(channel: socket.socket, count: int) -> tuple[dict[str, Any] | None, list[int]]:
    """Take one message with up to `count` descriptors, all close-on-exec; None if the other side is gone."""
    numbers = array("i")
    space = socket.CMSG_SPACE(count * numbers.itemsize)
    try:
        # socket.recv_fds ignores flags before Python 3.13, and the descriptors would be inherited by every command
        data, ancillary, _, _ = channel.recvmsg(_MAX_MESSAGE, space, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:
        return None, []
    for _, _, raw in ancillary:
        numbers.frombytes(raw[: len(raw) - len(raw) % numbers.itemsize])
    return (json.loads(data) if data else None), list(numbers)


def pack(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> int:
    """Write a command into a fresh memory file.

    Returns:
        Its descriptor, which the caller closes.
    """
    spelled = {_spell(name): _spell(value) for name, value in env.items()}
    load = {"argv": [_spell(arg) for arg in argv], "env": spelled, "cwd": _spell(cwd)}
    descriptor = os.memfd_create("command", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(json.dumps(load).encode())
    return descriptor


def unpack(descriptor: int) -> tuple[list[bytes], dict[bytes, bytes], bytes]:
    """Read what `pack` wrote.

    Returns:
        argv, environment and directory.
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb", closefd=False) as file:
        load = json.load(file)
    env = {k.encode("latin-1"): v.encode("latin-1") for k, v in load["env"].items()}
    return [a.encode("latin-1") for a in load["argv"]], env, load["cwd"].encode("latin-1")


def _spell(text: str) -> str:
    return os.fsencode(text).decode("latin-1")
