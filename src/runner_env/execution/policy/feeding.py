"""`xargs` and `parallel`: which commands they start for what they are fed."""

from __future__ import annotations

from itertools import pairwise

from runner_env.execution.policy.markers import UNKNOWN, unsure
from runner_env.execution.policy.wrappers import value_of

FEEDING = frozenset(("xargs", "parallel"))
_MAX_ARGUMENTS = 64
_MAX_STARTS = 16


def named_input(argv: tuple[str, ...]) -> str | None:
    """The file that is read instead of standard input: `xargs -a FILE`."""
    value = value_of(argv, ("-a", "--arg-file"))
    joined = (word.partition("=")[2] for word in argv if word.startswith("--arg-file="))
    return next(joined, None) if value is None else value


def given_starts(name: str, argv: tuple[str, ...], command: tuple[str, ...], feed: str | None) -> list[tuple[str, ...]]:
    """The commands that are started, at least one.

    Args:
        name: `xargs` or `parallel`.
        argv: all its words.
        command: the words behind its options.
        feed: what it reads, None or with UNKNOWN if that cannot be told.
    """
    if ":::" in command:
        at = command.index(":::")
        command, words = command[:at], list(command[at + 1 :])
    elif feed is None or unsure(feed):
        return [(*command, UNKNOWN)]
    else:
        lines = feed.replace("\0", "\n").split("\n")
        words = [line.strip() for line in lines if line.strip()] if _by_line(name, argv) else " ".join(lines).split()
    words = words[:_MAX_ARGUMENTS]
    mark = _mark(argv)
    if any(mark in word for word in command):
        starts = [tuple(part.replace(mark, word) for part in command) for word in words]
    elif _one_each(name, argv):
        starts = [(*command, word) for word in words]
    else:
        starts = [(*command, *words)]
    return [start for start in starts[:_MAX_STARTS] if start] or [(*command, UNKNOWN)]


def _mark(argv: tuple[str, ...]) -> str:
    """What is replaced by each argument: `{}` unless `-I` says otherwise."""
    value = value_of(argv, ("-I",))
    joined = (word[2:] for word in argv if word.startswith("-I") and word != "-I")
    return next(joined, "{}") if value is None else value


def _by_line(name: str, argv: tuple[str, ...]) -> bool:
    return name == "parallel" or any(word.startswith(("-I", "-0", "-L", "-d", "--null")) for word in argv)


def _one_each(name: str, argv: tuple[str, ...]) -> bool:
    if name == "parallel":
        return True
    counted = any(word in {"-n1", "-L1", "--max-args=1", "-l"} for word in argv)
    return counted or any(pair in {("-n", "1"), ("-L", "1"), ("--max-args", "1")} for pair in pairwise(argv))
