"""What simple programs print, when that can be told from their arguments and input alone."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from typing import TYPE_CHECKING

from runner_env.execution.policy.hard import find_starts, is_narrowed
from runner_env.execution.policy.invocation import Invocation
from runner_env.execution.policy.markers import FETCHED, UNKNOWN, cleaned, literal, unsure
from runner_env.execution.policy.safe import DOWNLOADERS
from runner_env.execution.policy.words import unescape_ansi

if TYPE_CHECKING:
    from collections.abc import Callable

_SILENT = frozenset(
    (
        "cd",
        ":",
        "true",
        "set",
        "shift",
        "export",
        "alias",
        "unset",
        "shopt",
        "mkdir",
        "touch",
        "chmod",
        "rm",
        "trap",
        "exit",
        "read",
    )
)
_DIRECTIVE = re.compile(r"%(?:%|[-+ #0-9.]*([a-zA-Z]))")


def _echo(inv: Invocation) -> str:
    words = list(inv.args)
    flags = ""
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags += words.pop(0)
    text = literal(" ".join(words))
    return (unescape_ansi(text) if "e" in flags else text) + ("" if "n" in flags else "\n")


def _printf(inv: Invocation) -> str:
    words = list(inv.args[1:] if inv.args[:1] == ("--",) else inv.args)
    if not words or words[0] == "-v":
        return ""
    pattern, values = unescape_ansi(literal(words[0])), [literal(word) for word in words[1:]]
    wanted = sum(1 for match in _DIRECTIVE.finditer(pattern) if match[1])
    rounds = min(max(1, -(-len(values) // wanted)), 64) if wanted else 1
    remaining = iter(values)

    def fill(match: re.Match[str]) -> str:
        if not match[1]:
            return "%"
        value = next(remaining, "")
        return unescape_ansi(value) if match[1] == "b" else value

    return "".join(_DIRECTIVE.sub(fill, pattern) for _ in range(rounds))


def _cat(inv: Invocation) -> str:
    return inv.feed or "" if not inv.operands or inv.operands == ["-"] else UNKNOWN


def _base64(inv: Invocation) -> str:
    text = inv.feed if not inv.operands else None
    if not text or unsure(text) or not (inv.has_short("dD") or inv.has_long("decode", 1)):
        return _filter(inv)
    try:
        return cleaned(base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace"))
    except (binascii.Error, ValueError):
        return UNKNOWN


def _rev(inv: Invocation) -> str:
    return "\n".join(line[::-1] for line in (inv.feed or "").split("\n")) if not inv.operands else UNKNOWN


def _tr(inv: Invocation) -> str:
    sets = [word.lower() for word in inv.operands]
    rot13 = sets in (["a-za-z", "n-za-mn-za-m"], ["a-z", "n-za-m"])
    return codecs.encode(inv.feed, "rot13") if rot13 and inv.feed and not unsure(inv.feed) else _filter(inv)


def _find(inv: Invocation) -> str:
    return UNKNOWN if is_narrowed(inv.args) else "\n".join(find_starts(inv)) + "\n"


def _dirname(inv: Invocation) -> str:
    path = inv.operands[-1] if inv.operands else ""
    if not path or unsure(path[:1]):
        return UNKNOWN
    return (path.rstrip("/").rsplit("/", 1)[0] or "/" if "/" in path.rstrip("/") else ".") + "\n"


def _basename(inv: Invocation) -> str:
    return inv.operands[0].rstrip("/").rsplit("/", 1)[-1] + "\n" if len(inv.operands) == 1 else UNKNOWN


def _path(inv: Invocation) -> str:
    return inv.operands[-1] + "\n" if inv.operands and not unsure(inv.operands[-1][:1]) else UNKNOWN


def _git(inv: Invocation) -> str:
    return f"{inv.root}\n" if inv.args[:2] == ("rev-parse", "--show-toplevel") else UNKNOWN


def _filter(inv: Invocation) -> str:
    return FETCHED if inv.feed and FETCHED in inv.feed else UNKNOWN


_PRINTERS: dict[str, Callable[[Invocation], str]] = {
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "tee": lambda inv: inv.feed or "",
    "pwd": lambda inv: f"{inv.cwd}\n" if inv.cwd else UNKNOWN,
    "base64": _base64,
    "rev": _rev,
    "tr": _tr,
    "find": _find,
    "dirname": _dirname,
    "basename": _basename,
    "realpath": _path,
    "readlink": _path,
    "git": _git,
    **dict.fromkeys(_SILENT, lambda _inv: ""),
}


def printed(inv: Invocation) -> str:
    """What `inv` prints: text that may contain UNKNOWN, or FETCHED for what a download gave."""
    return FETCHED if inv.name in DOWNLOADERS else _PRINTERS.get(inv.name, _filter)(inv)
