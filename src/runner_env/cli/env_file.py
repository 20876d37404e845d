r"""Files of environment variables for `--env-file`, read strictly, and `--env NAME=VALUE`.

The grammar is our own, the part that shells, Docker and dotenv libraries agree on. Each line is empty, a comment that
begins with `#`, or `NAME=VALUE` with an optional `export ` in front. A value is

- unquoted: up to the end of the line or a ` #` comment, without the white space at its end;
- 'in single quotes': as it stands;
- "in double quotes": with the escapes `\n \r \t \\ \" \$`.

Nothing is expanded, a value has one line, a name occurs once. The file is UTF-8.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.core import Where
from runner_env.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NAME = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_UNQUOTED = re.compile(r"(?:[^ \t\r'\"#](?:[^ \t\r]|[ \t]+(?![ \t#]))*)?")
_END = re.compile(r"[ \t]*(?:(?<=[ \t])#.*)?")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}
_LINE_HINT = "Write NAME=VALUE, with the value in quotes if it contains quotes or begins or ends with a space."


def read_env_file(path: Path) -> dict[str, str]:
    """The variables that a file sets.

    Raises:
        OptionError: the file cannot be read, or a line of it is not as above; `where` is its place.
    """
    file = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"--env-file: the file cannot be read: {error.strerror}."
        raise OptionError("env_file_unreadable", message, where=Where(file)) from error
    except UnicodeDecodeError as error:
        where = Where(file, error.object[: error.start].count(b"\n") + 1)
        raise OptionError("bad_env_file", "The line is not UTF-8.", where=where) from error
    variables: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip(" \t\r") or line.lstrip(" \t").startswith("#"):
            continue
        name, value = _assignment(line.removesuffix("\r"), file, number)
        if name in variables:
            raise _problem(f"{name} is set twice.", file, number, 1, "Keep one of the lines.")
        variables[name] = value
    return variables


def parse_assignments(given: Iterable[str]) -> dict[str, str]:
    """The variables of several `--env NAME=VALUE`; of two with the same name the last one counts.

    Raises:
        OptionError: one has no `=` or an unusable name.
    """
    variables: dict[str, str] = {}
    for text in given:
        match = _NAME.match(text)
        if match is None or not text.startswith(match[1]):
            raise OptionError("bad_env", f"--env: {_shown(text)} is not NAME=VALUE.", hint="Write --env NAME=VALUE.")
        variables[match[1]] = text[match.end() :]
    return variables


def _assignment(line: str, file: str, number: int) -> tuple[str, str]:
    indent = len(line) - len(line.lstrip(" \t"))
    match = _NAME.match(line, indent)
    if match is None:
        raise _problem("The line does not begin with NAME=.", file, number, indent + 1)
    value, end = _value(line, match.end(), file, number)
    rest = _END.match(line, end)
    if rest is None or rest.end() != len(line):
        raise _problem(f"The value of {match[1]} is over here, and the line is not.", file, number, end + 1)
    if "\0" in value:
        raise _problem(f"The value of {match[1]} has a NUL character.", file, number, match.end() + 1)
    return match[1], value


def _value(line: str, start: int, file: str, number: int) -> tuple[str, int]:
    quote = line[start : start + 1]
    if quote not in {"'", '"'}:
        match = _UNQUOTED.match(line, start)
        assert match is not None
        return match[0].rstrip(" \t"), match.end()
    match = (_SINGLE if quote == "'" else _DOUBLE).match(line, start)
    if match is None:
        raise _problem(f"The quote {quote} is not closed on this line.", file, number, start + 1)
    return (match[1] if quote == "'" else _unescaped(match, file, number)), match.end()


def _unescaped(match: re.Match[str], file: str, number: int) -> str:
    def replaced(escape: re.Match[str]) -> str:
        if escape[1] not in _ESCAPED:
            column = match.start(1) + escape.start() + 1
            raise _problem(f"{escape[0]} is no escape.", file, number, column, r"Write \\ for a backslash.")
        return _ESCAPED[escape[1]]

    return _ESCAPE.sub(replaced, match[1])


def _problem(message: str, file: str, line: int, column: int, hint: str = _LINE_HINT) -> OptionError:
    return OptionError("bad_env_file", message, where=Where(file, line, column), hint=hint)


def _shown(text: str) -> str:
    """The name alone: what follows may be a secret."""
    return repr(text.partition("=")[0][:40])
