"""From a file of skill testing (config, case, list of mocks, frontmatter) to nodes with places, and on to plain values.

YAML is read as the contract is (YAML 1.2, places kept, repeated keys and merge keys refused); but whole numbers know
how they were written, because they may stand for text.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner_env.contract.document import Entry, Node, parse
from runner_env.contract.source import Source
from runner_env.core import Finding, Where
from runner_env.errors import ContractError, DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 64 << 20
"""Largest file that is read; real ones have kilobytes, an input of megabytes is fine."""


class WrittenInt(int):
    """A whole number that knows how it was written: `0123` as text is not `123`."""

    text: str

    @classmethod
    def of(cls, value: int, text: str) -> WrittenInt:
        """The number `value`, written `text`."""
        number = cls(value)
        number.text = text
        return number


def refusal(code: str, message: str, where: Where, hint: str | None = None) -> DefinitionError:
    """An error of one finding."""
    return DefinitionError([Finding(code, message, where, hint)])


def read_text(path: Path, file: str) -> str:
    """As `read_exactly`, but every line end is a line feed."""
    return with_line_feeds(read_exactly(path, file))


def with_line_feeds(text: str) -> str:
    """`text` with every line end a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_exactly(path: Path, file: str) -> str:
    """The text of `path` as it is; messages call it `file`.

    Raises:
        DefinitionError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"This could not be read: {error.strerror}."
        raise refusal("unreadable", message, Where(file), "Check the path and its permissions.") from error
    if len(data) > MAX_BYTES:
        raise refusal("too_large", f"The file is larger than {MAX_BYTES} bytes.", Where(file))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"Byte 0x{data[error.start]:02x} is not UTF-8."
        raise refusal("not_utf8", message, Where(file, line, 1), "Save the file as UTF-8.") from error


def yaml_root(text: str, file: str) -> Node | None:
    """The root node of a YAML text; None if the text is empty.

    Raises:
        DefinitionError: it is not one YAML document, or repeats a key.
    """
    try:
        return _without_merges(parse(Source(file, "", text.removeprefix("\ufeff"))))
    except DefinitionError:
        raise
    except ContractError as error:
        if error.code == "empty_contract":
            return None
        # These two have hints that are about contracts.
        plain_hint = {"too_deep": "Flatten it.", "too_many_values": "Split it over several files."}
        findings = [replace(found, hint=plain_hint.get(found.code, found.hint)) for found in error.findings]
        raise DefinitionError(findings) from error


def json_root(text: str, file: str) -> Node:
    """The root node of a JSON text; its nodes have no lines.

    Raises:
        DefinitionError: it is not JSON, repeats a key, or has a number that JSON does not have.
    """
    where = Where(file)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) < len(items):
            names = [name for name, _ in items]
            again = next(name for name in names if names.count(name) > 1)
            raise refusal("duplicate_key", f"The key `{again}` is given more than once.", where, "Keep one of them.")
        return value

    def constant(name: str) -> Any:  # noqa: ANN401 - as json has it
        raise refusal("bad_number", f"{name} is not a number that JSON has.", where, "Write a finite number.")

    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        place = Where(file, error.lineno, error.colno)
        raise refusal("json_syntax", f"This is not JSON: {error.msg}.", place) from error
    except RecursionError as error:
        raise refusal("too_deep", "This is nested too deeply.", where) from error
    return node_of(value, where)


def node_of(value: object, where: Where) -> Node:
    """A plain value (as of `json.loads`) as a node that says `where` for all of its parts."""
    if isinstance(value, dict):
        return Node({str(key): Entry(where, node_of(part, where)) for key, part in value.items()}, where)
    if isinstance(value, list | tuple):
        return Node(tuple(node_of(part, where) for part in value), where)
    if value is None or isinstance(value, str | bool | int | float):
        return Node(value, where, value if isinstance(value, str) else json.dumps(value))
    return Node(str(value), where, str(value))


def as_written(node: Node, texts: Mapping[str, Any]) -> Node:
    """`node` with the scalars at `texts` (names, nested as the mapping is) as text, just as they are written.

    `1.5` and `true` become text; null stays null.
    """
    if not isinstance(node.value, dict):
        return node
    entries = dict(node.value)
    for name, below in texts.items():
        if entry := entries.get(name):
            part = as_written(entry.node, below)
            if isinstance(part.value, bool | int | float):
                part = replace(part, value=part.text)
            entries[name] = Entry(entry.where, part)
    return replace(node, value=entries)


def plain(node: Node) -> Any:  # noqa: ANN401 - as json has it
    """The node's value in dicts and lists; whole numbers remember how they were written."""
    if isinstance(node.value, tuple):
        return [plain(item) for item in node.value]
    if isinstance(node.value, dict):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    if type(node.value) is int:
        return WrittenInt.of(node.value, node.text)
    return node.value


def _without_merges(node: Node) -> Node:
    """`node`, if it has no merge key (`<<`), which YAML 1.2 does not have and other readers would take for a name."""
    for entry in node.entries.values():
        _without_merges(entry.node)
    for item in node.items:
        _without_merges(item)
    if merge := node.entries.get("<<"):
        raise refusal("merge_key", "Merge keys (`<<`) are not accepted.", merge.where, "Write the keys out.")
    return node
