"""Hints for a terminal, and as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from runner_env.text.decoding import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.hints import Hint


def hints_json(hints: Sequence[Hint]) -> str:
    """A JSON list of objects with `command` first; the surest first."""
    return json.dumps([dataclasses.asdict(hint) for hint in hints], indent=2) + "\n"


def render_hints(hints: Sequence[Hint]) -> str:
    """A line for each command with purpose, confidence and source; below it what has to be run before."""
    if not hints:
        return "No official command found.\n"
    width = min(60, max(len(printable(hint.command)) for hint in hints))
    return "".join(_entry(hint, width) for hint in hints)


def _entry(hint: Hint, width: int) -> str:
    command = " ".join(printable(hint.command).split("\n"))
    lines = [f"{command:<{width}}  {hint.purpose:<9}  {hint.confidence:.2f}  {printable(hint.source)}"]
    if hint.workdir:
        lines.append(f"    in {printable(hint.workdir)}")
    if hint.env:
        lines.append("    with " + " ".join(printable(f"{name}={value}") for name, value in hint.env.items()))
    lines += [f"    after {printable(command)}" for command in hint.prerequisites]
    return "\n".join(lines) + "\n"
