"""The JSON objects in a text, found in one pass whatever the text is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_MALFORMED = 200
"""So many malformed objects are told apart; each costs the parser a look at all that is before it."""

_LOOKS_LIKE_JSON = re.compile(r'\{\s*(?:"|\}|\Z)')


@dataclass(frozen=True, slots=True)
class Found:
    """One object.

    Attributes:
        value: the object; None: it looks like one but is malformed or cut off.
        text: as it stands in the text.
    """

    value: dict[str, Any] | None
    text: str


def find_objects(text: str) -> Iterator[Found]:
    """The objects in `text` that are not inside another one, in order; those in a list or in prose count.

    A brace that does not begin a JSON object (`{name}`) is prose. Something that begins like an object but is none is
    reported as malformed as a whole, up to its closing brace or the end: what is inside it must not pass for a whole
    object. For a key that occurs twice the last value counts. NaN and Infinity are no JSON.
    """
    decoder = json.JSONDecoder(parse_constant=_refuse)
    malformed = 0
    position = text.find("{")
    while position >= 0:
        end = position + 1
        if _LOOKS_LIKE_JSON.match(text, position):
            try:
                value, end = decoder.raw_decode(text, position)
            except (ValueError, RecursionError):
                malformed += 1
                value, end = None, _closing_brace(text, position) if malformed < _MOST_MALFORMED else len(text)
            yield Found(value, text[position:end])
        position = text.find("{", end)


def _closing_brace(text: str, position: int) -> int:
    """Just behind the brace that closes the one at `position`, by counting braces; the end if none does."""
    depth = 0
    for match in re.compile("[{}]").finditer(text, position):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    return len(text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
