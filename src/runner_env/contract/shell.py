"""What can be said about a shell command line without running it."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

SYNTAX_SECONDS = 5.0
"""Limit of one syntax check."""
_SHELLS = frozenset({"bash", "sh", "/bin/bash", "/bin/sh", "/usr/bin/bash", "/usr/bin/sh"})
_PYTHONS = re.compile(r"(?:/\S*/)?python[0-9.]*|\$AIDER_FSM_PYTHON|\$\{AIDER_FSM_PYTHON\}")
_SHELL_FLAGS = re.compile(r"-[eufvx]+")
_PYTHON_FLAGS = re.compile(r"-[BEIOPSsuv]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_OPERATORS = frozenset("();<>|&")


def script_of(line: str) -> tuple[str, bool] | None:
    """The script that `line` begins by running, and whether it is run directly (so that it must be executable).

    Only what can be told for sure: `bash x.sh`, `python x.py` with harmless flags, `./x.sh`; otherwise None.
    """
    words = _first_words(line)
    if not words:
        return None
    flags = _SHELL_FLAGS if words[0] in _SHELLS else _PYTHON_FLAGS if _PYTHONS.fullmatch(words[0]) else None
    if flags is None:
        return (words[0], True) if words[0].startswith("./") and _is_literal(words[0]) else None
    script = next((word for word in words[1:] if not flags.fullmatch(word)), "")
    return (script, False) if script and not script.startswith(("-", "/")) and _is_literal(script) else None


def _first_words(line: str) -> list[str]:
    lexer = shlex.shlex(line.split("\n", 1)[0], posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if set(word) <= _OPERATORS:
                break
            if words or not _ASSIGNMENT.match(word):
                words.append(word)
    except ValueError:  # an open quote: the line goes on, or is wrong, which `syntax_error` finds
        return []
    return words


def _is_literal(word: str) -> bool:
    return not set(word) & set("$`*?[{~")


def syntax_error(script: str, shell: str, seconds: float = SYNTAX_SECONDS) -> str | None:
    """What `shell -n` says against `script`; None if nothing, or if it cannot say.

    `-n` reads commands without executing them, and the empty environment leaves no start-up file to run.

    Args:
        script: the text, given on standard input.
        shell: absolute path; if it does not exist, nothing is checked.
        seconds: time limit.
    """
    if not Path(shell).exists() or seconds <= 0:
        return None
    try:
        done = subprocess.run(
            [shell, "-n"],
            input=script.encode(),
            env={"LC_ALL": "C"},
            cwd="/",
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    said = done.stderr.decode("utf-8", "replace").strip()
    return said.split("\n", 1)[0] if done.returncode > 0 and said else None
