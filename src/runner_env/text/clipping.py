"""Long text made short by leaving out its middle."""

from __future__ import annotations


def head_tail(text: str, limit: int) -> str:
    """The text itself if it has at most `limit` characters, else its beginning and end with a note between them.

    The note says how many characters were left out. The result never has more than `limit` characters; a limit that
    has no room for the note gives the beginning only.
    """
    if len(text) <= limit:
        return text
    room = limit - len(_note(len(text)))
    if room <= 0:
        return text[: max(0, limit)]
    head = room // 2
    tail = room - head
    return text[:head] + _note(len(text) - room) + text[len(text) - tail :]


def _note(omitted: int) -> str:
    return f"\n[... {omitted} characters omitted ...]\n"
