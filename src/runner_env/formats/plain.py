"""From the values inside to what JSON has, without losing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path

_FIELDS: dict[type, tuple[str, ...] | None] = {}


def plain(value: object) -> object:
    """Turn dataclasses into objects, enumerations into their values, paths into text and sequences into lists.

    Raises:
        TypeError: a value that has no form in JSON.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float)):
        return value
    names = _fields_of(type(value))
    if names is not None:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _fields_of(kind: type) -> tuple[str, ...] | None:
    """The names of a dataclass's fields, looked up once; None for any other class."""
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None
    return _FIELDS[kind]
