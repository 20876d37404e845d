"""Records as JSON: fields in the order in which the record declares them, its format's name first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner_env.formats.plain import plain

if TYPE_CHECKING:
    from runner_env.formats.record import RunRecord


def dumps(record: RunRecord) -> str:
    """What `runner-env run --json` prints: one object, format `runner-env/run-record@1`, ended by a newline."""
    return json_text(record)


def json_text(value: object) -> str:
    """Any dataclass that has a `format`, as one object on indented lines; only ASCII, so that every terminal takes it.

    Raises:
        TypeError: it is no such dataclass, or a value in it has no form in JSON.
        ValueError: NaN or an infinity is in it.
    """
    fields = plain(value)
    if not isinstance(fields, dict) or "format" not in fields:
        raise TypeError(f"{type(value).__name__} has no format")
    return json.dumps({"format": fields.pop("format"), **fields}, indent=2, allow_nan=False) + "\n"
