"""How a contract came to be, in a line for each time that somebody wrote or changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.core import Usage
from runner_env.reporting.words import one_line, seconds, usage_words

if TYPE_CHECKING:
    from runner_env.formats.record import AuthoringRecord

_DONE = {"scaffold": "written", "repair": "repaired"}
_BECAME = {True: "kept", False: "not kept", None: "on trial"}


def authoring_line(one: AuthoringRecord) -> str:
    """Who it was, what it took, what became of it: `written by opencode (model m), 2 turns, 41.2 s; kept`."""
    who = one.harness or one.author
    model = f" (model {one.model})" if one.model else ""
    parts = [f"{_DONE[one.purpose]} by {who}{model}"]
    if one.turns:
        parts.append("1 turn" if len(one.turns) == 1 else f"{len(one.turns)} turns")
    if one.duration_s:
        parts.append(seconds(one.duration_s))
    if used := usage_words(Usage.total(turn.usage for turn in one.turns)):
        parts.append(used)
    if refused := len({path for turn in one.turns for path in turn.refused}):
        parts.append(f"{refused} changes refused" if refused > 1 else "1 change refused")
    after = f" after run {one.after}" if one.after else ""
    why = f": {one.reason}" if one.reason else ""
    return one_line(f"{', '.join(parts)}{after}; {_BECAME[one.accepted]}{why}", 400)
