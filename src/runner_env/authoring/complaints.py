"""What an agent is told after a turn that was not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.authoring.brief import Purpose

if TYPE_CHECKING:
    from runner_env.authoring.authored import AttemptLog

_SHOWN_ONLY = """\
Your answer shows files, but you wrote none: nothing has changed on the disk. What stands in an answer does not count.
Use your tools to write the files."""
_NOTHING = "You have changed no file. Do the task now, with your tools."
_NO_CAUSE = "If the cause of the failure does not lie in the contract, change nothing, and say so again."
_ALL_REFUSED = "All that you changed was refused and has been undone, so the contract is what it was before."
_PROBLEMS = "The contract cannot be run yet; it has the problems below."
_REFUSED = """\
Some of your changes were refused and have been undone; the contract is used without them. If it needs them, find a way
that does not; if it does not, change nothing and say so."""


def complaint(purpose: Purpose, last: AttemptLog) -> str:
    """What to say first after a turn that was not enough; what is wrong in particular stands below it."""
    if last.problems:
        return _PROBLEMS
    if last.changed:
        return _REFUSED
    if last.serious:
        return _ALL_REFUSED
    lazy = _SHOWN_ONLY if "```" in last.text else _NOTHING
    return f"{lazy}\n{_NO_CAUSE}" if purpose is Purpose.REPAIR else lazy
