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
_TOLD = re.compile(
    r"(?:When|If|After|Once) (?:I|we) [^:/]{0,200}:?"
    r"|(?:[A-Z][a-z']+|I) [^:/]{0,200}?\b(?:I|we) (?:get|got|see|saw|am getting)\b[^:/]{0,60}:?"
    r"|I (?:just )?ran [^:/]{0,200}:?|Here (?:is|are) (?:the|my|our) [^:/]{0,60}:"
)
_FRAME = re.compile(r"={5,} .{1,200} ={5,}")
_FRAME_END = re.compile(r"={5,} .{1,400} in \d+(?:\.\d+)?s.{0,20} ={5,}")
_BOX = re.compile(r"-{7} (?:pre-test |post-test )?output -{7}")  # Deno's, around what a test printed
_BOX_END = re.compile(r"-{5} (?:pre-test |post-test )?output end -{5}")
_ANSWER = re.compile(
    r"(?:\[(?:[Aa]ssistant|ASSISTANT|agent|ai)\]|<\|?(?:im_start\|>)?assistant\b\|?>?|(?:#{1,4} |\*\*)?"
    r"(?:[Aa]ssistant|ASSISTANT|AI|ChatGPT|Claude|Gemini)(?:\*\*)?:(?:\*\*)?)(?:\s.*)?"
)
_TASK = re.compile(r"> (?:Task :|Configure project |There were failing tests)")  # Gradle's
_TAP = re.compile(r"TAP version 1[234]$|(?:not )?ok \d")
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
        self._boxed = False
        self._in_tap = False
        self.answered = 0
        """The line where a model begins to speak in a transcript, by the count of lines that were asked about."""
        self._asked = 0

    def quoted(self, text: str, number: int) -> bool:
        """Whether that line is a quotation, the command that makes one among them."""
        while self._fenced and number > self._fenced[-1][1]:
            self._fenced.pop()
        self._asked += 1
        if (self._fenced and number >= self._fenced[-1][0]) or self._box(text):
            return True
        if not text:
            self._promised = {"block": "", "told": "next"}.get(self._promised, self._promised)
            return False
        if _TASK.match(text):
            return False
        self._in_tap = self._in_tap or bool(_TAP.match(text))
        return self._command(text) or self._repeats(text) or self._promise(text)

    def _repeats(self, text: str) -> bool:
        """Whether the line is part of a file that is shown, of a Markdown quotation, or of what a command says."""
        if self._shown is not None or text.startswith(("> ", "| ")):
            return True
        words = text.strip()
        return bool(self._said) and len(words) > 2 and any(words in said for said in self._said)

    def _box(self, text: str) -> bool:
        if self._boxed:
            self._boxed = not _BOX_END.fullmatch(text)
            return True
        self._boxed = bool(_BOX.fullmatch(text))
        return self._boxed

    def _promise(self, text: str) -> bool:
        if not self.answered and _ANSWER.fullmatch(text):
            self.answered = self._asked
        if text[-1] == ":" and (_INTRO.fullmatch(text) or _TOLD.fullmatch(text)):
            self._promised = "next"
            return True
        if not self._promised and _TOLD.fullmatch(text):
            self._promised = "told"
            return False
        if self._promised == "told":
            self._promised = ""  # words without a colon promise what stands below a blank line
        if self._promised == "next" and _FRAME.fullmatch(text):
            self._promised = "frame"
        elif self._promised == "next":
            self._promised = "block"
        elif self._promised == "frame" and _FRAME_END.fullmatch(text):
            self._promised = ""
            return True
        return bool(self._promised)

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
        if prompt == "# " and self._in_tap and not re.search(r"[./|'\"]", found["command"]):
            return False  # the name of a test, as `# strings` or `# type coercion`
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
