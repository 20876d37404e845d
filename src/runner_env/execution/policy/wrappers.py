"""Commands that do nothing but start another command: what do they start?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """How the arguments of a wrapper are read.

    Attributes:
        short: one-letter options that take a value.
        long: long options that take a value as the next word.
        operands: how many words stand between the options and the command.
        assignments: whether NAME=VALUE words may stand before the command.
    """

    short: str = ""
    long: tuple[str, ...] = ()
    operands: int = 0
    assignments: bool = False


KEYWORDS = frozenset(("time", "!", "then", "do", "coproc"))
"""Words of the shell that stand before a command, which may be a function."""

_PLAIN = _Wrapper()
_WRAPPERS = {
    **dict.fromkeys(
        (
            *("builtin", "nohup", "setsid", "coproc", "busybox", "toybox", "chronic", "unbuffer", "then", "do", "!"),
            *("dbus-run-session", "fakeroot", "valgrind", "rlwrap", "tini", "dumb-init", "entr", "catchsegv"),
            *("cross-env", "cross-env-shell", "env-cmd", "ccache", "linux32", "linux64", "caffeinate"),
        ),
        _Wrapper("", (), 0, assignments=True),
    ),
    "xvfb-run": _Wrapper("efnpsw", ("--error-file", "--auth-file", "--server-num", "--server-args", "--wait")),
    "gosu": _Wrapper("", (), 1),
    "su-exec": _Wrapper("", (), 1),
    "mpirun": _Wrapper("nc", ("-np", "--np", "-host", "--host", "--hostfile")),
    "mpiexec": _Wrapper("nc", ("-np", "--np", "-host", "--host", "--hostfile")),
    "srun": _Wrapper("nNptcJ", ("--ntasks", "--nodes", "--partition", "--time", "--gres")),
    "command": _PLAIN,
    "exec": _Wrapper("a"),
    "env": _Wrapper("uC", ("--unset", "--chdir"), assignments=True),
    "nice": _Wrapper("n", ("--adjustment",)),
    "ionice": _Wrapper("cn", ("--class", "--classdata")),
    "timeout": _Wrapper("sk", ("--signal", "--kill-after"), 1),
    "gtimeout": _Wrapper("sk", ("--signal", "--kill-after"), 1),
    "time": _Wrapper("fo", ("--format", "--output")),
    "stdbuf": _Wrapper("ioe", ("--input", "--output", "--error")),
    "chrt": _Wrapper("TPD", (), 1),
    "taskset": _Wrapper("", (), 1),
    "flock": _Wrapper("wE", ("--timeout", "--wait", "--conflict-exit-code"), 1),
    "chroot": _Wrapper("", (), 1),
    "strace": _Wrapper("aeoOpPsSuEbI"),
    "ltrace": _Wrapper("aeoOpPsSuEnl"),
    "xargs": _Wrapper(
        "aEdILnPs", ("--arg-file", "--delimiter", "--max-lines", "--max-args", "--max-procs", "--replace")
    ),
    "parallel": _Wrapper("jaINLS", ("--jobs", "--arg-file")),
    "watch": _Wrapper("n", ("--interval",)),
    "unshare": _Wrapper("SGRw"),
    "nsenter": _Wrapper("tSG"),
    "prlimit": _Wrapper("p"),
    "systemd-run": _Wrapper("pEut", ("--unit", "--property", "--setenv", "--slice", "--uid", "--gid")),
    "sudo": _Wrapper("ugpChTrtDR", ("--user", "--group", "--prompt", "--chdir", "--host"), assignments=True),
    "doas": _Wrapper("uC", assignments=True),
    "pkexec": _Wrapper("", ("--user",)),
    "runuser": _Wrapper("ugG", ("--user", "--group")),
    "setpriv": _Wrapper("", ("--reuid", "--regid", "--groups")),
    "npx": _Wrapper("p", ("--package",)),
}
_RUNNERS = {
    "uv": (
        "run",
        _Wrapper("pw", ("--with", "--python", "--extra", "--group", "--env-file", "--project", "--directory")),
    ),
    "poetry": ("run", _PLAIN),
    "pdm": ("run", _PLAIN),
    "hatch": ("run", _PLAIN),
    "pipenv": ("run", _PLAIN),
    "conda": ("run", _Wrapper("np", ("--name", "--prefix", "--cwd"))),
    "mamba": ("run", _Wrapper("np", ("--name", "--prefix", "--cwd"))),
    "micromamba": ("run", _Wrapper("np", ("--name", "--prefix", "--cwd"))),
    "bundle": ("exec", _PLAIN),
    "direnv": ("exec", _Wrapper("", (), 1)),
    "dotenv": ("run", _PLAIN),
    "rye": ("run", _PLAIN),
    "pixi": ("run", _PLAIN),
    "perf": ("stat", _Wrapper("eropIC", ("--event", "--repeat", "--output"))),
    "doppler": ("run", _PLAIN),
}
_ASKING = re.compile(r"-[a-zA-Z]*[vV]")
_COMMAND_OPTIONS = {
    "su": ("-c", "--command", "-lc"),
    "runuser": ("-c", "--command", "-lc"),
    "flock": ("-c", "--command"),
    "script": ("-c", "--command", "-qc", "-qec", "-eqc", "-ec", "-qefc", "-fqec", "-qfc"),
    "nix-shell": ("--run", "--command"),
    "nix": ("--command", "-c"),
}
_HYPERFINE_VALUES = ("--warmup", "--runs", "--min-runs", "--max-runs", "--shell", "--export-json", "--prepare")


def after_options(words: tuple[str, ...], short: str, long: tuple[str, ...]) -> int:
    """The index of the first operand of `words[0]`, given which options take a value as the next word."""
    index = 1
    while index < len(words):
        word = words[index]
        if word == "--":
            return index + 1
        if len(word) < 2 or word[0] not in "-+":
            break
        valued = word in long if word.startswith("--") else word[-1] in short and not set(word[1:-1]) & set(short)
        index += 2 if valued else 1
    return index


def unwrapped(name: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command that wrapper `name` starts, with its arguments; empty if it is no wrapper, or starts none."""
    if name == "command" and len(argv) > 1 and _ASKING.fullmatch(argv[1]):
        return ()
    if name in _RUNNERS:
        verb, wrapper = _RUNNERS[name]
        if verb not in argv[1:]:
            return ()
        argv = argv[argv.index(verb) :]
    elif name in _WRAPPERS:
        wrapper = _WRAPPERS[name]
    else:
        return ()
    index = after_options(argv, wrapper.short, wrapper.long) + wrapper.operands
    while wrapper.assignments and index < len(argv) and _ASSIGNMENT.match(argv[index]):
        index += 1
    return argv[index:]


def given_text(name: str, argv: tuple[str, ...]) -> str | None:
    """The shell text among the arguments of a command that runs text (`eval`, `su -c`, `env -S`), or None."""
    if name in _COMMAND_OPTIONS:
        return value_of(argv, _COMMAND_OPTIONS[name])
    reader = _TEXTS.get(name)
    return reader(argv) if reader else None


def _trap(argv: tuple[str, ...]) -> str | None:
    return argv[1] if len(argv) > 2 and argv[1] != "-" else None


def _git(argv: tuple[str, ...]) -> str | None:
    """What `git bisect run`, `git submodule foreach` and `git rebase --exec` start."""
    for verbs in (("bisect", "run"), ("submodule", "foreach")):
        for index, pair in enumerate(pairwise(argv)):
            if pair == verbs:
                return " ".join(word for word in argv[index + 2 :] if word not in {"--recursive", "--quiet", "-q"})
    return value_of(argv, ("--exec", "-x")) if "rebase" in argv else None


def new_directory(name: str, argv: tuple[str, ...]) -> str | None:
    """Where `env -C` goes before it starts its command; None if it stays."""
    return value_of(argv, ("-C", "--chdir")) if name == "env" else None


def _split_string(argv: tuple[str, ...]) -> str | None:
    for index, word in enumerate(argv):
        for option in ("--split-string=", "-S"):
            if word.startswith(option) and word != option:
                return " ".join((word.removeprefix(option), *argv[index + 1 :]))
    value = value_of(argv, ("-S", "--split-string", "-iS", "-vS"))
    return None if value is None else " ".join((value, *argv[argv.index(value) + 1 :]))


def value_of(argv: tuple[str, ...], options: tuple[str, ...]) -> str | None:
    """The word behind the first of `options`; None if none of them is given."""
    return next((value for option, value in pairwise(argv) if option in options), None)


_TEXTS: dict[str, Callable[[tuple[str, ...]], str | None]] = {
    "eval": lambda argv: " ".join(argv[1:]),
    "watch": lambda argv: " ".join(unwrapped("watch", argv)),
    "hyperfine": lambda argv: "\n".join(argv[after_options(argv, "wrmMSnspcu", _HYPERFINE_VALUES) :]),
    "trap": _trap,
    "env": _split_string,
    "git": _git,
}
