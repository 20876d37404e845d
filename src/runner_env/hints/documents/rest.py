"""reStructuredText and plain text, as far as code in them goes; plain text is read as its loose form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.hints.documents.block import Block, Kind
from runner_env.hints.documents.headings import Headings, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADORNMENT = re.compile(r"^([=\-`:.'\"~^_*+#<>])\1{2,}\s*$")
_DIRECTIVE = re.compile(r"^(\s*)\.\.\s+([\w-]+)::\s*(.*)$")
_CODE = frozenset(
    [
        "code",
        "code-block",
        "sourcecode",
        "prompt",
        "console",
        "parsed-literal",
        "highlight-block",
        "tab",
        "program-output",
        "cli",
    ]
)
_INLINE = re.compile(r"``(.+?)``|(?:(?<![:`\w])|(?<=:command:)|(?<=:code:))`([^`<>]{3,80})`(?!`)(?!_)")
_LOUD = re.compile(r"^(?:\d+(?:\.\d+)*\.?\s+)?[A-Z][A-Z0-9 /&,'-]{3,60}:?$")


def blocks(text: str, *, plain_text: bool = False) -> Iterator[Block]:
    """All code in `text`, in order: directives, literal blocks, indented paragraphs of plain text, inline code.

    Args:
        text: the document.
        plain_text: it has no markup: indented paragraphs are code, lines in capitals are headings.
    """
    return _Reader(text.expandtabs(4).split("\n"), plain_text=plain_text).run()


class _Reader:
    def __init__(self, lines: list[str], *, plain_text: bool) -> None:
        self.lines = lines
        self.plain_text = plain_text
        self.at = 0
        self.headings = Headings()
        self.levels: list[str] = []
        self.prose = ""

    def run(self) -> Iterator[Block]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            directive = _DIRECTIVE.match(line)
            if directive:
                yield from self._directive(directive)
            elif self._heading(line):
                self.prose = ""
            elif self._is_loose_block(line):
                yield self._body(_indent(line) - 1, "")
            else:
                yield from self._prose_line(line)

    def _prose_line(self, line: str) -> Iterator[Block]:
        stripped = line.strip()
        self.at += 1
        if not stripped:
            return
        yield from self._inline(line)
        self.prose = f"{self.prose} {stripped}"[-1000:]
        if stripped.endswith("::") and not stripped.startswith(".."):
            following = self._next_stated()
            if following is not None and _indent(self.lines[following]) > _indent(line):
                self.at = following
                yield self._body(_indent(line), "")

    def _is_loose_block(self, line: str) -> bool:
        """An indented paragraph; in plain text only, for in reST that is a quotation or part of a list."""
        before = self.lines[self.at - 1] if self.at else ""
        if re.match(r"^\s*\$ \S", line):
            return True
        return self.plain_text and _indent(line) >= 2 and not before.strip() and bool(line.strip())

    def _next_stated(self) -> int | None:
        at = self.at
        while at < len(self.lines) and not self.lines[at].strip():
            at += 1
        return at if at < len(self.lines) else None

    def _directive(self, directive: re.Match[str]) -> Iterator[Block]:
        indent, name = len(directive[1]), directive[2]
        self.at += 1
        if name not in _CODE or name == "tab":
            if name in ("raw", "image", "figure", "math", "highlight", "doctest", "literalinclude", "toctree"):
                self._skip(indent)
            return
        words = directive[3].split()
        while self.at < len(self.lines) and re.match(r"^\s+:[\w-]+:", self.lines[self.at]):
            self.at += 1
        following = self._next_stated()
        if following is None or _indent(self.lines[following]) <= indent:
            return
        self.at = following
        yield self._body(indent, "console" if name in ("prompt", "console") else (words[0] if words else ""))

    def _skip(self, indent: int) -> None:
        while self.at < len(self.lines) and (not self.lines[self.at].strip() or _indent(self.lines[self.at]) > indent):
            self.at += 1

    def _body(self, indent: int, language: str) -> Block:
        """The lines from here on that are indented deeper than `indent`."""
        begun = self.at
        self._skip(indent)
        lines = self.lines[begun : self.at]
        margin = min((_indent(line) for line in lines if line.strip()), default=0)
        text = "\n".join(line[margin:] for line in lines)
        return Block(text, begun + 1, Kind.BLOCK, language.lower(), self.headings.titles(), plain(self.prose))

    def _inline(self, line: str) -> Iterator[Block]:
        if "`" not in line:
            return
        around = plain(f"{self.prose} {line.strip()}")
        for match in _INLINE.finditer(line):
            yield Block((match[1] or match[2]).strip(), self.at, Kind.INLINE, "", self.headings.titles(), around)

    def _heading(self, line: str) -> bool:
        stripped = line.strip()
        below = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        if _ADORNMENT.match(line) and below.strip():
            self.at += 1  # an overline; the title is the next line
            return True
        match = _ADORNMENT.match(below)
        if stripped and match and not line.startswith(" ") and len(below.strip()) + 3 >= len(stripped):
            self._enter(match[1], stripped)
            self.at += 2
            return True
        if self.plain_text and (_LOUD.match(line) or re.match(r"^(?:#+|=+|\*+|=head\d) \w", line)):
            self._enter("loud", re.sub(r"^(?:#+|=+|\*+|=head\d) ", "", stripped))
            self.at += 1
            return True
        return False

    def _enter(self, style: str, title: str) -> None:
        if style not in self.levels:
            self.levels.append(style)
        self.headings.enter(self.levels.index(style) + 1, title)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
