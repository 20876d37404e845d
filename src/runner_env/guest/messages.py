"""Messages between runner, keeper and minders: one for each SEQPACKET datagram, descriptors beside it.

A message is a flat mapping: its keys and values in turn, as netstrings (`<length>:<bytes>`), a value with the first
letter of its type before it. A command's argv, environment and directory may be larger than a datagram, so they travel
in a memory file (memfd_create(2)), as netstrings too, so that any byte survives. JSON would do, if loading it did not
take as long as starting Python does.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

    Value = str | int | float | bool
else:
    import _socket as socket

MARK = "RUNNER_ENV_BOX"
"""Environment variable that every process of a box carries: `<token of the box>.<number of the command>`."""

NOT_STARTED = "not_started"
"""What the reason begins with where a command, through no fault of its program, was never started."""

MOST_DESCRIPTORS = 6
"""Beside an order: channel, standard output and error, the packed command, and, if there are, trace and standard input.
"""

_MAX_MESSAGE = 1 << 16
_INT_BYTES = 4
_LETTERS = {str: "s", int: "i", float: "f", bool: "b"}
_READERS: dict[str, Callable[[str], Any]] = {"s": str, "i": int, "f": float, "b": "True".__eq__}


def send(channel: socket.socket, message: Mapping[str, Value], descriptors: Sequence[int] = ()) -> bool:
    """Send one message; False if the other side is gone."""
    raw = b"".join(descriptor.to_bytes(_INT_BYTES, sys.byteorder) for descriptor in descriptors)
    beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, raw)] if raw else []
    try:
        channel.sendmsg([_encoded(message)], beside)
    except OSError:
        return False
    return True


def receive(channel: socket.socket) -> dict[str, Any] | None:
    """Take one message; None if the other side is gone."""
    try:
        data = channel.recv(_MAX_MESSAGE)
    except ConnectionResetError:
        # It ended without reading all that was sent to it. This is said once, before what it had sent itself.
        data = channel.recv(_MAX_MESSAGE)
    return _decoded(data) if data else None


def receive_with_descriptors(channel: socket.socket, count: int) -> tuple[dict[str, Any] | None, list[int]]:
    """Take one message with up to `count` descriptors, all close-on-exec; None if the other side is gone."""
    space = socket.CMSG_SPACE(count * _INT_BYTES)
    try:
        # socket.recv_fds ignores flags before Python 3.13, and the descriptors would be inherited by every command
        data, ancillary, _, _ = channel.recvmsg(_MAX_MESSAGE, space, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:
        return None, []
    numbers = [
        int.from_bytes(raw[at : at + _INT_BYTES], sys.byteorder)
        for _, _, raw in ancillary
        for at in range(0, len(raw) - _INT_BYTES + 1, _INT_BYTES)
    ]
    return (_decoded(data) if data else None), numbers


def pack(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> int:
    """Write a command into a fresh memory file.

    Arguments are UTF-8, as the contract that they come from, whatever the locale. The directory and the variables may
    come from the system, so they become the bytes they were; a variable that cannot have come from there is UTF-8 too.

    Returns:
        Its descriptor, which the caller closes.
    """
    words = [os.fsencode(cwd), b"%d" % len(argv), *map(_utf8, argv)]
    words += [_system_bytes(word) for pair in env.items() for word in pair]
    descriptor = os.memfd_create("command", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(joined(words))
    return descriptor


def unpack(descriptor: int) -> tuple[list[bytes], dict[bytes, bytes], bytes]:
    """Read what `pack` wrote.

    Returns:
        argv, environment and directory.
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb", closefd=False) as file:
        cwd, count, *words = split(file.read())
    return words[: int(count)], dict(_pairs(words[int(count) :])), cwd


def _utf8(word: str) -> bytes:
    return word.encode("utf-8", "surrogateescape")


def _system_bytes(word: str) -> bytes:
    try:
        return os.fsencode(word)
    except UnicodeEncodeError:
        return _utf8(word)


def _encoded(message: Mapping[str, Value]) -> bytes:
    words = [word for key, value in message.items() for word in (key, f"{_LETTERS[type(value)]}{value}")]
    return joined(word.encode(errors="backslashreplace") for word in words)


def _decoded(data: bytes) -> dict[str, Any]:
    words = [word.decode() for word in split(data)]
    return {key: _READERS[value[0]](value[1:]) for key, value in _pairs(words)}


def _pairs(words: list[T]) -> Iterator[tuple[T, T]]:
    return ((words[at], words[at + 1]) for at in range(0, len(words), 2))


def joined(words: Iterable[bytes]) -> bytes:
    """Words as netstrings, one after the other."""
    return b"".join(b"%d:%b" % (len(word), word) for word in words)


def split(data: bytes) -> list[bytes]:
    """The words that `joined` joined.

    Raises:
        ValueError: these are no netstrings.
    """
    words, at = [], 0
    while at < len(data):
        colon = data.index(b":", at)
        end = colon + 1 + int(data[at:colon])
        words.append(data[colon + 1 : end])
        at = end
    return words
