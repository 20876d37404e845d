"""JSON from outside, read strictly."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read_json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    r"""The one JSON value in `text`.

    Half a surrogate pair (`"\ud83d"`) becomes U+FFFD, because no encoder takes it.

    Raises:
        ValueError: not one JSON value; NaN and Infinity are none; nested too deeply.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
        return _without_halves(value) if "\\ud" in text or "\\uD" in text else value
    except RecursionError:
        raise ValueError("nested too deeply") from None


def repeated_key(text: str) -> str | None:
    """The first key that the JSON object in `text` itself, not one inside it, has twice."""
    seen: set[str] = set()
    for key, _ in json.loads(text, object_pairs_hook=list):
        if key in seen:
            return str(key)
        seen.add(key)
    return None


def one_line(value: object) -> bytes:
    """The value as one line of JSON, UTF-8, without the line's end.

    Raises:
        ValueError: a number in it is not finite.
    """
    # what cannot be encoded is escaped the way JSON itself does
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def whole_characters(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_halves(value: object) -> Any:  # noqa: ANN401 - as above
    return json.loads(whole_characters(json.dumps(value, ensure_ascii=False)))


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
