"""What commands wrote, read back from the evidence as far as somebody needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def ends(path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]:
    """The beginning of a file, at most `head` bytes, what follows of its last `tail` bytes, and the bytes between."""
    with path.open("rb") as file:
        first = file.read(head)
        size = file.seek(0, 2)
        start = max(len(first), size - tail)
        file.seek(start)
        return first, file.read(), start - len(first)
