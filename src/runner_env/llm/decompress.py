"""A compressed body taken apart piece by piece, so that a small one cannot become a huge one unnoticed."""

from __future__ import annotations

import zlib

_ANY_HEADER = zlib.MAX_WBITS | 32
_STEP = 1 << 18


class TooLarge(Exception):
    """The body is larger than allowed."""


class Undecodable(Exception):
    """The body is not what its `content-encoding` says, or that encoding is not known."""


class Decompressor:
    """Takes a body as it comes.

    Args:
        encoding: the `content-encoding`: none, `identity`, `gzip` or `deflate`.
        max_bytes: the most that may come out.

    Raises:
        Undecodable: another encoding.
    """

    def __init__(self, encoding: str, max_bytes: int) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise Undecodable(f"the answer's content-encoding {encoding[:80]!r} is not known")
        self._unzip = zlib.decompressobj(_ANY_HEADER) if name not in {"", "identity"} else None
        self._max_bytes = max_bytes
        self._out = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLarge: more came out than allowed.
            Undecodable: they are not compressed as declared.
        """
        while data:
            if self._unzip is None:
                piece, data = data, b""
            else:
                piece, data = self._step(self._unzip, data)
            self._out += piece
            if len(self._out) > self._max_bytes:
                raise TooLarge

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            Undecodable: it is cut off.
        """
        if self._unzip is not None and self._out and not self._unzip.eof:
            raise Undecodable("the compressed answer is cut off")
        return bytes(self._out)

    @staticmethod
    def _step(unzip: zlib._Decompress, data: bytes) -> tuple[bytes, bytes]:
        try:
            piece = unzip.decompress(data, _STEP)
        except zlib.error as error:
            raise Undecodable(f"the answer is not compressed as declared: {error}") from None
        return piece, unzip.unconsumed_tail
