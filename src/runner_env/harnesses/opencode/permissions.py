"""What an agent may do, as OpenCode's rules for one session: the last that matches decides, after the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.harnesses.model import Opening

_LOOKING = ("read", "list", "glob", "grep", "lsp", "todowrite", "todoread")
_SECRETS = ("*.env", "*.env.*")

Rule = dict[str, str]


def session_rules(opening: Opening) -> list[Rule]:
    """The rules for a session.

    Nothing is asked: what is not allowed is refused at once, and the agent is told so. What OpenCode cannot refuse (a
    link that leads out of a writable folder, commands that write) is for whoever looks at the files.
    """
    return [{"permission": name, "pattern": pattern, "action": action} for name, pattern, action in _rules(opening)]


def _rules(opening: Opening) -> Iterator[tuple[str, str, str]]:
    yield "*", "*", "deny"
    yield from ((name, "*", "allow") for name in _LOOKING)
    yield from (("read", pattern, "deny") for pattern in _SECRETS)
    yield from (("edit", pattern, "allow") for pattern in opening.writable)
    if opening.shell:
        yield "bash", "*", "allow"
        yield "external_directory", "*", "allow"  # or else a command that names a path outside is not run at all
