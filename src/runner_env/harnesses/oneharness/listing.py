"""What the installed oneharness says that it can drive. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner_env.harnesses.claims import Invalid
from runner_env.text.jsontext import read_json

_VERSION = re.compile(r"\d+\.\d+\S*")


@dataclass(frozen=True, slots=True)
class Ability:
    """What oneharness can do with one harness.

    Attributes:
        program: the executable that it looks for.
        modes: the approval modes that it can ask for.
        resumes: whether a session can be continued, if the harness has given its handle.
    """

    program: str
    modes: tuple[str, ...]
    resumes: bool


def read_listing(text: str) -> Mapping[str, Ability]:
    """The harnesses in what `oneharness list --format json` printed, by name.

    Raises:
        ValueError: it is no such listing.
    """
    listed = read_json(text)
    harnesses = listed.get("harnesses") if isinstance(listed, dict) else None
    if not isinstance(harnesses, list):
        raise Invalid("missing list `harnesses`")
    return {_text(item, "id"): _ability(item) for item in harnesses}


def read_version(text: str) -> str:
    """The version in a line like `codex-cli 0.169.0`; the line itself if there is none in it."""
    found = _VERSION.search(text)
    return found[0] if found else text.strip()


def read_detected(text: str) -> str:
    """The version of the one harness in what `oneharness detect --format json` printed; empty if it is not known."""
    try:
        detected = read_json(text)["detected"][0]
        return read_version(_text(detected, "version"))
    except (ValueError, LookupError, TypeError):
        return ""


def _ability(item: Any) -> Ability:  # noqa: ANN401 - any JSON value
    modes = item.get("modes")
    if not isinstance(modes, list):
        raise Invalid("missing list `modes`")
    return Ability(
        _text(item, "default_bin"), tuple(_text(mode, "mode") for mode in modes), item.get("supports_resume") is True
    )


def _text(item: Any, name: str) -> str:  # noqa: ANN401 - any JSON value
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, str):
        raise Invalid(f"missing text `{name}`")
    return value
