"""A repository's stated commands, as the variables by which the model stages get them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner_env.contract import variables as v
from runner_env.guest.programs.hints import MOST_HINTS, anchors_of, shell_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_env.hints import Hint

MAX_BYTES = 64 << 10
"""The kernel takes variables of up to 128 KiB, and no command at all with a longer one."""


def hint_variables(hints: Sequence[Hint]) -> Mapping[str, str]:
    """`AIDER_FSM_HINTS_JSON` and `AIDER_FSM_HINT_ANCHORS_JSON`; nothing without hints.

    Each command is one text: the folder that it is to be run in and the variables set for it stand before it, what has
    to be run before it is left to the contract's bootstrap.
    """
    commands = [shell_line(hint.command, hint.workdir, hint.env) for hint in hints[:MOST_HINTS]]
    while commands and len(json.dumps(commands)) > MAX_BYTES:
        commands.pop()
    if not commands:
        return {}
    return {
        v.AIDER_FSM_HINTS_JSON: json.dumps(commands),
        v.AIDER_FSM_HINT_ANCHORS_JSON: json.dumps(anchors_of(commands)),
    }
