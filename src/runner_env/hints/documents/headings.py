"""The headings a line stands under, and the sentence before it."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"<[^<>]{1,200}>|!?\[([^\]]*)\]\([^)]*\)|[*`]|:[a-z]+:`|\{#[\w-]+\}")
_MOST_CONTEXT = 300


class Headings:
    """A stack of headings by level."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, str]] = []

    def enter(self, level: int, title: str) -> None:
        """A heading of that level begins; deeper ones and those of its own level end."""
        self.leave(level)
        self._stack.append((level, plain(title)))

    def leave(self, level: int) -> None:
        """All headings of that level and deeper end."""
        while self._stack and self._stack[-1][0] >= level:
            self._stack.pop()

    def titles(self) -> tuple[str, ...]:
        """Outermost first."""
        return tuple(title for _, title in self._stack)


def plain(text: str) -> str:
    """Prose without markup, at most 300 characters, the end of it."""
    return " ".join(_MARKUP.sub(lambda match: match[1] or "", text[-2 * _MOST_CONTEXT :]).split())[-_MOST_CONTEXT:]
