"""The YAML of CI files, read fast: a subset, every value with its line.

A strict YAML parser in Python takes 60 µs a line, which for a repository with ten workflows is more than all hints
may cost. Scalars stay text, since nothing here asks for a number. What a CI service refuses may be read as anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#&*!|>%@`\[\]{},:-](?:[^:\n]|:(?=\S))*|[-:]\S(?:[^:\n]|:(?=\S))*)\s*:(?=\s|$)"""
)
_PROPERTY = re.compile(r"([&!])(\S*)\s*")
_BLOCK = re.compile(r"[|>]([-+]?)(\d?)([-+]?)\s*(#.*)?$")
_COMMENT = re.compile(r"\s#.*$")
_MOST_DEPTH = 40
_MOST_LINES = 5_000
_MOST_NODES = 50_000


class NotYaml(ValueError):
    """The text is not what this reader knows."""


@dataclass(slots=True)
class Node:
    """A value and the line, from 1, where its text begins.

    Attributes:
        value: text, a list of nodes, or a mapping from text to nodes.
        line: from 1.
        tag: the tag without `!`; empty: none.
        lined: whether the text's lines are the file's lines from `line` on.
    """

    value: str | list[Node] | dict[str, Node]
    line: int
    tag: str = ""
    lined: bool = False

    @property
    def text(self) -> str:
        """The text of a scalar; of anything else empty."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def items(self) -> list[Node]:
        """The items of a list; a scalar that is not empty is a list of itself; of a mapping none."""
        if isinstance(self.value, list):
            return self.value
        return [self] if isinstance(self.value, str) and self.value else []

    @property
    def entries(self) -> dict[str, Node]:
        """The entries of a mapping; of anything else none."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, *keys: str) -> Node:
        """The node under a path of keys; an empty one if there is none."""
        node = self
        for key in keys:
            node = node.entries.get(key, _EMPTY)
        return node


_EMPTY = Node("", 1)


def parse(text: str) -> Node:
    """The first document of `text`.

    Raises:
        NotYaml: it is too long or too deep, or an alias has no anchor.
    """
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines = text.expandtabs(2).split("\n")
        if len(self.lines) > _MOST_LINES:
            raise NotYaml("too long")
        self.at = 0
        self.depth = 0
        self.count = 0
        self.anchors: dict[str, tuple[Node, int]] = {}

    def alias(self, name: str) -> Node:
        """The node of an anchor; what is in it counts once more, so that repetitions of repetitions end."""
        if name not in self.anchors:
            raise NotYaml(f"no anchor {name}")
        node, weight = self.anchors[name]
        self.count += weight
        if self.count > _MOST_NODES:
            raise NotYaml("too much")
        return node

    def document(self) -> Node:
        while self.at < len(self.lines) and re.match(r"\s*(#|$)|%", self.lines[self.at]):
            self.at += 1
        if self.at < len(self.lines) and self.lines[self.at].startswith("---"):
            self.lines[self.at] = "   " + self.lines[self.at][3:]
        return self._block(-1)

    def _peek(self) -> tuple[int, str] | None:
        """Indentation and text of the next line that says something; None at the end."""
        lines = self.lines
        while self.at < len(lines):
            text = lines[self.at].lstrip(" ")
            if text.rstrip() and text[0] != "#":
                indent = len(lines[self.at]) - len(text)
                ends = not indent and text.startswith(("---", "...")) and not text[3:].strip()
                return None if ends else (indent, text.rstrip())
            self.at += 1
        return None

    def _block(self, above: int) -> Node:
        """The value on the following lines that are indented deeper than `above`."""
        seen = self._peek()
        if not seen or seen[0] <= above:
            return Node("", self.at + 1)
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise NotYaml("too deep")
        indent, text = seen
        if text == "-" or text.startswith("- "):
            node = self._sequence(indent)
        elif _KEY.match(text):
            node = self._mapping(indent)
        else:
            node = self._value(text, above)
        self.depth -= 1
        return node

    def _sequence(self, indent: int) -> Node:
        items: list[Node] = []
        line = self.at + 1
        while (seen := self._peek()) and seen[0] == indent and (seen[1] == "-" or seen[1].startswith("- ")):
            self._dash(indent)
            items.append(self._block(indent))
        return Node(items, line)

    def _dash(self, indent: int) -> None:
        """Blanks the dash out, which leaves a value with an indentation of its own."""
        line = self.lines[self.at]
        rest = line[indent + 1 :]
        match = _PROPERTY.match(rest.lstrip())
        if match and match[1] == "&" and _KEY.match(rest.lstrip()[match.end() :]):
            # the anchor of a mapping whose first key is on the same line
            self.lines[self.at] = " " * (len(line) - len(rest.lstrip()) + match.end()) + rest.lstrip()[match.end() :]
            return
        self.lines[self.at] = " " * (indent + 1) + rest

    def _mapping(self, indent: int) -> Node:
        entries: dict[str, Node] = {}
        node = Node(entries, self.at + 1)
        merged: list[Node] = []
        while (seen := self._peek()) and seen[0] == indent and (match := _KEY.match(seen[1])):
            key = _unquoted(match[1].rstrip())
            value = self._value(seen[1][match.end() :].strip(), indent, in_mapping=True)
            if key == "<<":
                merged += value.items if isinstance(value.value, list) else [value]
            else:
                entries.setdefault(key, value)
        for other in merged:
            for key, value in other.entries.items():
                entries.setdefault(key, value)
        if seen and seen[0] > indent:
            raise NotYaml("indentation")
        return node

    def _value(self, rest: str, indent: int, *, in_mapping: bool = False) -> Node:
        """The value that begins with `rest` on the current line."""
        self.count += 1
        begun = self.count - 1
        anchor = tag = ""
        while match := _PROPERTY.match(rest):
            anchor, tag = (match[2], tag) if match[1] == "&" else (anchor, match[2])
            rest = rest[match.end() :]
        if not rest or rest.startswith("#"):
            self.at += 1
            node = self._below(indent, in_mapping=in_mapping)
        else:
            node = self._inline(rest, indent)
        if tag:
            node = Node(node.value, node.line, tag, node.lined)
        if anchor:
            self.anchors[anchor] = node, self.count - begun
        return node

    def _below(self, indent: int, *, in_mapping: bool) -> Node:
        seen = self._peek()
        if in_mapping and seen and seen[0] == indent and (seen[1] == "-" or seen[1].startswith("- ")):
            return self._sequence(indent)
        return self._block(indent)

    def _inline(self, rest: str, indent: int) -> Node:
        if match := _BLOCK.match(rest):
            return self._scalar_block(rest[0], match[2], indent)
        if rest[0] == "*":
            name = rest[1:].partition(" ")[0]
            self.at += 1
            return self.alias(name)
        if rest[0] in "[{\"'":
            return self._delimited(rest)
        return self._plain(rest, indent)

    def _scalar_block(self, style: str, digit: str, indent: int) -> Node:
        self.at += 1
        begun = self.at
        lines: list[str] = []
        margin = max(indent, 0) + int(digit) if digit else -1
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.lstrip(" ")
            own = len(line) - len(text)
            if text.strip():
                margin = own if margin < 0 else margin
                if own < margin or own <= indent:
                    break
            lines.append(line[margin:].rstrip() if margin >= 0 else "")
            self.at += 1
        while lines and not lines[-1]:
            lines.pop()
        if style == ">":
            return Node(_folded(lines), begun + 1)
        return Node("\n".join(lines), begun + 1, lined=True)

    def _plain(self, rest: str, indent: int) -> Node:
        line = self.at + 1
        parts = [_COMMENT.sub("", rest).strip()]
        self.at += 1
        while not _COMMENT.search(self.lines[self.at - 1]) and (seen := self._peek()) and seen[0] > indent:
            parts.append(_COMMENT.sub("", seen[1]).strip())
            self.at += 1
        text = " ".join(parts)
        return Node("" if text in ("~", "null") else text, line)

    def _delimited(self, rest: str) -> Node:
        """A quoted or a flow value, which may go on over lines whatever their indentation."""
        line = self.at + 1
        text = rest
        for _ in range(400):
            self.at += 1
            flow = _Flow(text, line, self)
            try:
                return flow.value()
            except IndexError:
                if self.at >= len(self.lines):
                    break
                text += "\n" + self.lines[self.at].strip()
        raise NotYaml("not closed")


class _Flow:
    """Quoted and flow values; running out of text is an `IndexError`."""

    def __init__(self, text: str, line: int, reader: _Reader) -> None:
        self.text = text
        self.line = line
        self.reader = reader
        self.at = 0
        self.depth = 0

    def value(self) -> Node:
        self._blanks()
        self.depth += 1
        self.reader.count += 1
        if self.depth > _MOST_DEPTH:
            raise NotYaml("too deep")
        node = self._value()
        self.depth -= 1
        return node

    def _value(self) -> Node:
        line = self.line + self.text.count("\n", 0, self.at)
        char = self.text[self.at]
        if char == "[":
            return Node(self._list(), line)
        if char == "{":
            return Node(self._map(), line)
        if char in "\"'":
            return Node(self._quoted(char), line)
        match = re.compile(r"(?:[^,\[\]{}:\n]|:(?!\s))*").match(self.text, self.at)
        self.at = match.end() if match else self.at
        _ = self.text[self.at]
        word = match[0].strip() if match else ""
        return self.reader.alias(word[1:]) if word.startswith("*") else Node(word, line)

    def _list(self) -> list[Node]:
        items: list[Node] = []
        self.at += 1
        while True:
            self._blanks()
            if self.text[self.at] == "]":
                self.at += 1
                return items
            if self.text[self.at] == ",":
                self.at += 1
                continue
            item = self.value()
            self._blanks()
            if self.text[self.at] == ":":
                self.at += 1
                item = Node({item.text: self.value()}, item.line)
            elif self.text[self.at] not in ",]":
                raise NotYaml("flow list")
            items.append(item)

    def _map(self) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        self.at += 1
        while True:
            self._blanks()
            if self.text[self.at] == "}":
                self.at += 1
                return entries
            if self.text[self.at] == ",":
                self.at += 1
                continue
            key = self.value()
            self._blanks()
            value = Node("", key.line)
            if self.text[self.at] == ":":
                self.at += 1
                value = self.value()
            elif self.text[self.at] not in ",}":
                raise NotYaml("flow mapping")
            entries[key.text] = value

    def _quoted(self, quote: str) -> str:
        pattern = r'"((?:[^"\\]|\\.)*)"' if quote == '"' else r"'((?:[^']|'')*)'"
        match = re.compile(pattern, re.DOTALL).match(self.text, self.at)
        if not match:
            raise IndexError
        self.at = match.end()
        return _unquoted(match[0])

    def _blanks(self) -> None:
        match = re.compile(r"(?:\s|(?<=\s)#[^\n]*)*").match(self.text, self.at)
        self.at = match.end() if match else self.at


def _folded(lines: list[str]) -> str:
    """A `>` block: lines become one, except where a blank line or a deeper indentation keeps them apart."""
    text = ""
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        kept = not before or line.startswith(" ") or before.startswith(" ")
        text += ("" if not number else "\n" if kept or not line else " ") + line
    return re.sub(r"\n\n", "\n", text)


_ESCAPES = {"n": "\n", "t": "\t", "\n": "", "r": "\r", "0": "\0"}


def _unquoted(text: str) -> str:
    if text[:1] == "'" and text[-1:] == "'" and len(text) > 1:
        return re.sub(r"\s*\n\s*", " ", text[1:-1].replace("''", "'"))
    if text[:1] == '"' and text[-1:] == '"' and len(text) > 1:
        body = re.sub(r"(?<!\\)\n\s*", " ", text[1:-1])
        return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), body, flags=re.DOTALL)
    return text
