"""From YAML 1.2 text to a tree of nodes that know their places.

`ruamel.yaml` supplies the events; composing and typing are done here, because only then is every key placed, every
repetition counted before it costs anything, and every plain scalar typed by the core schema of YAML 1.2.2 (section
10.3.2): `on` is text, `010` is ten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner_env.contract.places import Lines, file_order, refusal, shown
from runner_env.core import Finding, Where
from runner_env.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner_env.contract.source import Source

MAX_NODES = 5_000
"""Nodes in a document, counted as often as aliases repeat them."""
MAX_DEPTH = 32
_MAX_DIGITS = 64

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_STR_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a mapping, with the place of its key."""

    where: Where
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it begins.

    Attributes:
        value: a scalar typed by the core schema, the items of a sequence, or the entries of a mapping.
        where: its first character.
        text: a scalar as written, without quotes.
        weight: nodes in it, itself included, as often as aliases repeat them.
    """

    value: Scalar | tuple[Node, ...] | Mapping[str, Entry]
    where: Where
    text: str = ""
    weight: int = 1

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a sequence; of anything else none."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The entries of a mapping; of anything else none."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, key: str) -> Node | None:
        """The value under `key`; None if it is absent or null."""
        entry = self.entries.get(key)
        return None if entry is None or entry.node.value is None else entry.node

    def where_of(self, key: str) -> Where:
        """The place of `key`, or of this node if it has no such key."""
        entry = self.entries.get(key)
        return entry.where if entry else self.where

    def plain(self) -> object:
        """The value with plain dicts and lists in place of nodes."""
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        return self.value


class _Mark(Protocol):
    index: int


class _Event(Protocol):
    """What of the events of `ruamel.yaml` is looked at; each kind has only some of it."""

    start_mark: _Mark
    anchor: str
    tag: object
    tags: object
    version: tuple[int, ...] | None
    value: str
    style: str | None


@dataclass(slots=True)
class _Open:
    """A collection that is being read."""

    where: Where
    anchor: str | None
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Node | None = None
    weight: int = 1


def parse(source: Source) -> Node:
    """The root node of `source`.

    Raises:
        ContractError: it is not one YAML 1.2 document, it is empty, too large, too deep, or repeats a key.
    """
    return _Composer(source).compose()


class _Composer:
    def __init__(self, source: Source) -> None:
        self._text = source.text
        self._lines = Lines(source.text)
        self._file = source.file
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._root: Node | None = None
        self._documents = 0
        self._findings: list[Finding] = []

    def compose(self) -> Node:
        for event in self._events():
            self._take(type(event).__name__, event)
        if self._root is None or (self._root.value is None and not self._root.text):
            raise refusal("empty_contract", "The file is empty.", Where(self._file, 1, 1), "Begin with `version: 1`.")
        if self._findings:
            raise ContractError(sorted(self._findings, key=file_order))
        return self._root

    def _events(self) -> Iterator[_Event]:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError

        try:
            yield from YAML(typ="safe", pure=True).parse(self._text)
        except MarkedYAMLError as error:
            unclosed = "end of stream" in (error.problem or "")
            mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
            raise self._syntax_problem(error.problem, mark) from error
        except ContractError:
            raise
        except Exception as error:  # broad: the scanner lets ValueError, IndexError and others out on malformed escapes
            raise self._syntax_problem(str(error).partition("\n")[0] or type(error).__name__, None) from error

    def _syntax_problem(self, problem: str | None, mark: _Mark | None) -> ContractError:
        where = self._place(mark) if mark else Where(self._file, 1, 1)
        if mark and self._text[mark.index : mark.index + 1] == "\t":
            hint = "Indent with spaces."
            return refusal("tab_indentation", "A tab stands where YAML allows only spaces.", where, hint)
        return refusal("yaml_syntax", f"This is not YAML: {_plainly(problem)}.", where, _hint(problem))

    def _place(self, mark: _Mark) -> Where:
        return Where(self._file, *self._lines.place(mark.index))

    def _take(self, kind: str, event: _Event) -> None:
        match kind:
            case "DocumentStartEvent":
                self._start_document(event)
            case "ScalarEvent":
                self._add(self._scalar(event), event.anchor)
            case "AliasEvent":
                self._add(self._alias(event), None)
            case "SequenceStartEvent" | "MappingStartEvent":
                self._open(event, is_mapping=kind == "MappingStartEvent")
            case "SequenceEndEvent" | "MappingEndEvent":
                self._close()

    def _start_document(self, event: _Event) -> None:
        self._documents += 1
        if self._documents > 1:
            message, hint = "A second document begins here.", "Keep one document in the file."
            raise refusal("several_documents", message, self._place(event.start_mark), hint)
        if event.tags or (event.version and tuple(event.version) != (1, 2)):
            message = "Only the directive `%YAML 1.2` is accepted."
            raise refusal(
                "yaml_directive", message, self._place(event.start_mark), "Delete the line that begins with %."
            )

    def _open(self, event: _Event, *, is_mapping: bool) -> None:
        where = self._place(event.start_mark)
        if event.tag is not None:
            raise self._tag_problem(event)
        if len(self._stack) >= MAX_DEPTH:
            message = f"This is nested more than {MAX_DEPTH} levels deep."
            raise refusal("too_deep", message, where, "A contract needs four; flatten it.")
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(where, event.anchor, is_mapping))

    def _close(self) -> None:
        done = self._stack.pop()
        value = done.entries if done.is_mapping else tuple(done.items)
        self._add(Node(value, done.where, weight=done.weight), done.anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        parent.weight += node.weight
        # The open collections hold disjoint parts of the document, so their sum is its weight so far.
        if sum(level.weight for level in self._stack) > MAX_NODES:
            message = f"The document has more than {MAX_NODES} values, counting those that aliases repeat."
            raise refusal("too_many_values", message, node.where, "Write fewer aliases, or none.")
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            self._put(parent, parent.key, node)
            parent.key = None

    def _put(self, parent: _Open, key: Node, node: Node) -> None:
        if not isinstance(key.value, str):
            message = f"A key must be text, not {shown(key.text) if key.text else 'a list, a mapping or nothing'}."
            self._findings.append(Finding("bad_key", message, key.where, "Put it in quotes."))
        elif key.value in parent.entries:
            first = parent.entries[key.value].where
            message = f"The key {shown(key.value)} was already given at {first}."
            self._findings.append(Finding("duplicate_key", message, key.where, "Delete one of the two."))
        else:
            parent.entries[key.value] = Entry(key.where, node)

    def _alias(self, event: _Event) -> Node:
        where, name = self._place(event.start_mark), shown(event.anchor)
        if event.anchor not in self._anchors:
            message, hint = (
                f"No anchor {name} was defined before this alias.",
                "Text that begins with * must be in quotes.",
            )
            raise refusal("unknown_alias", message, where, hint)
        node = self._anchors[event.anchor]
        if node is None:
            message, hint = f"The alias {name} stands inside the value it repeats.", "Write the value out."
            raise refusal("recursive_alias", message, where, hint)
        return node

    def _scalar(self, event: _Event) -> Node:
        where, text = self._place(event.start_mark), event.value
        if event.tag is not None and event.tag not in _STR_TAGS:
            raise self._tag_problem(event)
        if re.search("[\0\ud800-\udfff]", text):
            message, hint = "This text contains a NUL character or half a surrogate pair.", "Delete the escape."
            raise refusal("bad_character", message, where, hint)
        if event.tag is not None or event.style:
            return Node(text, where, text)
        return Node(_typed(text, where), where, text)

    def _tag_problem(self, event: _Event) -> ContractError:
        message = f"The tag {shown(str(event.tag))} is not accepted; only !!str is."
        return refusal("yaml_tag", message, self._place(event.start_mark), "Delete the tag.")


def _typed(text: str, where: Where) -> Scalar:
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    is_int = _INT.fullmatch(text)
    if not is_int and not _FLOAT.fullmatch(text):
        return text
    if len(text) > _MAX_DIGITS:
        raise refusal(
            "bad_number", f"This number has more than {_MAX_DIGITS} digits.", where, "Quote it if it is text."
        )
    if is_int:
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _plainly(problem: str | None) -> str:
    return shown((problem or "syntax error").replace("'<stream end>'", "the end of the file"))[1:-1]


def _hint(problem: str | None) -> str | None:
    if problem and "end of stream" in problem:
        return "The quote or bracket that begins here is not closed."
    if problem and "mapping values are not allowed" in problem:
        return "Text that contains `: ` must be in quotes."
    if problem and "cannot start any token" in problem:
        return "Put the text in quotes."
    if problem and "expected ',' or" in problem:
        return "Is a bracket not closed, or a comma missing, above here?"
    return "Look at the indentation and the quotes here and in the line above."
