"""Files of the `configparser` kind, with lines; substitutions are left alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner_env.hints.sources.tree import numbered

_SECTION = re.compile(r"\[([^\]\n]+)\]\s*$")
_KEY = re.compile(r"([^\s=:#;\[][^=:\n]*?)\s*[=:]\s*(.*)")
_COMMENT = re.compile(r"(^|\s)[#;]\s.*$|^[#;].*$")


@dataclass(slots=True)
class Entry:
    """A value: its lines that say something, each with its number, from 1."""

    lines: list[tuple[int, str]]
    line: int

    @property
    def text(self) -> str:
        """The lines, stripped."""
        return "\n".join(text for _, text in self.lines)


Sections = dict[str, dict[str, Entry]]


def parse(text: str, first_line: int = 1) -> Sections:
    """Sections with their keys, in order; of a key that is given twice the last value.

    Args:
        text: of the file.
        first_line: the number of its first line, if it lies inside another file.
    """
    found: Sections = {}
    section: dict[str, Entry] = {}
    entry: Entry | None = None
    for number, raw in numbered(text):
        line = _COMMENT.sub("", raw).rstrip()
        if not line:
            continue
        if match := _SECTION.fullmatch(line):
            section, entry = found.setdefault(match[1].strip(), {}), None
        elif line[0] in " \t":
            if entry:
                entry.lines.append((number + first_line - 1, line.strip()))
        elif match := _KEY.fullmatch(line):
            entry = Entry([], number + first_line - 1)
            if match[2]:
                entry.lines.append((entry.line, match[2]))
            section[match[1].strip().lower()] = entry
    return found
