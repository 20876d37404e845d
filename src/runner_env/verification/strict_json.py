"""JSON (RFC 8259) without what makes two readers disagree: no duplicate keys, no NaN, no number beyond a double."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from runner_env.targets.inside import shown

MAX_DEPTH = 100
"""Levels of nesting; deeper values trip the recursion limits of whoever handles them later."""

_MAX_NUMBER = 1000
_MAX_SHOWN = 80
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]]', re.DOTALL)
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)

# Only the beginning: what a reader took for a number may have anything behind it.
_CONSTANT = re.compile(r"NaN|-?Infinity")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_SHOW = json.JSONEncoder(ensure_ascii=False)
_HINTS = {
    "json_not_utf8": "save the file as UTF-8",
    "json_empty": "write a JSON object",
    "json_invalid": "write the file with a JSON library, not by hand",
    "json_too_deep": "flatten the value, or keep details in another file",
    "duplicate_key": "keep one of the two",
    "number_not_finite": "write a finite number; json.dumps(value, allow_nan=False) refuses NaN where it arises",
    "number_too_large": "write a finite number, or a string if it is an identifier",
}


class Refused(ValueError):
    """JSON that Python would read, but that must not be read."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class JsonTrouble(Exception):
    """Why a document cannot be used, and where; `line` and `column` count from 1, None if unknown."""

    def __init__(self, code: str, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.hint = _HINTS.get(code)


def clipped(value: object) -> str:
    """`value` as JSON has it, control characters and lone surrogates escaped, at most 80 characters."""
    text = ""
    # Piece by piece, because a hostile value may be far larger or deeper than what is shown of it.
    for piece in _SHOW.iterencode(value[: _MAX_SHOWN + 1] if isinstance(value, str) else value):
        text += shown(piece[: _MAX_SHOWN + 1])
        if len(text) > _MAX_SHOWN:
            return text[: _MAX_SHOWN - 1] + "…"
    return text


def json_type(value: object) -> str:
    """What JSON calls a value read by `json`, with its article."""
    names = {bool: "a boolean", str: "a string", list: "an array", dict: "an object", type(None): "null"}
    return names.get(type(value), "a number")


def described(value: object) -> str:
    """A value for a message, with what it is."""
    return "null" if value is None else f"{json_type(value)} ({clipped(value)})"


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` that refuses an object with a key twice."""
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Refused("duplicate_key", f"the key {clipped(twice)} appears twice")
    return value


def no_constant(token: str) -> float:
    """A `parse_constant` hook that refuses NaN and the infinities."""
    raise Refused("number_not_finite", f"{token} is not a JSON number")


def parse_document(data: bytes) -> object:
    """The value of a whole document: strict UTF-8, with or without byte order mark.

    Args:
        data: the bytes of the file.

    Returns:
        What `json` makes of it; `-0` is the float -0.0, so that its sign is not lost.

    Raises:
        JsonTrouble: `json_not_utf8`, `json_empty`, `json_invalid`, `json_too_deep`, `duplicate_key`,
            `number_not_finite`, `number_too_large`.
    """
    text = _decoded(data)
    if not text.strip(" \t\r\n"):
        raise JsonTrouble("json_empty", "The file is empty.", 1, 1)
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_depth(text)
    try:
        value: object = _DOCUMENT.decode(text)
    except Refused as refused:
        raise _Locator(text).find() or JsonTrouble(refused.code, f"{refused.reason}.") from refused
    except json.JSONDecodeError as error:
        raise JsonTrouble(
            "json_invalid", f"Not JSON: {error.msg.removesuffix(' at')}.", error.lineno, error.colno
        ) from error
    return value


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        start = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[start : error.start].decode("utf-8")) + 1
        message = f"Not UTF-8: {error.reason}, byte 0x{data[error.start]:02x}."
        raise JsonTrouble("json_not_utf8", message, line, column) from error


def _number(token: str) -> float:
    start = token if len(token) <= _MAX_SHOWN else f"{token[:20]}…"
    if len(token) > _MAX_NUMBER:
        raise Refused("number_too_large", f"the number {start} has more than {_MAX_NUMBER} characters")
    value = float(token)
    if math.isinf(value):
        raise Refused("number_too_large", f"the number {start} is too large for a double")
    return value


def _integer(token: str) -> int | float:
    value = _number(token)
    return value if token == "-0" else int(token)  # int has no negative zero, and a score of -0 is not 0


_DOCUMENT = json.JSONDecoder(
    object_pairs_hook=without_duplicates, parse_constant=no_constant, parse_float=_number, parse_int=_integer
)


def place_of(data: bytes, key: str) -> tuple[int, int] | None:
    """Line and column of the value under a top-level key; None if there is no such key.

    Args:
        data: a document that `parse_document` accepts, and that is an object.
        key: the key, without escapes.
    """
    text, depth, before, wanted = _decoded(data), 0, "", False
    for match in _TOKENS.finditer(text):
        token = match[0]
        if wanted and token != ":":
            return _position(text, match.start())
        if depth == 1 and before in ("{", ",") and token.startswith('"'):
            wanted = json.loads(token) == key
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token, 0)
        before = token
    return None


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _refuse_depth(text: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        token = match[0]
        depth += 1 if token in "{[" else -1 if token in "}]" else 0
        if depth > MAX_DEPTH:
            raise JsonTrouble("json_too_deep", f"Nested over {MAX_DEPTH} levels deep.", *_position(text, match.start()))


@dataclass(slots=True)
class _Level:
    keys: dict[str, int] | None
    key: str | None = None


@dataclass
class _Locator:
    """Finds the first thing that a hook refuses; hooks are not told where they are."""

    text: str
    _levels: list[_Level] = field(default_factory=list)

    def find(self) -> JsonTrouble | None:
        before = ""
        for match in _TOKENS.finditer(self.text):
            token = match[0]
            trouble = self._step(token, match.start(), before)
            if trouble:
                return trouble
            before = token
        return None

    def _step(self, token: str, offset: int, before: str) -> JsonTrouble | None:
        if token in "{[":
            self._levels.append(_Level({} if token == "{" else None))
        elif token in "}]":
            self._levels[-1:] = []
        elif token.startswith('"'):
            return self._string(token, offset, before)
        elif token not in ":,":
            return self._literal(token, offset)
        return None

    def _string(self, token: str, offset: int, before: str) -> JsonTrouble | None:
        level = self._levels[-1] if self._levels else _Level(None)
        if level.keys is None or before not in ("{", ","):
            return None
        key = level.key = str(json.loads(token))
        if key not in level.keys:
            level.keys[key] = offset
            return None
        line, _ = _position(self.text, level.keys[key])
        message = f"The key {clipped(key)} appears twice in one object, first in line {line}."
        return JsonTrouble("duplicate_key", message, *_position(self.text, offset))

    def _literal(self, token: str, offset: int) -> JsonTrouble | None:
        try:
            if match := _CONSTANT.match(token):
                no_constant(match[0])
            if match := _NUMBER.match(token):
                _number(match[0])
        except Refused as refused:
            key = next((level.key for level in reversed(self._levels) if level.key is not None), None)
            place = "" if key is None else f" (key {clipped(key)})"
            return JsonTrouble(refused.code, f"{refused.reason}{place}.", *_position(self.text, offset))
        return None
