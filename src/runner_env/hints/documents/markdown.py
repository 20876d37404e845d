"""Markdown (CommonMark with tables and HTML), as far as code in it goes."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from runner_env.hints.documents.block import Block, Kind
from runner_env.hints.documents.headings import Headings, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = re.compile(r"^(\s*(?:>\s?)*(?:(?:[-*+]|\d+[.)])\s+)?)(`{3,}|~{3,})\s*\{?[.]?([^\s`{},:]*)[^`]*$")
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s*(.+?)\s*#*\s*$")
_UNDERLINE = re.compile(r"^\s{0,3}(=+|-{2,})\s*$")
_HTML_HEADING = re.compile(r"<h([1-6])[^>]*>(.*?)</h\1>", re.IGNORECASE)
_SUMMARY = re.compile(r"<summary[^>]*>(.*?)(?:</summary>|$)", re.IGNORECASE)
_PRE = re.compile(r"<pre[^>]*>\s*(?:<code[^>]*>)?", re.IGNORECASE)
_PRE_END = re.compile(r"(?:</code>)?\s*</pre>", re.IGNORECASE)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)|<(?:code|kbd)>(.+?)</(?:code|kbd)>")
_LIST = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_INDENTED = re.compile(r"^(?: {4,}|\t)\s*\S")
_SUMMARY_LEVEL = 7


def blocks(text: str) -> Iterator[Block]:
    """All code in `text`, in order: fenced, indented and HTML blocks, inline code, tables' cells."""
    return _Reader(_without_comments(text).split("\n")).run()


def _without_comments(text: str) -> str:
    """HTML comments emptied, their line ends kept."""
    kept: list[str] = []
    at = 0
    while (begin := text.find("<!--", at)) >= 0 and (end := text.find("-->", begin)) >= 0:
        kept += (text[at:begin], "\n" * text.count("\n", begin, end))
        at = end + len("-->")
    return "".join((*kept, text[at:]))


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.headings = Headings()
        self.prose = ""
        self.in_list = False
        self.blank_before = True

    def run(self) -> Iterator[Block]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            fence = _FENCE.match(line)
            if fence:
                yield self._fenced(fence)
            elif _PRE.search(line):
                yield self._pre(line)
            elif self.blank_before and not self.in_list and _INDENTED.match(line):
                yield self._indented(4)
            elif self.blank_before and self.in_list and re.match(r"^(?: {6,}|\t\t)\S", line) and not _LIST.match(line):
                yield self._indented(6)
            else:
                yield from self._prose_line(line)
                self.at += 1

    def _block(self, lines: list[str], line: int, language: str) -> Block:
        return Block("\n".join(lines), line, Kind.BLOCK, language.lower(), self.headings.titles(), plain(self.prose))

    def _fenced(self, fence: re.Match[str]) -> Block:
        begun = self.at + 1
        closing = re.compile(rf"^\s*(?:>\s?)*{re.escape(fence[2][0])}{{{len(fence[2])},}}\s*$")
        taken: list[str] = []
        quote = ">" in fence[1]
        indent = len(fence[1])
        self.at += 1
        while self.at < len(self.lines) and not closing.match(self.lines[self.at]):
            line = self.lines[self.at]
            if quote:
                line = re.sub(r"^\s*>\s?", "", line)
            taken.append(line[indent:] if not line[:indent].strip() else line.lstrip())
            self.at += 1
        self.at += 1
        self.blank_before = True
        return self._block(taken, begun + 1, fence[3])

    def _pre(self, line: str) -> Block:
        begun = self.at + 1
        rest = line[_PRE.search(line).end() :]  # type: ignore[union-attr]
        taken: list[str] = []
        while not _PRE_END.search(rest) and self.at + 1 < len(self.lines):
            taken.append(rest)
            self.at += 1
            rest = self.lines[self.at]
        taken.append(_PRE_END.split(rest)[0])
        self.at += 1
        lines = [html.unescape(re.sub(r"</?[a-z][^>]*>", "", each)) for each in taken]
        language = re.search(r'(?:lang(?:uage)?[-=]"?|class="highlight highlight-source-)(\w+)', line)
        return self._block(lines, begun, language[1] if language else "")

    def _indented(self, indent: int) -> Block:
        begun = self.at + 1
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and not line.startswith((" " * indent, "\t")):
                break
            taken.append(line.strip() if indent > 4 else re.sub(r"^(?: {4}|\t)", "", line))
            self.at += 1
        return self._block(taken, begun, "")

    def _prose_line(self, line: str) -> Iterator[Block]:
        stripped = line.strip()
        if not stripped:
            self.blank_before = True
            return
        if self._heading(line):
            return
        if _LIST.match(line):
            self.in_list = True
        elif self.blank_before and not line.startswith((" ", "\t")):
            self.in_list = False
        self.blank_before = False
        kind = Kind.CELL if stripped.startswith("|") or stripped.count("|") > 1 else Kind.INLINE
        if "`" in line or "<code>" in line or "<kbd>" in line:
            around = plain(f"{self.prose} {stripped}") if kind is Kind.INLINE else plain(stripped)
            for match in _INLINE.finditer(line):
                inside = (match[2] or html.unescape(match[3] or "")).strip().replace("\\|", "|")
                yield Block(inside, self.at + 1, kind, "", self.headings.titles(), around)
        self.prose = stripped if _LIST.match(line) else f"{self.prose} {stripped}"[-1000:]

    def _heading(self, line: str) -> bool:
        heading = _HEADING.match(line)
        below = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        if heading and (heading[0].lstrip("# ")[:1]):
            self._enter(len(heading[1]), heading[2])
        elif (underline := _UNDERLINE.match(below)) and not line.startswith(("|", "    ", "-", "*")):
            self._enter(1 if underline[1][0] == "=" else 2, line)
            self.at += 1
        elif html_heading := _HTML_HEADING.search(line):
            self._enter(int(html_heading[1]), html_heading[2])
        elif summary := _SUMMARY.search(line):
            self._enter(_SUMMARY_LEVEL, summary[1] or (below if not _FENCE.match(below) else ""))
        elif bold := re.match(r"^\s*(?:\*\*|__)([^*_]{3,80})(?:\*\*|__):?\s*$", line):
            self._enter(_SUMMARY_LEVEL + 1, bold[1])
        else:
            if "</details>" in line.lower():
                self.headings.leave(_SUMMARY_LEVEL)
            return False
        return True

    def _enter(self, level: int, title: str) -> None:
        self.headings.enter(level, title)
        self.prose = ""
        self.in_list = False
        self.blank_before = True
