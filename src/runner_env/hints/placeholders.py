"""Expressions and placeholders in commands: filled from what the file itself documents, or a reason to reject."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# `[a|b|c]` and `{a|b}` as a word of its own, or behind `=`
_CHOICE = re.compile(r"(?<![^\s='\"])[\[{(]([\w.:/@+-]+)(?:\s*\|\s*[\w.:/@+-]+)+[\]})]")
_ANGLE_CHOICE = re.compile(r"<([\w.:/ -]+)(?:\|[\w.:/ -]+)+>")
# optional parts of a synopsis: `[options]`, `[--fast]`, `[-- args…]`, `[file ...]`
_OPTIONAL = re.compile(
    r"(?<=\s)\[(?:--?[^\]\n]*|[\w-]*(?:options?|flags?|args?|arguments?|files?|paths?)[^\]\n]*)\]", re.IGNORECASE
)
_DEFAULT = re.compile(r"\$\{([A-Za-z_]\w*):?-([^{}$`]*)\}")
_VARIABLE = re.compile(r"\$(?:\{([^{}]*)\}|([A-Za-z_]\w*|[0-9@*#]))")
_UNFILLED = (
    re.compile(r"\$\{\{|\{\{|<%|\{%|%\}|<<\s?\w[\w.]*\s?>>"),  # templates
    re.compile(r"<[A-Za-z_][^<>|&;\n]{0,80}>"),
    re.compile(r"(?<![$\w'\"}])\{[A-Za-z_][\w .-]*\}(?!['\"}])"),
    re.compile(r"(?:^|[\s=\[(])(?:\.\.\.|…)(?=$|[\s'\"\])])"),
    re.compile(r"…"),
    re.compile(
        r"(?i)\b(?:path|dir)[/_-]to\b|/path/|\byour[_ -]?[a-z]|\bmy-(?:repo|project|app)\b|(?<![\w/])xxx+(?![\w/])"
    ),
    re.compile(r"(?<!\w)%[A-Za-z_]+%(?!\w)"),
    re.compile(r"^\s*\[|\s\[[A-Za-z][\w .-]*\](?=\s|$)"),
)
_CAPITALS = re.compile(r"^(?:--?[\w-]+=)?[A-Z]{2,}(?:[_-][A-Z0-9]+)*(?:\.py)?$")
_METAVARS = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "FILE FILES PATH DIR DIRECTORY MODEL NAME DATASET TEST TESTS TESTNAME TASK TASKS ARGS OPTIONS FOLDER URL "
        "TOKEN KEY OUTPUT INPUT VERSION PATTERN TARGET MODULE PACKAGE CONFIG SAMPLES CHECKPOINT COMMAND ENV"
    ).split()
)
_AMBIENT = frozenset(
    [
        "HOME",
        "PWD",
        "USER",
        "TMPDIR",
        "PATH",
        "CI",
        "SHELL",
        "GITHUB_WORKSPACE",
        "CI_PROJECT_DIR",
        "TRAVIS_BUILD_DIR",
        "PYTHONPATH",
    ]
)


def fill(text: str, values: Mapping[str, tuple[str, ...]]) -> str:
    """`text` with everything replaced that the file documents a value for.

    Expressions get the first of their `values`; `[a|b]` becomes `a`; `${NAME:-default}` its default; optional parts of
    a synopsis (`[options]`) go.
    """
    for expression, stands_for in values.items():
        if stands_for:
            text = text.replace(expression, stands_for[0])
    text = _CHOICE.sub(r"\1", text)
    text = _ANGLE_CHOICE.sub(r"<\1>", text)
    text = _OPTIONAL.sub("", text)
    return _DEFAULT.sub(r"\2", text)


def unfilled(text: str, words: Collection[str], known: Collection[str] = ()) -> bool:
    """Whether something in a command still stands for something else.

    Args:
        text: the command.
        words: its words, without quotes.
        known: variables that are set for it.
    """
    if any(pattern.search(text) for pattern in _UNFILLED):
        return True
    for braced, plain in _VARIABLE.findall(text):
        name = braced or plain
        if name not in known and name not in _AMBIENT:
            return True
    return any(_is_metavar(word) for word in words)


_NAMED_VALUE = re.compile(
    r"(?:^|[=,:])(?:model|dataset|file|path|dir|task|repo|user|org|output|input|test|checkpoint)[-_](?:name"
    r"|path|id|here|file|dir)(?:[-_]\w+)*(?:$|[,:])"
)


def _is_metavar(word: str) -> bool:
    if not word.startswith("-") and _NAMED_VALUE.search(word):
        return True
    if not _CAPITALS.match(word):
        return False
    name = word.rpartition("=")[2]
    return name in _METAVARS or "_" in name or name.endswith(".py")
