"""Outputs of any size as lines of bounded length, as often as needed."""

from __future__ import annotations

import codecs
import io
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1 << 20
KEEP = 1 << 22
"""Of a line longer than twice this, this many bytes are kept at either end."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def as_stream(data: bytes | str) -> BinaryIO:
    """The output as something that can be read twice."""
    return io.BytesIO(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)


@contextmanager
def opened(path: str, stdin: BinaryIO) -> Iterator[BinaryIO]:
    """The file of that name, or what comes from `stdin` for `-`, as something that can be read twice.

    What cannot be read twice, such as a pipe, is kept in a temporary file meanwhile.

    Raises:
        OSError: there is no such file, or it is a directory.
    """
    if path != "-":
        with open(path, "rb") as stream:  # noqa: PTH123 - pathlib's `open` does the same and has to be imported
            if stream.seekable():
                yield stream
                return
            yield from _spooled(stream)
            return
    yield from _spooled(stdin)


def _spooled(source: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.SpooledTemporaryFile(max_size=BLOCK) as kept:
        while block := source.read(BLOCK):
            kept.write(block)
        yield kept  # type: ignore[misc]


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """All of it from its start, in UTF-8, in blocks that end with a line where lines are shorter than a block."""
    stream.seek(0)
    if stream.read(2) in _UTF16:  # what PowerShell's `>` writes
        yield from _transcoded(stream)
        return
    stream.seek(0)
    while True:
        block = stream.read(BLOCK)
        if not block:
            return
        yield block + stream.readline(BLOCK)


def _transcoded(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    while True:
        block = stream.read(BLOCK)
        text = decoder.decode(block, final=not block)
        if text:
            yield text.encode("utf-8", "replace")
        if not block:
            return


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Every line from the start, without its newline; of a very long one both ends."""
    head = tail = b""
    for block in blocks(stream):
        start = 0
        while True:
            end = block.find(b"\n", start)
            if end < 0:
                head, tail = _longer(head, tail, block[start:])
                break
            if head:
                head, tail = _longer(head, tail, block[start:end])
                yield head + tail
            else:
                yield _clipped(block[start:end])
            head = tail = b""
            start = end + 1
    if head:
        yield head + tail


def _clipped(line: bytes) -> bytes:
    return line if len(line) <= 2 * KEEP else line[:KEEP] + line[-KEEP:]


def _longer(head: bytes, tail: bytes, more: bytes) -> tuple[bytes, bytes]:
    room = KEEP - len(head)
    if room > 0:
        head, more = head + more[:room], more[room:]
    return head, (tail + more)[-KEEP:]
