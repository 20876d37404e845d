"""Which stated commands can be an evaluation, and in which form they are run without their authors' tools."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.authoring.model import Option
from runner_env.hints.find import find_hints
from runner_env.hints.model import Candidate, Hint, Origin, Purpose
from runner_env.hints.reading import exists, read_text
from runner_env.hints.runners import direct_call
from runner_env.hints.selection import meaning
from runner_env.hints.shelltext import words_of
from runner_env.hints.sources.table import SOURCES
from runner_env.hints.tasks import named_task
from runner_env.hints.unwrap import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

PYTHON_RUNNERS = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "pytest unittest nose nose2 trial stestr zope-testrunner behave tox nox hatch poe invoke django"
    ).split()
)
_PYTHON_WRAPPERS = frozenset(("uv", "uvx", "poetry", "pdm", "pipenv", "hatch", "rye", "coverage", "python", "python3"))
_MODULES = frozenset(("unittest", "twisted.trial", "testtools.run", "zope.testrunner"))
_PLACEHOLDER = re.compile(r"\{\[?[\w:.\]]*\}|<[\w -]+>|\$\{\{|\$\(")
_CI = re.compile(r"^(?:\.github|\.gitlab|\.circleci|\.travis|azure|\.azure|appveyor|\.appveyor|\.cirrus|\.woodpecker)")
_OUT_OF_REACH = re.compile(r"\b(?:docker(?:-compose)?|podman|vagrant|kubectl|sudo|ssh|act|earthly|nix(?:-shell)?)\b")
_MOST_HINTS = 8
_MOST_STATED = 4
_MOST_IMPLIED = 2
_ANY_PYTHON = re.compile(r"^\(\)$|^(?!.*'-e')|'-e', '(?:py|pypy)[\d.]*'")
_INSTALLED = re.compile(r"\{(?:env_site_packages_dir|envsitepackagesdir)\}/([\w/.-]+)")
_TOX_TOP = re.compile(r"\{(?:tox_root|toxinidir)\}")
_TEST_TARGET = re.compile(r"^(check|test)\s*:(?!=)", re.MULTILINE)
_VERSIONED = re.compile(r"^python\d(?:\.\d+)?$")


def options(root: Path) -> tuple[Option, ...]:
    """The commands that can be the evaluation of the repository, the best first; none if it states none."""
    hints = find_hints(root)
    wanted = [hint for hint in hints if hint.purpose is Purpose.TEST][:_MOST_HINTS]
    wanted += [hint for hint in hints if hint.purpose is Purpose.EVALUATE][:2]
    candidates = [one for find in SOURCES for one in find(root)]
    tasks = _resolved(candidates)
    found: dict[str, Option] = {}
    late: dict[str, Option] = {}
    for hint in wanted:
        for option in _forms(hint, tasks, root):
            if _PLACEHOLDER.search(option.command):
                continue
            place = late if _OUT_OF_REACH.search(option.command) else found
            place.setdefault(f"{option.workdir}\0{option.command}", option)
    stated = sorted(found.values(), key=_needs_tool)[:_MOST_STATED]
    known = {option.command for option in stated}
    implied = [one for one in (*_implied(candidates), *_of_configure(root)) if one.command not in known]
    return (*stated, *implied[:_MOST_IMPLIED], *late.values())


def _implied(candidates: Iterable[Candidate]) -> Iterator[Option]:
    """What manifests imply, for where nothing that is stated gives a score: tests of CMake beside a `make test`."""
    for one in candidates:
        inner = unwrap(words_of(one.text))
        call = direct_call(inner) if inner else None
        tests = call is not None and call.purpose is Purpose.TEST
        if one.origin is Origin.MANIFEST and one.resolved == () and call is not None and tests:
            yield Option(one.text, call.runner, f"{one.path}:{one.line}", one.text, one.before, one.workdir, one.env)


def _of_configure(root: Path) -> Iterator[Option]:
    """What a Makefile that `configure` makes can test: `check` as automake names it, or `test`."""
    if not exists(root, "configure") and not exists(root, "configure.ac"):
        return
    for name in ("Makefile.in", "Makefile.am"):
        targets = _TEST_TARGET.finditer(read_text(root, name) or "")
        found = min(targets, key=lambda match: match[1], default=None)
        if found is not None:
            command = f"make {found[1]}"
            line = found.string.count("\n", 0, found.start()) + 1
            yield Option(command, "make", f"{name}:{line}", command)
            return


def _needs_tool(option: Option) -> bool:
    """Whether a command is that of a tool that makes environments of its own, once more."""
    return option.command.split()[:1] in (["tox"], ["nox"], ["hatch"], ["poe"], ["uvx"], ["uv"], ["poetry"], ["pdm"])


def _resolved(candidates: Iterable[Candidate]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """What each task runs, by where and how it is called."""
    return {(one.workdir, meaning(words_of(one.text))): one.resolved for one in candidates if one.resolved}


def _forms(hint: Hint, tasks: Mapping[tuple[str, str], tuple[str, ...]], root: Path) -> Iterator[Option]:
    """The ways to run a hint, the plainest first."""
    words = words_of(hint.command)
    env = {} if _CI.match(hint.source) else {n: v for n, v in hint.env.items() if "$" not in v and "{" not in v}
    as_stated = Option(hint.command, hint.runner, hint.source, hint.command, hint.prerequisites, hint.workdir, env)
    inner = unwrap(words)
    call = direct_call(inner) if inner else None
    if call is not None and call.purpose is not None:
        command = plain_python(words) if _is_python(words) and not _is_task(inner) else hint.command
        yield replace(as_stated, command=command, runner=call.runner)
        return
    resolved = tasks.get((hint.workdir, meaning(words))) or _of_tox(hint, inner, tasks)
    parts = [_as_checked_out(part, root) for part in resolved if _tests(part)]
    python = sorted((part for part in parts if _runner(part) in PYTHON_RUNNERS), key=_narrow)
    for part in python[:1]:
        yield replace(as_stated, command=plain_python(words_of(part)), runner=_runner(part))
    if words == ("tox",) and parts:  # of all that it does, what it does for this Python
        yield replace(as_stated, command="tox -e py")
    yield as_stated
    for part in parts:
        if part not in python and inner and inner[0] in ("npm", "yarn", "pnpm", "bun"):
            yield replace(as_stated, command=_with_npx(part), runner=_runner(part))


def _narrow(command: str) -> int:
    """By how much a test command is of less than the whole suite: examples in documents, a mark, a pattern."""
    words = unwrap(words_of(command))[1:]
    documents = sum(word.endswith((".rst", ".md", ".txt")) for word in words)
    return documents + sum(word in ("--doctest-modules", "-k", "-m", "--doctest-glob") for word in words)


def _of_tox(hint: Hint, inner: tuple[str, ...], tasks: Mapping[tuple[str, str], tuple[str, ...]]) -> tuple[str, ...]:
    """What tox runs where it is called with options, or for a Python that only its list of environments names."""
    return tasks.get((hint.workdir, "tox"), ()) if inner[:1] == ("tox",) and _ANY_PYTHON.search(f"{inner[1:]}") else ()


def _as_checked_out(command: str, root: Path) -> str:
    """A command of tox with the checkout in the place of what tox installs from it."""

    def own(match: re.Match[str]) -> str:
        name = match[1]
        found = next((folder for folder in ("", "src/", "lib/") if exists(root, f"{folder}{name}")), None)
        return match[0] if found is None else f"{found}{name}"

    return _TOX_TOP.sub(".", _INSTALLED.sub(own, command))


def _with_npx(command: str) -> str:
    """A command of a package.json script as it can be run outside of it."""
    words = words_of(command)
    variables = [word for word in words if re.match(r"[A-Za-z_]\w*=", word)]
    rest = command
    for word in variables:
        name = word.partition("=")[0]
        rest = re.sub(rf"^\s*{name}=(?:'[^']*'|\"[^\"]*\"|\S*)\s*", "", rest)
    given = " ".join(f"{name}={shlex.quote(value)}" for name, _, value in (word.partition("=") for word in variables))
    return " ".join(filter(None, (given, rest if rest.startswith(("node ", "npx ")) else f"npx {rest}")))


def _is_python(words: tuple[str, ...]) -> bool:
    inner = unwrap(words)
    return bool(inner) and (_runner(shlex.join(words)) in PYTHON_RUNNERS or inner[0] == "python")


def _is_task(inner: tuple[str, ...]) -> bool:
    return named_task(inner) is not None and inner[0] != "python"


def _tests(command: str) -> bool:
    inner = unwrap(words_of(command))
    call = direct_call(inner) if inner else None
    return call is not None and call.purpose is Purpose.TEST


def _runner(command: str) -> str:
    inner = unwrap(words_of(command))
    call = direct_call(inner) if inner else None
    return call.runner if call else ""


def plain_python(words: tuple[str, ...]) -> str:
    """A Python command without the tools around it, which make environments of their own.

    >>> plain_python(("uv", "run", "--group", "dev", "pytest", "-q"))
    'pytest -q'
    >>> plain_python(("coverage", "run", "-m", "unittest", "discover"))
    'python -m unittest discover'
    """
    variables = [word for word in words if re.match(r"[A-Za-z_]\w*=", word)]
    bare = tuple(word for word in words if word not in variables)
    inner = unwrap(bare)
    if not inner:
        return shlex.join(words)
    as_module = inner[0] in _MODULES or ("-m" in bare and inner[0] in bare[bare.index("-m") + 1 :][:1])
    if (bare[:1] != inner[:1] and as_module and "coverage" not in bare) or inner[0] in _MODULES:
        inner = ("python", "-m", *inner)
    elif _VERSIONED.match(inner[0]):
        inner = ("python", *inner[1:])
    inner = tuple(word for word in inner if not word.startswith(("--basetemp=.tox", "--basetemp=/")))
    if inner[0] == "py.test":
        inner = ("pytest", *inner[1:])
    return " ".join(
        (*variables, *(word if re.search(r"[*?$]", word) and "'" not in word else shlex.quote(word) for word in inner))
    )
