"""What a shell or an interpreter is asked to run: text, a file, or its standard input."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from runner_env.execution.policy.wrappers import after_options, value_of

SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash", "rbash"))
STDIN = frozenset(("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"))
_OTHER_SHELLS = frozenset(("fish", "csh", "tcsh", "pwsh"))
_SHELL_VALUES = ("--rcfile", "--init-file")
# Interpreter → the options that hand it its program, so that standard input is data.
_INTERPRETERS = {
    re.compile(r"(?:python|pypy)[\d.]*"): ("-c", "-m"),
    re.compile(r"perl[\d.]*"): ("-e", "-E", "-n", "-p", "-pe", "-ne", "-lne", "-lpe", "-0pe"),
    re.compile(r"ruby[\d.]*"): ("-e", "-ne", "-pe"),
    re.compile(r"(?:node|nodejs|bun|deno)"): ("-e", "-p", "--eval", "--print", "eval"),
    re.compile(r"php[\d.]*"): ("-r", "-B", "-R"),
    re.compile(r"(?:lua[\d.]*|luajit|Rscript|tclsh)"): ("-e",),
}


@dataclass(frozen=True, slots=True)
class ShellCall:
    """What one start of a shell runs; at most one of `text`, `script` and `stdin` is set.

    Attributes:
        text: the argument of `-c`.
        script: the file named.
        stdin: whether it reads its commands from standard input.
        args: what becomes `$1` and so on.
        zero: what becomes `$0` of a text.
        before: a file that is read first.
    """

    text: str | None = None
    script: str | None = None
    stdin: bool = False
    args: tuple[str, ...] = ()
    zero: str | None = None
    before: str | None = None


def shell_call(argv: tuple[str, ...]) -> ShellCall:
    """Read the arguments of a POSIX-like shell."""
    index = after_options(argv, "oO", _SHELL_VALUES)
    options = [word for word in argv[1:index] if word[:1] == "-" and word[:2] != "--"]
    rest = argv[index:]
    before = value_of(argv[:index], _SHELL_VALUES)
    if any("n" in word and word[-1] not in "oO" for word in options):
        return ShellCall()
    if any("c" in word for word in options):
        return ShellCall(text=rest[0] if rest else "", args=rest[2:], zero="".join(rest[1:2]) or None, before=before)
    if any("s" in word for word in options):
        return ShellCall(stdin=True, args=rest)
    if not rest or rest[0] in STDIN:
        return ShellCall(
            stdin=not any(word in {"--version", "--help"} for word in argv[1:]), args=rest[1:], before=before
        )
    return ShellCall(script=rest[0], args=rest[1:])


def is_interpreter(name: str) -> bool:
    """Whether `name` runs programs, shell or other."""
    return name in SHELLS or name in _OTHER_SHELLS or any(pattern.fullmatch(name) for pattern in _INTERPRETERS)


def program_texts(name: str, argv: tuple[str, ...], feed: str | None) -> list[str]:
    """The texts that an interpreter other than a POSIX shell takes as its program: argument, file, standard input."""
    flags = next((flags for pattern, flags in _INTERPRETERS.items() if pattern.fullmatch(name)), ("-c",))
    handed = [value for option, value in pairwise(argv) if option in flags]
    if handed or any(word in flags for word in argv):
        return handed
    operands = [word for word in argv[1:] if word == "-" or not word.startswith("-")]
    if operands and operands[0] not in STDIN:
        return [operands[0]]
    return [feed] if feed is not None else []
