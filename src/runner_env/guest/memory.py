"""Strings out of another process while it waits."""

from __future__ import annotations

import os

_PAGE = 4096
_MOST_TEXTS = 512


class Memory:
    """Reads whole pages of a process, each once. A context manager.

    Args:
        pid: the process or thread; or `self`.
        most: bytes of text that are read in all; then `cut` is true.

    Raises:
        OSError: it cannot be read.
    """

    def __init__(self, pid: int | str, most: int) -> None:
        self.cut = False
        self._left = most
        self._pages: dict[int, bytes] = {}
        self._descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def read(self, address: int, size: int) -> bytes:
        """So many bytes, or those that there are."""
        found = b""
        while len(found) < size:
            part = self._from(address + len(found))[: size - len(found)]
            if not part:
                break
            found += part
        return found

    def text(self, address: int) -> bytes:
        """The bytes up to a NUL; none at address 0."""
        found = b""
        while address and self._left > 0:
            part = self._from(address)
            end = part.find(b"\0")
            piece = part if end < 0 else part[:end]
            found += piece
            address += len(piece)
            self._left -= len(piece)
            if end >= 0 or not part:
                return found
        self.cut = self.cut or bool(address)
        return found

    def texts(self, address: int, pointer: int) -> list[bytes]:
        """The texts of an array of pointers, `pointer` bytes each, up to a null pointer."""
        found: list[bytes] = []
        while address:
            raw = self.read(address, pointer)
            target = int.from_bytes(raw, "little")
            if len(raw) < pointer or not target:
                return found
            if len(found) >= _MOST_TEXTS or self._left <= 0:
                self.cut = True
                return found
            found.append(self.text(target))
            address += pointer
        return found

    def _from(self, address: int) -> bytes:
        """The rest of the page from an address on."""
        number = address // _PAGE
        if number not in self._pages:
            self._pages[number] = os.pread(self._descriptor, _PAGE, number * _PAGE)
        return self._pages[number][address % _PAGE :]

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
