"""Syntax node → the text the shell would make of it: quotes removed, known variables and substitutions filled in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runner_env.execution.policy.bounds import MAX_TEXT, Bounds, TooComplex
from runner_env.execution.policy.markers import (
    ACTIVE,
    BREAK,
    EMPTY,
    HOME,
    SPLITTING,
    UNKNOWN,
    literal,
    split_fields,
    unsure,
)
from runner_env.execution.policy.state import State
from runner_env.execution.policy.syntax import substitutions, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

_MAX_WORD = 4 * MAX_TEXT
_MAX_COMMAND = 2_000_000
_MAX_WORDS = 200_000
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_ANSI = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))", re.DOTALL)
_SKIPPED_IN_DOUBLE = re.compile(r'\\([$`"\\])|\\\n')
_UNQUOTED_ESCAPE = re.compile(r"\\(\n?)(.?)", re.DOTALL)
_DEFAULTS = frozenset((":-", "-", ":=", "="))
_REQUIRED = frozenset((":?", "?"))
_NAMES = frozenset(("variable_name", "special_variable_name", "subscript"))


def unescape_ansi(text: str) -> str:
    r"""Decode the escapes of `$'…'`, `printf` and `echo -e`; an octal may be written `\0nnn`."""

    def decode(match: re.Match[str]) -> str:
        digits = match[1] or match[2] or match[3]
        if digits or match[4]:
            number = int(digits, 16) if digits else int(match[4], 8)
            return chr(number) if number < 0xD800 or 0xF900 <= number < 0x110000 else "\ufffd"
        return _ESCAPES.get(match[5], match[5])

    return _ANSI.sub(decode, re.sub(r"\\0([0-7]{3})", r"\\\1", text))


def _unquoted(text: str, *, start: bool) -> str:
    if start and (text == "~" or text.startswith("~/") or text.split("/", 1)[0] == "~root"):
        return HOME + _unquoted(text[len(text.split("/", 1)[0]) :], start=False)
    if "\\" not in text:
        return text.translate(ACTIVE)
    pieces, last = list[str](), 0
    for match in _UNQUOTED_ESCAPE.finditer(text):
        pieces += [
            text[last : match.start()].translate(ACTIVE),
            match[2] if not match[1] else match[2].translate(ACTIVE),
        ]
        last = match.end()
    return "".join([*pieces, text[last:].translate(ACTIVE)])


@dataclass(slots=True)
class Words:
    """Reads words in the light of one state.

    Attributes:
        state: the shell as it is when the words are read.
        capture: runs a substitution node and gives what it prints (for `<(…)`: the name of a file that holds it).
        bounds: what has been spent so far.
    """

    state: State
    capture: Callable[[Node, State], str]
    bounds: Bounds

    def fields(self, nodes: Sequence[Node]) -> list[str]:
        """The fields that `nodes`, the words of one command, become.

        Raises:
            TooComplex: together they are longer than any honest command.
        """
        if len(nodes) > _MAX_WORDS:
            raise TooComplex("a command has too many words")
        fields, size = list[str](), 0
        for node in nodes:
            found = split_fields(self.value(node))
            size += sum(map(len, found))
            if size > _MAX_COMMAND:
                raise TooComplex("a command becomes too long")
            fields += found
        return fields

    def value(self, node: Node, *, quoted: bool = False, start: bool = True) -> str:
        """The text of one word, with markers for what is unknown, for globs and for the places where it splits."""
        if node.child_count == 0 and node.type == "word":
            text = text_of(node)
            return text if quoted else _unquoted(text, start=start)
        self.bounds.enter()
        try:
            text = self._READERS.get(node.type, Words._other)(self, node, quoted, start)
        finally:
            self.bounds.leave()
        if len(text) > _MAX_WORD:
            raise TooComplex("a word becomes too long")
        return text

    def assigned(self, node: Node) -> str:
        """The value that a variable gets: not split, and no globs in it."""
        value = self.value(node, quoted=node.type in {"simple_expansion", "expansion", "command_substitution"})
        return value if node.type == "array" else literal(value).replace(BREAK, " ")

    def document(self, node: Node) -> str:
        """The text of an unquoted here-document's body."""
        return self._gaps(node, _SKIPPED_IN_DOUBLE)

    def _other(self, node: Node, quoted: bool, start: bool) -> str:
        if node.named_child_count:
            return "".join([self.value(child, quoted=quoted, start=start) for child in node.named_children])
        text = text_of(node)
        return text if quoted else _unquoted(text, start=start)

    def _string(self, node: Node, _quoted: bool, _start: bool) -> str:
        return self._gaps(node, _SKIPPED_IN_DOUBLE, 1) or EMPTY

    def _gaps(self, node: Node, escape: re.Pattern[str], border: int = 0) -> str:
        """The children's values and, because the grammar leaves some text out of the tree, the text between them."""
        source, origin = node.text or b"", node.start_byte
        position, pieces = border, list[str]()

        def between(end: int) -> None:
            text = source[position:end].decode("utf-8", "replace")
            pieces.append(escape.sub(lambda match: match[1] or "", text))

        for child in node.children:
            if child.is_named and child.type not in {"string_content", "heredoc_content"}:
                between(child.start_byte - origin)
                pieces.append(self.value(child, quoted=True, start=False))
                position = child.end_byte - origin
        between(max(position, len(source) - border))
        return "".join(pieces)

    def _raw(self, node: Node, _quoted: bool, _start: bool) -> str:
        return text_of(node)[1:-1] or EMPTY

    def _ansi(self, node: Node, _quoted: bool, _start: bool) -> str:
        return unescape_ansi(text_of(node)[2:-1]) or EMPTY

    def _concatenation(self, node: Node, quoted: bool, start: bool) -> str:
        parts = [self.value(child, quoted=quoted, start=start and not i) for i, child in enumerate(node.named_children)]
        return "".join(parts)

    def _simple(self, node: Node, quoted: bool, _start: bool) -> str:
        name = text_of(node)[1:]
        if name[:1].isdigit():  # the grammar reads `$1x` as one name
            return self._variable(name[:1], quoted=quoted) + name[1:]
        return self._variable(name, quoted=quoted)

    def _variable(self, name: str, *, quoted: bool) -> str:
        if name in {"@", "*"}:
            given = self.state.positional
            return UNKNOWN if given is None else (BREAK if name == "@" or not quoted else " ").join(given)
        value = self.state.lookup(name, quoted=quoted)
        return value if quoted else value.translate(SPLITTING).translate(ACTIVE)

    def _expansion(self, node: Node, quoted: bool, _start: bool) -> str:
        """`${…}`: the name, then an operator, then its operands."""
        children = node.children[1:-1]
        index = next((i for i, child in enumerate(children) if child.type in _NAMES), None)
        if index is None:
            return UNKNOWN
        prefix, subject, rest = children[:index], children[index], children[index + 1 :]
        operator = text_of(rest[0]) if rest else ""
        operands = "".join(self.value(child, quoted=quoted) for child in rest[1:] if child.is_named)
        if prefix:
            named = self.state.variables.get(text_of(subject), UNKNOWN)
            return self._variable(named, quoted=quoted) if text_of(prefix[0]) == "!" and not unsure(named) else UNKNOWN
        value = self._subject(subject, quoted=quoted)
        if not operator:
            return value
        return self._operated(value, operator, operands, self.state.is_unset(text_of(subject)))

    def _subject(self, node: Node, *, quoted: bool) -> str:
        if node.type != "subscript":
            return self._variable(text_of(node), quoted=quoted)
        name = node.child_by_field_name("name")
        index = node.child_by_field_name("index")
        value = self._variable(text_of(name), quoted=quoted) if name else UNKNOWN
        position = text_of(index) if index else ""
        if position in {"@", "*"}:
            return value
        elements = value.split(BREAK)
        if position.isdecimal() and len(position) < 5:
            return elements[int(position)] if int(position) < len(elements) else ""
        return UNKNOWN

    @staticmethod
    def _operated(value: str, operator: str, operand: str, unset: bool) -> str:
        if operator in _DEFAULTS:
            return operand if unset else value
        if operator in _REQUIRED:
            return UNKNOWN if unset else value
        if operator == "%" and literal(operand) == "/*" and "/" in value:
            return value.rsplit("/", 1)[0]
        if operator == "%" and operand == "/":
            return value.removesuffix("/")
        if value == HOME and operator[0] in "/%#":
            return value  # a home is seldom made another place by cutting at it
        return operand if operator in {":+", "+"} and not unset else UNKNOWN

    def _command(self, node: Node, quoted: bool, _start: bool) -> str:
        printed = self.capture(node, self.state).rstrip("\n")
        return printed if quoted else printed.translate(SPLITTING)

    def _process(self, node: Node, _quoted: bool, _start: bool) -> str:
        return self.capture(node, self.state)

    def _arithmetic(self, node: Node, _quoted: bool, _start: bool) -> str:
        for found in substitutions(node):
            self.capture(found, self.state)
        return UNKNOWN

    def _array(self, node: Node, _quoted: bool, _start: bool) -> str:
        return BREAK.join(self.fields(node.named_children))

    _READERS: ClassVar[dict[str, Callable[[Words, Node, bool, bool], str]]] = {
        "string": _string,
        "raw_string": _raw,
        "ansi_c_string": _ansi,
        "concatenation": _concatenation,
        "simple_expansion": _simple,
        "expansion": _expansion,
        "command_substitution": _command,
        "process_substitution": _process,
        "arithmetic_expansion": _arithmetic,
        "array": _array,
    }
