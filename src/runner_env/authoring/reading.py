"""Manifests, read without trust: what cannot be read says nothing."""

from __future__ import annotations

import configparser
import json
import tomllib
from typing import TYPE_CHECKING, Any

from runner_env.hints.reading import read_text

if TYPE_CHECKING:
    from pathlib import Path


def toml(root: Path, name: str, most: int = 1 << 20) -> dict[str, Any]:
    """A TOML file; empty if there is none, or none that can be read."""
    try:
        return tomllib.loads(read_text(root, name, most) or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def json_object(root: Path, name: str) -> dict[str, Any]:
    """A JSON object; empty if there is none, or none that can be read."""
    try:
        found = json.loads(read_text(root, name) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def ini(text: str) -> configparser.RawConfigParser:
    """An INI file; empty if it cannot be read."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return configparser.RawConfigParser()
    return parser


def table(value: object, *keys: str) -> dict[str, Any]:
    """A table inside a table; empty if it is not there, or no table."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def texts(value: object) -> list[str]:
    """The texts of a list; none if it is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
