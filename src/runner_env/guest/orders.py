"""What the runner tells a keeper before anything runs: how the box is to be confined, and what to try out in it.

It travels in a memory file, as netstrings: names and values in turn, a name as often as it has values.

    level      how it is confined: `none`, `landlock`, `bwrap`, `docker`
    network    `none` or `host`
    read       a file or folder that may be read (Landlock)
    write      a file or folder that may be written too (Landlock)
    outside    a folder in which no file may come into being
    canary     a file outside: it must be impossible to read or write
    fixed      a file that it must be impossible to write
    hidden     a place that must not be the same inside: `<device>:<inode>:<path>`
    workspace  a folder that must be writable
    port       where the runner listens on 127.0.0.1: must be out of reach without a network
    processes  how many processes the box may have
"""

from __future__ import annotations

import os

from runner_env.guest import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def pack(pairs: Iterable[tuple[str, str]]) -> int:
    """Write names and values into a fresh memory file; the caller closes its descriptor."""
    descriptor = os.memfd_create("orders", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(messages.joined(word for name, value in pairs for word in (name.encode(), os.fsencode(value))))
    return descriptor


class Orders:
    """What `pack` wrote."""

    def __init__(self, descriptor: int) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        os.lseek(descriptor, 0, os.SEEK_SET)
        with open(descriptor, "rb") as file:
            words = messages.split(file.read())
        for at in range(0, len(words), 2):
            self._values.setdefault(words[at], []).append(words[at + 1])

    def all(self, name: str) -> list[bytes]:
        """Every value of that name."""
        return self._values.get(name.encode(), [])

    def one(self, name: str) -> str:
        """The value of that name; empty if there is none."""
        values = self.all(name)
        return values[0].decode() if values else ""
