"""AsciiDoc and Org, as far as code in them goes: both set it between delimiter lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.hints.documents.block import Block, Kind
from runner_env.hints.documents.headings import Headings, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADING = re.compile(r"^(={1,6}|\*{1,6}|#{1,6}) +(\S.*)$")
_ATTRIBUTES = re.compile(r"^\[(?:source|listing)?,?\s*([\w-]*).*\]\s*$")
_DELIMITER = re.compile(r"^(-{4,}|\.{4,}|`{3,})(\w*)\s*$")
_ORG_BEGIN = re.compile(r"^\s*#\+begin_(?:src|example)\s*(\S*)", re.IGNORECASE)
_ORG_END = re.compile(r"^\s*#\+end_", re.IGNORECASE)
_INLINE = re.compile(r"(?<!\w)[`=~+]{1,2}([^`=~+\n]{3,100})[`=~+]{1,2}(?!\w)")


def blocks(text: str) -> Iterator[Block]:
    """All code in `text`, in order: delimited and indented blocks, inline code."""
    headings = Headings()
    prose = language = ""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        end = _end_of_block(line)
        if heading := _HEADING.match(line):
            headings.enter(len(heading[1]), heading[2])
            prose = ""
        elif end is not None:
            begun = at + 1
            at = next((number for number in range(begun, len(lines)) if end.match(lines[number])), len(lines))
            org = _ORG_BEGIN.match(line)
            named = org[1] if org else language
            yield Block(
                "\n".join(lines[begun:at]), begun + 1, Kind.BLOCK, named.lower(), headings.titles(), plain(prose)
            )
            language = ""
        elif attributes := _ATTRIBUTES.match(line):
            language = attributes[1]
        elif re.match(r"^ +\S", line) and not lines[at - 1].strip() and not line.lstrip().startswith(("*", "-")):
            yield Block(line.strip(), at + 1, Kind.BLOCK, "", headings.titles(), plain(prose))
        elif line.strip():
            around = plain(f"{prose} {line}")
            for match in _INLINE.finditer(line):
                yield Block(match[1].strip(), at + 1, Kind.INLINE, "", headings.titles(), around)
            prose = f"{prose} {line}"[-1000:]
        at += 1


def _end_of_block(line: str) -> re.Pattern[str] | None:
    if _ORG_BEGIN.match(line):
        return _ORG_END
    match = _DELIMITER.match(line)
    return re.compile(rf"^{re.escape(match[1])}\s*$") if match else None
