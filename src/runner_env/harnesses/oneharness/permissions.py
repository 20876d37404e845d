"""What a harness is told about what its agent may do. Pure.

It is a first fence, as far as the agent program has one: claude-code and opencode keep to globs; codex, which works by
commands alone, to its directory, unless a box already contains it; the others can be told nothing finer than a mode.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.harnesses.model import Opening

_READING = ("read-only", "plan", "default")
_WRITING = ("edit", "auto", "bypass", "default")
_RUNNING = ("bypass", "auto", "edit", "default")


@dataclass(frozen=True, slots=True)
class Permissions:
    """How a turn is started, so that its agent may do what it is to do.

    Attributes:
        mode: oneharness's approval mode.
        arguments: for the agent program itself.
        variables: for its environment.
    """

    mode: str
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def permissions(harness: str, opening: Opening, modes: Sequence[str], *, contained: bool) -> Permissions:
    """What to tell `harness`, whose approval modes are `modes`, for a session that is opened so.

    Args:
        harness: as oneharness names it.
        opening: the session.
        modes: the approval modes that oneharness can ask for.
        contained: whether the program runs in a box that contains it.
    """
    if harness == "claude-code":
        return Permissions("default", _claude(opening))
    if harness == "opencode":
        # in mode `edit`, oneharness would replace the configuration by one that allows every edit
        return Permissions("default", variables={"OPENCODE_PERMISSION": json.dumps(_opencode(opening))})
    if harness == "codex" and opening.writable:
        # its own sandbox cannot be set up within another one
        return Permissions("bypass" if contained else "auto")
    wanted = _RUNNING if opening.shell else _WRITING if opening.writable else _READING
    return Permissions(next((mode for mode in wanted if mode in modes), "default"))


def _claude(opening: Opening) -> tuple[str, ...]:
    """Rules of Claude Code, which refuses in mode `default` what none allows. Where it works, paths begin with `/`."""
    allowed = [f"Edit(/{glob})" for glob in opening.writable]
    if opening.shell:
        return ("--allowedTools", "Bash", *allowed)
    return (*(["--allowedTools", *allowed] if allowed else []), "--disallowedTools", "Bash")


def _opencode(opening: Opening) -> dict[str, object]:
    """Rules of OpenCode, of which the last that matches counts."""
    return {
        "edit": {"*": "deny", **dict.fromkeys(opening.writable, "allow")},
        "bash": "allow" if opening.shell else "deny",
        "webfetch": "deny",
        "external_directory": "deny",
    }
