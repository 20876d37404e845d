"""Whether what a command names is in the repository: scripts, task files, configuration, paths."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from runner_env.hints.runners import direct_call
from runner_env.hints.sources.just import JUSTFILES, TASKFILES
from runner_env.hints.tasks import named_task, script_of
from runner_env.hints.unwrap import unwrap

if TYPE_CHECKING:
    from runner_env.hints.commands import Atomic
    from runner_env.hints.facts import Facts


def places_exist(atomic: Atomic, facts: Facts) -> float:
    """Whether what the command names is in the repository; what is not there is an example or out of date."""
    inner = unwrap(atomic.words)
    script = script_of(inner)
    if _lacks_configuration(inner, atomic.workdir, facts):
        return 0.5
    if inner[:2] == ("python", "-m"):
        return 1.0 if facts.module_place(script, atomic.workdir) else 0.75
    if script and named_task(inner) is None and direct_call(inner) is None:
        there = facts.has_script(script, atomic.workdir) or facts.has_source(script, atomic.workdir)
        return 1.0 if there or facts.installs(inner[0]) else 0.5
    if (task := named_task(inner)) is not None:
        return 1.0 if _has_taskfile(task[0], atomic.workdir, facts) else 0.5
    paths = _PATH if inner[0].rpartition("/")[2] in _TAKE_PATHS else _PROGRAM
    for word in [word for word in inner[1:] if paths.fullmatch(word)][:3]:
        path = word.removeprefix("./").rstrip("/")
        if not (facts.has(f"{atomic.workdir}/{path}".strip("/")) or facts.has(path) or "..." in word):
            return 0.5
    return 1.0


def _has_taskfile(runner: str, workdir: str, facts: Facts) -> bool:
    """Whether the file that a task runner reads is there; make's may be written by a configure script."""
    names = _TASKFILES.get(runner)
    return names is None or any(facts.has(f"{place}/{name}".lstrip("/")) for place in {workdir, ""} for name in names)


_TASKFILES = {
    "just": JUSTFILES,
    "task": TASKFILES,
    "nox": ("noxfile.py",),
    "tox": ("tox.ini", "pyproject.toml", "setup.cfg", "tox.toml"),
    "invoke": ("tasks.py", "tasks", "pyproject.toml", "invoke.yaml"),
    "mage": ("magefile.go", "magefiles"),
}


def _lacks_configuration(words: tuple[str, ...], workdir: str, facts: Facts) -> bool:
    """Whether a runner is given a configuration file that is not there: a reader is to write it."""
    for option, value in pairwise(words):
        name, _, joined = option.partition("=")
        path = joined or value
        if name in ("-c", "--config", "--configuration") and _CONFIGURATION.fullmatch(path):
            return not (facts.has(f"{workdir}/{path}".strip("/")) or facts.has(path))
    return False


_CONFIGURATION = re.compile(r"(?:\w[\w.-]*/)*[\w.-]+\.(?:xml|ini|cfg|toml|ya?ml|json|[cm]?[jt]s)(?:\.dist)?")
_PATH = re.compile(r"(?:\./)?[\w.-]+/[\w./-]*|[\w-]+\.py|tests?")
_PROGRAM = re.compile(r"[\w./-]+\.py")
_TAKE_PATHS = frozenset(
    (
        "pytest",
        "py.test",
        "phpunit",
        "prove",
        "jest",
        "ava",
        "vitest",
        "busted",
        "behave",
        "mocha",
        "rspec",
        "bats",
        "nosetests",
        "pest",
    )
)
