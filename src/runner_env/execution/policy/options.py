"""What a policy is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.core import Where


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """The settings of one policy, from the `security` section of a contract or the operator.

    Attributes:
        mode: `safe` refuses administration of the machine (sudo, dd, shutdown…), `system` allows it; the hard deny
            holds in both.
        allowlist: if not empty, a command line must match at least one of these patterns; scripts are exempt.
        denylist: a command that matches one of these patterns is refused, in a command line and in scripts.
            Patterns are case-insensitive regular expressions that are searched; an invalid one is taken literally.
        unattended: `strict` refuses commands that would wait for a person; `guided` allows them.
    """

    mode: str = "safe"
    allowlist: tuple[str, ...] = ()
    denylist: tuple[str, ...] = ()
    unattended: str = "strict"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is not started.

    Attributes:
        code: one of empty_command, blocked_by_hard_deny, blocked_by_safe_mode, blocked_by_denylist,
            blocked_by_allowlist, interactive_command, unreadable_script, script_too_large, unparsable_command.
        message: what was found and what to do instead, for a person.
        where: script, line and column, if the cause lies in a script that the command starts; the script is POSIX,
            relative to the repository.
        pattern: the rule's name, or the user's regular expression.
    """

    code: str
    message: str
    where: Where | None
    pattern: str | None
