"""How a Python project is made ready: an environment of its own, the project, and what its tests need."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.authoring.locks import CONSTRAINTS, constraints
from runner_env.authoring.model import VENV, Option, Step
from runner_env.authoring.python_needs import needs
from runner_env.authoring.reading import ini, table, toml
from runner_env.hints.reading import exists, list_folder, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLUGINS = (
    (r"--cov\b|--cov[-=]|--no-cov\b", "pytest-cov"),
    (r"(?:^|[\s\"'])-n[= ]?(?:auto|logical|\d)|--numprocesses|--dist\b", "pytest-xdist"),
    (r"--timeout\b|^\s*timeout\s*=\s*\d|timeout_method", "pytest-timeout"),
    (r"asyncio_mode|asyncio_default|-p asyncio", "pytest-asyncio"),
    (r"DJANGO_SETTINGS_MODULE|--ds=", "pytest-django"),
    (r"--benchmark-", "pytest-benchmark"),
    (r"--reruns\b", "pytest-rerunfailures"),
    (r"--doctest-plus|doctest_plus", "pytest-doctestplus"),
    (r"--random-order", "pytest-random-order"),
    (r"-p randomly|randomly_seed", "pytest-randomly"),
    (r"--snapshot-", "syrupy"),
    (r"--mypy\b", "pytest-mypy"),
    (r"--flake8\b", "pytest-flake8"),
    (r"--black\b", "pytest-black"),
    (r"--ruff\b", "pytest-ruff"),
    (r"--checkdocs\b", "pytest-checkdocs"),
    (r"--enabler\b|\[tool\.pytest-enabler", "pytest-enabler"),
    (r"--xdoctest|xdoctest_", "xdoctest"),
    (r"--html=", "pytest-html"),
    (r"--nbval", "nbval"),
    (r"--mpl\b", "pytest-mpl"),
    (r"--forked\b", "pytest-forked"),
    (r"--instafail\b", "pytest-instafail"),
    (r"--sugar", "pytest-sugar"),
    (r"--allow-hosts|--disable-socket|--allow-unix-socket", "pytest-socket"),
    (r"env_files|^\s*env\s*=\s*$", "pytest-env"),
    (r"--import-mode", ""),
)
_TOOL_OF = {"tox": "tox", "nox": "nox", "hatch": "hatch", "poe": "poethepoet", "invoke": "invoke", "inv": "invoke"}
_PACKAGE_OF = {"nose": "pynose", "trial": "twisted", "zope-testrunner": "zope.testrunner", "unittest": ""}
_VERSIONED = re.compile(
    r"setuptools[-_]scm|hatch-vcs|versioningit|dunamai|versioneer|setuptools-git|pbr\b|vcs-versioning"
)


def python_steps(root: Path, option: Option) -> tuple[tuple[Step, ...], Mapping[str, str], Mapping[str, str]]:
    """The bootstrap's commands and variables, and the files that they use.

    Args:
        root: the project: the repository, or the folder in it that the command is run in.
        option: the command.
    """
    depth = "../" * len([part for part in option.workdir.split("/") if part])
    venv = f"{depth}{VENV}"
    interpreter = _interpreter(root)
    steps = [Step(f"test -x {venv}/bin/python || {interpreter} -m venv {venv}", "An environment of its own.")]
    found = needs(root, option.before)
    if _is_project(root):
        extras = f"[{','.join(found.extras)}]" if found.extras else ""
        steps.append(
            Step(
                f"python -m pip install -e {shlex.quote('.' + extras)}", "The project itself, with what its tests need."
            )
        )
    elif exists(root, "requirements.txt") and "requirements.txt" not in found.files:
        found.files.insert(0, "requirements.txt")
    steps += [Step(f"python -m pip install -r {shlex.quote(name)}") for name in found.files]
    packages = [*found.packages, *(name for name in _runner_packages(root, option) if not _has(found.packages, name))]
    if packages:
        listed = " ".join(shlex.quote(name) for name in packages)
        steps.append(Step(f"python -m pip install {listed}", "What the tests need besides."))
    lock, text = constraints(root)
    if text:
        pinned = f"pip install -c {depth}{CONSTRAINTS} "
        steps = [replace(step, command=step.command.replace("pip install ", pinned)) for step in steps]
        steps[1:2] = [
            replace(step, why=f"{step.why} In the versions that {lock} names.".strip()) for step in steps[1:2]
        ]
    return tuple(steps), _variables(root), {CONSTRAINTS: text} if text else {}


def _has(packages: list[str], name: str) -> bool:
    plain = re.compile(rf"(?i){re.escape(name)}(?:$|[^\w.-])")
    return any(plain.match(item) for item in packages)


def _is_project(root: Path) -> bool:
    project = toml(root, "pyproject.toml")
    declared = bool(
        table(project, "project") or table(project, "build-system") or table(project, "tool", "poetry", "dependencies")
    )
    return declared or exists(root, "setup.py") or ("[metadata]" in (read_text(root, "setup.cfg") or ""))


def _interpreter(root: Path) -> str:
    """The runner's own, or another one at hand if the project does not run on that."""
    wanted = str(table(toml(root, "pyproject.toml"), "project").get("requires-python", ""))
    wanted = wanted or str(table(toml(root, "pyproject.toml"), "tool", "poetry", "dependencies").get("python", ""))
    wanted = wanted or ini(read_text(root, "setup.cfg") or "").get("options", "python_requires", fallback="") or ""
    match = re.search(r"python_requires\s*=\s*[\"']([^\"']+)", read_text(root, "setup.py") or "")
    wanted = wanted or (match[1] if match else "")
    own = sys.version_info[:2]
    if _allows(wanted, own):
        return '"$AIDER_FSM_PYTHON"'
    fitting = (_at_hand(minor) for minor in (12, 13, 11, 14, 10, 9) if _allows(wanted, (3, minor)))
    return next(filter(None, fitting), '"$AIDER_FSM_PYTHON"')


def _at_hand(minor: int) -> str:
    """How a Python of this version is called here; empty if there is none.

    What pyenv puts on the PATH for every version that it has works only for those that are chosen.
    """
    name = f"python3.{minor}"
    path = shutil.which(name)
    if path is None or Path(path).parent.name != "shims":
        return name if path else ""
    installed = any(Path(path).parents[1].glob(f"versions/3.{minor}.*/bin/{name}"))
    return f"PYENV_VERSION=3.{minor} {name}" if installed else ""


def _allows(wanted: str, version: tuple[int, int]) -> bool:
    """Whether a version is within a specifier; of what is not understood it is.

    >>> _allows(">=3.9,<3.11", (3, 11)), _allows("^3.8", (3, 12)), _allows("==3.12.*", (3, 11)), _allows("", (3, 11))
    (False, True, False, True)
    """
    for sign, major, minor in re.findall(r"([<>=!~^]=?)\s*(\d+)(?:\.(\d+))?", wanted):
        bound = (int(major), int(minor or 0))
        at_most = {"<": version < bound, "<=": version <= bound or not minor, "==": version == bound or not minor}
        at_least = {
            ">=": version >= bound,
            ">": version >= bound,
            "~=": version >= bound,
            "^": version >= bound,
            "~": version >= bound,
        }
        if not at_most.get(sign, True) or not at_least.get(sign, True):
            return False
    return True


def _runner_packages(root: Path, option: Option) -> Iterator[str]:
    program = option.command.split()[0].rpartition("/")[2] if option.command.split() else ""
    if program in _TOOL_OF:
        yield _TOOL_OF[program]
    runner = option.runner or "pytest"
    if runner in _TOOL_OF:
        return
    named = _PACKAGE_OF.get(runner, runner)
    if re.fullmatch(r"[\w.-]+", named) and runner in (
        "pytest",
        "nose",
        "nose2",
        "trial",
        "stestr",
        "zope-testrunner",
        "behave",
        "django",
    ):
        yield named
    if runner == "pytest":
        said = f"{option.command}\n{' '.join(option.env.values())}\n{_configuration(root)}"
        for pattern, plugin in _PLUGINS:
            if plugin and re.search(pattern, said, re.MULTILINE):
                yield plugin
        yield from _imported(root)


def _configuration(root: Path) -> str:
    """The parts of configuration files that are about pytest."""
    found = [read_text(root, name) or "" for name in ("pytest.ini", ".pytest.ini", "pytest.toml")]
    for name in ("setup.cfg", "tox.ini", "pyproject.toml"):
        text = read_text(root, name) or ""
        pattern = r"^\[(?:tool:)?(?:tool\.)?pytest(?:\.ini_options)?\]\s*\n((?:(?!\[).*\n?)*)"
        found += [match[0] for match in re.finditer(pattern, text, re.MULTILINE)]
        found += re.findall(r"^\[tool\.pytest-enabler.*$", text, re.MULTILINE)
    return "\n".join(found)


_LIBRARIES = {
    "hypothesis": "hypothesis", "mock": "mock", "parameterized": "parameterized", "freezegun": "freezegun",
    "responses": "responses", "requests_mock": "requests-mock", "pytest_mock": "pytest-mock", "ddt": "ddt",
    "pytest_asyncio": "pytest-asyncio", "time_machine": "time-machine", "testfixtures": "testfixtures",
    "pyfakefs": "pyfakefs", "pytest_httpserver": "pytest-httpserver", "trustme": "trustme", "syrupy": "syrupy",
    "respx": "respx", "faker": "faker", "factory": "factory-boy", "inline_snapshot": "inline-snapshot",
    "pytest_httpx": "pytest-httpx", "aioresponses": "aioresponses", "vcr": "vcrpy", "dirty_equals": "dirty-equals",
    "pretend": "pretend", "pytest_subtests": "pytest-subtests", "assertpy": "assertpy", "sybil": "sybil",
    "pytest_benchmark": "pytest-benchmark", "httpretty": "httpretty", "pytest_cases": "pytest-cases",
}  # fmt: skip
_IMPORT = re.compile(r"^(?:from|import)\s+(\w+)", re.MULTILINE)


def _imported(root: Path) -> Iterator[str]:
    """Test libraries that the tests import."""
    seen: set[str] = set()
    folders = [folder for folder in ("tests", "test", "testing", "src/tests") if exists(root, folder)]
    for folder in (folders + [f"{top}/{sub}" for top in folders for sub in list_folder(root, top)[1][:20]])[:40]:
        for name in [name for name in list_folder(root, folder)[0] if name.endswith(".py")][:100]:
            text = read_text(root, f"{folder}/{name}", 20_000) or ""
            seen.update(_IMPORT.findall(text))
            if "mocker" in text and "def test" in text and re.search(r"\(.*\bmocker\b", text):
                seen.add("pytest_mock")
            if re.search(r"pytest\.mark\.asyncio", text):
                seen.add("pytest_asyncio")
    yield from sorted(_LIBRARIES[name] for name in seen & _LIBRARIES.keys())


def _variables(root: Path) -> dict[str, str]:
    env = {
        "PATH": f"{VENV}/bin:$PATH",
        "VIRTUAL_ENV": f"$AIDER_FSM_REPO_ROOT/{VENV}",
        "AIDER_FSM_PYTHON": f"{VENV}/bin/python",
    }
    said = "".join(read_text(root, name) or "" for name in ("pyproject.toml", "setup.py", "setup.cfg"))
    if _VERSIONED.search(said) and not os.path.lexists(root / ".git") and not exists(root, "PKG-INFO"):
        version = _version(root)
        env |= {"SETUPTOOLS_SCM_PRETEND_VERSION": version, "PBR_VERSION": version}
    return env


def _version(root: Path) -> str:
    """The newest version that the list of changes names, where version control would have to tell."""
    for name in (
        "CHANGELOG.md",
        "CHANGES.rst",
        "CHANGELOG.rst",
        "CHANGES.md",
        "HISTORY.rst",
        "HISTORY.md",
        "NEWS.rst",
        "CHANGES",
    ):
        match = re.search(r"\b(\d+\.\d+(?:\.\d+)?)\b", read_text(root, name, 20_000) or "")
        if match:
            return match[1]
    return "1.0.0"
