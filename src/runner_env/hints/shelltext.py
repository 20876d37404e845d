"""Shell text split into simple commands, fast and forgiving; the strict parser is that of the command policy.

Documents state fragments that no grammar accepts, and a repository has hundreds of them, so this scanner knows quotes,
substitutions, comments, continuation lines, here-documents and operators, and nothing else of the language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPERATOR = re.compile(r"&&|\|\||\|&|;;|[;|&\n()]")
_HEREDOC = re.compile(r"<<-?\s*([\"']?)([A-Za-z_]\w*)\1")
_QUOTING = re.compile(r"[\"'\\`$]")
_RUN = re.compile(r"[^\"'\\`$#<>&|;()\n]+")
_MOST_TEXT = 20_000
_MOST_SUBSTITUTION = 400
_PLAIN = re.compile(r"[^\s\"'\\`$#<>&|;()\n]+")


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command.

    Attributes:
        text: as written, continuation lines joined, without comment.
        after: the operator behind it: `&&`, `||`, `|`, `;`, a newline and so on; empty at the end.
        line: from 0, where it begins in the text.
        depth: how many parentheses are open around it.
    """

    text: str
    after: str
    line: int
    depth: int


def simple_commands(text: str) -> list[Simple]:
    """All simple commands of the first 20 000 characters of `text`, in order; an unclosed quote is a character.

    >>> [piece.text for piece in simple_commands("cd a && make 'b c' # why")]
    ['cd a', "make 'b c'"]
    """
    return _Scanner(text[:_MOST_TEXT]).run()


def words_of(command: str) -> tuple[str, ...]:
    """The words of a simple command with quotes removed; substitutions and variables stay as they are written.

    >>> words_of("pytest -m 'not slow' $(pwd)/a")
    ('pytest', '-m', 'not slow', '$(pwd)/a')
    """
    if not _QUOTING.search(command):
        return tuple(command.split())
    words: list[str] = []
    current = ""
    begun = False
    at = 0
    while at < len(command):
        char = command[at]
        if char in " \t\n":
            if begun:
                words.append(current)
            current, begun, at = "", False, at + 1
            continue
        end = _token_end(command, at)
        token = command[at:end]
        if char in "\"'" and len(token) > 1 and token.endswith(char):
            token = token[1:-1]
        elif char == "\\":
            token = token[1:]
        current, begun, at = current + token, True, end
    return (*words, current) if begun else tuple(words)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 0
        self.depth = 0
        self.parts: list[str] = []
        self.begun = 0
        self.found: list[Simple] = []
        self.heredocs: list[str] = []

    def run(self) -> list[Simple]:
        while self.at < len(self.text):
            self._step()
        self._flush("")
        return self.found

    def _step(self) -> None:
        text, char = self.text, self.text[self.at]
        if match := _RUN.match(text, self.at):
            self._take(match.end())
        elif text.startswith("\\\n", self.at):
            self._continue()
        elif char == "#" and (self.at == 0 or text[self.at - 1] in " \t\n;"):
            end = text.find("\n", self.at)
            self.at = len(text) if end < 0 else end
        elif match := _OPERATOR.match(text, self.at):
            self._take(self.at + 1) if self._is_redirection(match[0]) else self._operator(match[0])
        elif char == "<" and (match := _HEREDOC.match(text, self.at)):
            self.heredocs.append(match[2])
            self._take(match.end())
        else:
            self._take(_token_end(text, self.at))

    def _continue(self) -> None:
        """A continuation line: the blanks around the line's end become one."""
        self.line += 1
        self.at += 2
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1
        if self.parts:
            self.parts[-1] = self.parts[-1].rstrip(" \t") + " "

    def _take(self, end: int) -> None:
        piece = self.text[self.at : end]
        if not self.parts and piece.strip():
            self.begun = self.line
        if self.parts or piece.strip():
            self.parts.append(piece.replace("\\\n", " "))
        self.line += piece.count("\n")
        self.at = end

    def _is_redirection(self, operator: str) -> bool:
        """`2>&1`, `&>file`, `>|file`."""
        before = self.text[self.at - 1 : self.at]
        behind = self.text[self.at + 1 : self.at + 2]
        return (operator == "&" and (before in ("<", ">") or behind == ">")) or (operator == "|" and before == ">")

    def _operator(self, operator: str) -> None:
        self.at += len(operator)
        if operator == "(" and "".join(self.parts).strip():
            self._remark(operator)
            return
        self._flush(operator)
        if operator == "\n":
            self.line += 1
            self._skip_heredocs()
        self.depth = max(0, self.depth + {"(": 1, ")": -1}.get(operator, 0))

    def _remark(self, operator: str) -> None:
        """`make test (optional)`: a remark goes; a function or an array keeps its parenthesis, and is no command."""
        end = self.text.find(")", self.at)
        if self.parts[-1].endswith((" ", "\t")) and end >= 0 and "\n" not in self.text[self.at : end]:
            self.at = end + 1
        else:
            self.parts.append(operator)

    def _flush(self, operator: str) -> None:
        text = "".join(self.parts).strip()
        if text:
            self.found.append(Simple(text, operator, self.begun, self.depth))
        self.parts = []

    def _skip_heredocs(self) -> None:
        while self.heredocs:
            match = re.compile(rf"^\s*{self.heredocs.pop(0)}\s*$", re.MULTILINE).search(self.text, self.at)
            if match is None:
                continue
            self.line += self.text.count("\n", self.at, match.end())
            self.at = match.end()


def _token_end(text: str, at: int) -> int:
    """Where the token that begins at `at` ends: a quoted string, a substitution, an escaped or a plain character."""
    char = text[at]
    if char == "'":
        return _closing(text, at, "'")
    if char == '"':
        return _double_quoted(text, at)
    if char == "\\":
        return min(len(text), at + 2)
    if char == "`":
        return _closing(text, at, "`")
    if char == "$" and text[at + 1 : at + 2] in ("(", "{"):
        return _substitution(text, at)
    match = _PLAIN.match(text, at)
    return match.end() if match else at + 1


def _closing(text: str, at: int, quote: str) -> int:
    end = text.find(quote, at + 1)
    if end >= 0 and not (quote == "'" and _looks_like_apostrophe(text, at, end)):
        return end + 1
    return at + 1


def _looks_like_apostrophe(text: str, at: int, end: int) -> bool:
    """Prose (`don't`), not a string, is what spans lines and begins inside a word."""
    return "\n" in text[at:end] and text[at - 1 : at].isalpha()


def _double_quoted(text: str, at: int) -> int:
    end = at + 1
    while end < len(text):
        if text[end] == "\\":
            end += 2
        elif text[end] == '"':
            return end + 1
        else:
            end += 1
    return at + 1


def _substitution(text: str, at: int) -> int:
    """`$(…)`, `${…}` and `${{ … }}`, also nested."""
    opening = text[at + 1]
    closing = {"(": ")", "{": "}"}[opening]
    depth = 0
    if text.find(closing, at, at + _MOST_SUBSTITUTION) < 0:
        return at + 1
    for end in range(at + 1, min(len(text), at + _MOST_SUBSTITUTION)):
        depth += (text[end] == opening) - (text[end] == closing)
        if not depth:
            return end + 1
    return at + 1
