"""A piece of a document that may hold commands, and the commands in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a document sets commands apart from prose."""

    BLOCK = "block"
    INLINE = "inline"
    CELL = "cell"


@dataclass(frozen=True, slots=True)
class Block:
    """What a document sets in type for code.

    Attributes:
        text: its lines without the common indent.
        line: of its first line, from 1.
        kind: a block of its own, a piece of a sentence, or of a table's row.
        language: as the markup names it, lower case; empty: not named.
        headings: those it stands under, outermost first.
        context: the sentence before it, or the one it is part of.
    """

    text: str
    line: int
    kind: Kind
    language: str
    headings: tuple[str, ...]
    context: str


_SHELLS = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "bash sh shell shell-session shellsession console zsh terminal ksh fish session cli command commandline "
        "shellscript sh-session bashrc powershell ps1 pwsh cmd bat batch dos posh none text txt plain plaintext "
        "output prompt code $ > default raw sourcecode highlight"
    ).split()
)
_PROMPT = re.compile(
    r"^\s*(?:\([\w.+-]+\)\s*)?(?:[\w.-]+@[\w.-]+[:\s][^\s$#%>]*\s*|~?/?[\w./-]*\s?(?=[$%]\s))?(?:[$%❯➜]|PS>"
    r"|PS [A-Z]:[^>]*>|[A-Z]:\\[^>]*>)\s+(.*)$"
)
_TRANSCRIPTS = frozenset(("console", "session", "shell-session", "shellsession", "sh-session"))
_NOTEBOOKS = frozenset(("python", "ipython", "py"))
_NO_COMMANDS = re.compile(r"\s*(?:@\w+\s*\{|>>> )")  # BibTeX, doctests
_BANG = re.compile(r"^\s*[!%]{1,2}([a-z.].*)$")
_TREE = re.compile("[\u2500-\u257f]")


def shell_text(block: Block) -> str:
    """The commands of a block, without prompts and outputs; the lines of these are left empty. Empty: none."""
    lines = ["" if _TREE.search(line) else line for line in block.text.split("\n")]
    if _NO_COMMANDS.match(block.text):
        return ""
    if any(_PROMPT.match(line) for line in lines):
        return _transcript(lines, _PROMPT)
    if block.language in _NOTEBOOKS:
        return "\n".join(_banged(line) for line in lines)
    if block.language and block.language not in _SHELLS:
        return ""
    signs = (">", "#") if block.language in _TRANSCRIPTS else (">",)  # elsewhere `#` begins a comment
    sign = next((sign for sign in signs if _every_line(lines, sign)), "")
    return _transcript(lines, re.compile(rf"^\s*{sign}\s+(.*)$")) if sign else "\n".join(lines)


def _every_line(lines: list[str], sign: str) -> bool:
    """Whether every line begins with the sign and something that is no sentence."""
    stated = [line for line in lines if line.strip()]
    return bool(stated) and all(re.match(rf"\s*{sign} [a-z./]", line) for line in stated)


def _banged(line: str) -> str:
    match = _BANG.match(line)
    return match[1] if match else ""


def _transcript(lines: list[str], prompt: re.Pattern[str]) -> str:
    """Only what stands behind a prompt, with the continuation lines of it."""
    kept: list[str] = []
    going_on = False
    for line in lines:
        match = prompt.match(line)
        if match:
            kept.append(match[1])
        elif going_on:
            kept.append(re.sub(r"^\s*>\s", "", line))
        else:
            kept.append("")
        going_on = kept[-1].endswith("\\")
    return "\n".join(kept)
