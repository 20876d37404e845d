"""Which lines only quote an output: Markdown, echoed commands, files that were shown, a README's promise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FENCE = re.compile(rb"^ {0,3}(?:```+|~~~+)[^\n`]{0,40}$", re.MULTILINE)
MOST_FENCED = 2000
"""A longer stretch between two fences is no code block."""

_VENV = r"(?:\([\w.-]+\) ?)?"
_PROMPT = re.compile(
    rf"(?P<prompt>\++ |{_VENV}[$%#] |{_VENV}[\w.-]+@[\w.-]+:[^\s$#]{{0,200}}[$#] |Run |> )(?P<command>\S.*)"
)
_BARE = re.compile(r"(?:cat|head|tail|type|less|more) (?:-\S+ |\d+ )*[\w./~\\-]+|(?:echo|printf) .+|@?echo .+")
_SHOWS = frozenset(
    [
        "cat",
        "head",
        "tail",
        "grep",
        "egrep",
        "rg",
        "zcat",
        "sed",
        "awk",
        "less",
        "more",
        "bat",
        "type",
        "jq",
        "diff",
        "git",
        "curl",
        "wget",
        "nl",
        "strings",
        "Get-Content",
        "gh",
    ]
)
_SAYS = frozenset(("echo", "printf", "@echo", "print", "Write-Host", "Write-Output"))
_HARMLESS = frozenset(
    ("wc", "sort", "uniq", "true", "cd", "tee", "cut", "tr", "column", "ls", "set", "exit", "test", "[", ":")
)
_INTRO = re.compile(
    r"(?:.{0,200}\b(?:should (?:see|print|look|output|produce|show|get|end)|expected output|(?:example|sample)"
    r"(?: of)?(?: the)?"
    r"(?: test| program| expected)? output|output (?:looks?|should|will|is|of)|looks? (?:something |a bit )?like"
    r"|you(?:'ll| will) (?:see|get)"
    r"|for example|will print|prints?|previous(?:ly)? (?:run|result|output)s?|last (?:run|time)|output from"
    r"|result from|model (?:output|response)"
    r"|(?:the )?(?:model|assistant|agent|completion|response|answer|prompt) ?(?:said|says|wrote|replied"
    r"|output)?)\b.{0,60}:\s*)",
    re.IGNORECASE,
)
_STEP = re.compile(r"[;&|]{1,2}")


class Quotes:
    """Says of each line, in their order, whether it is a quotation.

    Args:
        fences: numbers of the lines that open or close a fenced block; an odd one out fences nothing.
    """

    def __init__(self, fences: Sequence[int] = ()) -> None:
        self._fenced = [
            (opening, closing)
            for opening, closing in zip(fences[::2], fences[1::2])  # noqa: B905 - the odd one out is dropped on purpose
            if closing - opening <= MOST_FENCED
        ]
        self._fenced.reverse()
        self._said: list[str] = []
        self._shown: str | None = None
        self._promised = ""

    def quoted(self, text: str, number: int) -> bool:
        """Whether that line is a quotation, the command that makes one among them."""
        while self._fenced and number > self._fenced[-1][1]:
            self._fenced.pop()
        if self._fenced and number >= self._fenced[-1][0]:
            return True
        if not text:
            self._promised = {"block": ""}.get(self._promised, self._promised)
            return False
        if self._command(text):
            return True
        if self._shown is not None or text.startswith(("> ", "| ")):
            return True
        if self._said and len(text.strip()) > 2 and any(text.strip() in said for said in self._said):
            return True
        return self._promise(text)

    def _promise(self, text: str) -> bool:
        if text[-1] == ":" and _INTRO.fullmatch(text):
            self._promised = "next"
            return True
        if self._promised:
            self._promised = "block"
            return True
        return False

    def _command(self, text: str) -> bool:
        """Whether the line is a command; what the command shows is then quoted until the next one."""
        found = _PROMPT.fullmatch(text)
        if not found:
            if _BARE.fullmatch(text):
                self._ran(text, "")
                return True
            return False
        prompt = found["prompt"]
        if prompt in ("# ", "Run ") and found["command"].split(None, 1)[0] not in _SHOWS | _SAYS:
            return False  # a comment, or a sentence
        if self._shown and prompt.strip("+ ") != self._shown.strip("+ ") and prompt[0] in "+>R":
            return False
        self._ran(found["command"], prompt)
        return prompt != "Run "

    def _ran(self, command: str, prompt: str) -> None:
        self._shown = None
        words = [step.split(None, 1)[0] for step in _STEP.split(command) if step.strip()]
        if any(word in _SAYS for word in words):
            self._said = [*self._said[-4:], command[:4000].replace('\\"', '"')]
        shows = [word for word in words if word in _SHOWS]
        if shows and all(word in _SHOWS | _SAYS | _HARMLESS for word in words):
            self._shown = prompt or "bare"
