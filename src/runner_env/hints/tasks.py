"""Calls of task runners: which task they name, and what that says."""

from __future__ import annotations

import re

from runner_env.hints.model import Purpose
from runner_env.hints.names import PURPOSES, Said, is_part, said
from runner_env.hints.runners import Call
from runner_env.hints.unwrap import is_python

_VALUED = frozenset(
    [
        "-C",
        "--directory",
        "--prefix",
        "-f",
        "--file",
        "--makefile",
        "-w",
        "--workspace",
        "--filter",
        "-p",
        "--cwd",
        "-e",
        "--dir",
        "-F",
        "--package",
    ]
)
SCRIPT_MANAGERS = frozenset(("npm", "yarn", "pnpm", "bun"))
"""The package managers that run the scripts of package.json."""
_ENVIRONMENTS = frozenset(("tox", "nox"))
_PLAIN_RUNNERS = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "make gmake just task mage rake invoke inv doit poe taskipy thor composer hatch pdm pixi rye pipenv earthly "
        "dagger moon please waf cake jake wireit nps run mise dobi"
    ).split()
)


def named_task(words: tuple[str, ...]) -> tuple[str, str] | None:
    """The task runner and the task, if a command is the call of a task; an empty name is the default task.

    >>> named_task(("npm", "run", "test:unit"))
    ('npm', 'test:unit')
    >>> named_task(("tox", "-e", "py311"))
    ('tox', 'py311')
    """
    program = words[0].rpartition("/")[2]
    if program in _ENVIRONMENTS:
        return program, _environment(words[1:])
    if program in SCRIPT_MANAGERS:
        return _script(program, words[1:])
    if program == "python" and len(words) > 1 and words[1] in ("setup.py", "./setup.py"):
        return ("setup.py", words[2]) if len(words) > 2 else None
    if program in _PLAIN_RUNNERS:
        task = next(iter(_arguments(words[1:], skip=("run", "run-script"))), "")
        return program, task
    return None


def task_call(runner: str, task: str) -> Call | None:
    """What the call of a task is for by the task's name; None if the name says nothing."""
    if runner in _ENVIRONMENTS:
        return _environment_call(runner, task)
    if not task:
        # the default task of rake is by custom the suite; elsewhere it builds
        return Call(Purpose.TEST, 0.7, "rake") if runner == "rake" else Call(None, 0, "")
    name = task.rpartition("/")[2]
    meaning = said(name)
    if meaning is Said.OTHER:
        return Call(None, 0, "")
    if meaning is Said.MAYBE_TEST:
        return Call(Purpose.TEST, _maybe(runner, name), runner)
    purpose = PURPOSES.get(meaning)
    if purpose is None:
        return None
    strength = 0.95 if purpose is Purpose.TEST else 0.9
    return Call(purpose, strength * (0.72 if purpose is Purpose.TEST and is_part(name) else 1), runner)


def _maybe(runner: str, name: str) -> float:
    """How surely a task named `check` and the like runs tests: in make by custom, elsewhere seldom."""
    if runner in ("make", "gmake") and name == "check":
        return 0.85
    return _MAYBE.get(name, 0.4)


_MAYBE = {"distcheck": 0.75, "coverage": 0.55, "cov": 0.6, "integration": 0.5, "regress": 0.7, "regression": 0.6}


def _environment(words: tuple[str, ...]) -> str:
    for number, word in enumerate(words):
        if word in ("-e", "-s", "--session", "--sessions", "-f") and number + 1 < len(words):
            return words[number + 1]
        match = re.match(r"^(?:-e|-s|--sessions?=)(.+)$", word)
        if (match and not word.startswith("--")) or (match and "=" in word):
            return match[1]
    return ""


def _environment_call(runner: str, task: str) -> Call:
    names = [name for name in re.split(r"[,\s]+", task) if name]
    if not names:
        return Call(Purpose.TEST, 0.93, runner)
    meanings = [said(re.split(r"[-(]", name)[0]) for name in names]
    meanings += [said(re.split(r"\(", name)[0]) for name in names]
    for meaning in (Said.EVALUATE, Said.BENCHMARK):
        if meaning in meanings:
            return Call(PURPOSES[meaning], 0.85, runner)
    if any(re.match(r"^(?:py|pypy)\w*$|^(?:py|pypy)[\d.]*-(?!lint|docs|mypy)", name) for name in names):
        return Call(Purpose.TEST, 0.9, runner)
    if Said.OTHER in meanings:
        return Call(None, 0, "")
    if Said.TEST in meanings:
        return Call(Purpose.TEST, 0.93, runner)
    return Call(Purpose.TEST, 0.5, runner) if Said.MAYBE_TEST in meanings else Call(None, 0, "")


def _script(program: str, words: tuple[str, ...]) -> tuple[str, str] | None:
    arguments = _arguments(words, skip=())
    if not arguments:
        return None
    if arguments[0] in ("run", "run-script", "workspaces", "workspace", "-r", "recursive"):
        arguments = arguments[1:]
        if arguments[:1] == ["run"]:
            arguments = arguments[1:]
        if words[0] == "workspace" and len(arguments) > 1:
            arguments = arguments[1:]
    elif arguments[0] in ("t", "tst"):
        return program, "test"
    elif program == "npm" and arguments[0] not in ("test", "start", "stop"):
        return program, "install"  # npm's own subcommands, none of which is ours
    return (program, arguments[0]) if arguments else None


def _arguments(words: tuple[str, ...], skip: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            break
        if word in _VALUED:
            at += 2
            continue
        if not word.startswith("-") and "=" not in word and word not in skip:
            found.append(word)
        at += 1
    return found


def script_of(words: tuple[str, ...]) -> str:
    """The script or module that a command runs, as it names it; empty if it runs none.

    >>> script_of(("python", "-m", "tool.evaluate", "--fast"))
    'tool.evaluate'
    """
    program = words[0]
    if is_python(program) and len(words) > 2 and words[1] == "-m":
        return words[2]
    interpreter = program.rpartition("/")[2]
    if is_python(program) or interpreter in _INTERPRETERS:
        return next((word for word in words[1:] if not word.startswith("-")), "")
    return program if "/" in program or re.search(r"\.(?:sh|py|pl|rb|js|ts)$", program) else ""


_INTERPRETERS = frozenset(
    [
        "bash",
        "sh",
        "zsh",
        "node",
        "ruby",
        "perl",
        "php",
        "lua",
        "luajit",
        "Rscript",
        "julia",
        "tsx",
        "ts-node",
        "deno",
        "bun",
        "tclsh",
        "escript",
        "pwsh",
        "source",
    ]
)
