"""A recipe that did not do, changed by what its run said."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_env.authoring.locks import CONSTRAINTS
from runner_env.authoring.model import Recipe, Step
from runner_env.authoring.names import (
    missing_files,
    missing_libraries,
    missing_modules,
    missing_packages,
    missing_plugins,
    missing_programs,
    package_of,
)
from runner_env.authoring.node import NPM_INSTALL
from runner_env.authoring.reading import json_object, table
from runner_env.authoring.rules import made
from runner_env.hints.reading import exists, read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TOOLS = {
    "tox": "tox", "nox": "nox", "hatch": "hatch", "poe": "poethepoet", "inv": "invoke", "invoke": "invoke",
    "pytest": "pytest", "coverage": "coverage", "uv": "uv", "uvx": "uv", "poetry": "poetry", "pdm": "pdm",
    "pipenv": "pipenv", "py.test": "pytest", "nosetests": "pynose", "stestr": "stestr", "meson": "meson",
    "ninja": "ninja", "flake8": "flake8", "cmake": "cmake", "just": "rust-just", "ruff": "ruff", "mypy": "mypy",
    "django-admin": "Django",
}  # fmt: skip
_NO_DISTRIBUTION = re.compile(
    r"No matching distribution found for ([A-Za-z0-9][\w.-]*)|Failed to build '?([A-Za-z0-9][\w.-]*)"
)
_NO_VERSION = re.compile(r"No matching version found for ((?:@[\w.-]+/)?[\w.-]+)@")
_NPM_SCRIPT = re.compile(r"npm (?:t|test|run(?:-script)? (\S+))")
_SCRIPT_FAILED = re.compile(r"ELIFECYCLE|npm (?:ERR!|error) (?:command|path) |\bgyp\b|command failed", re.IGNORECASE)
_PYTEST_TOO_NEW = re.compile(
    r"cannot import name '\w+' from '_?pytest[\w.]*'|module '_?pytest[\w.]*' has no attribute|PytestRemovedIn\d+Warning"
    r"|No module named '_pytest\.|fixture '(?:testdir|tmpdir)' not found|Support for nose tests|unknown hook 'pytest_"
    r"|has no attribute '(?:runtest_setup|_fixturemanager|getfixtureinfo)'"
)
_STOPPED_EARLY = re.compile(r"\s(?:-x|--exitfirst|--maxfail[= ]\d+|--bail|-failfast)(?=\s|$)")
_WORKERS_DIFFER = re.compile(r"Different tests were collected between gw\d+|worker 'gw\d+' crashed")
_WORKERS = re.compile(r"\s(?:-n|--numprocesses|--dist)[= ]?\S+")


@dataclass(frozen=True, slots=True)
class Said:
    """What a run of the recipe came to.

    Attributes:
        stage: where it ended: `bootstrap` or `evaluation`.
        command: the command that ended it.
        output: what that printed.
        scored: whether there was a score all the same.
    """

    stage: str
    command: str
    output: str
    scored: bool = False


def amended(recipe: Recipe, root: Path, said: Said) -> Recipe | None:
    """The recipe to try next; None if nothing better is known.

    A recipe that gave a score is changed only where its environment lacked something.
    """
    if said.stage == "bootstrap":
        return _bootstrap(recipe, root, said)
    place = root / recipe.option.workdir
    for change in (_python, _node, _perl) if said.scored else (_python, _node, _perl, _programs, _arguments):
        found = change(recipe, place, said.output)
        if found is not None:
            return found
    return None if said.scored else _next(recipe, root)


def incomplete(recipe: Recipe, root: Path, output: str) -> tuple[str, ...]:
    """What the environment lacked although it was tried to bring it, for a run that had a score.

    What Perl and Ruby lack counts too: the tests that need it could not even begin.
    """
    place = root / recipe.option.workdir
    modules = [(name, package_of(name)) for name in missing_modules(output) if not _is_own(place, name)]
    wanted = (*modules, *((name, name) for name in missing_packages(output)))
    left_out = (name for name, package in wanted if f"left out {package}" in recipe.amended)
    return (*left_out, *(name for name in missing_libraries(output) if not _brings(place, name)))


def _brings(place: Path, file: str) -> bool:
    """Whether the repository itself has a library that was looked for."""
    return any(exists(place, f"{folder}{file}") for folder in ("", "lib/", "t/lib/", "t/", "spec/", "test/", "inc/"))


def _noted(recipe: Recipe, note: str) -> Recipe | None:
    """The recipe with a note; None if the same was tried before."""
    return None if note in recipe.amended else replace(recipe, amended=(*recipe.amended, note))


def _next(recipe: Recipe, root: Path) -> Recipe | None:
    """The same with another stated command."""
    for number, option in enumerate(recipe.others):
        new = made(root, option, recipe.others[number + 1 :])
        if new.option.command == recipe.option.command and new.steps == recipe.steps:
            continue
        steps = new.steps
        if new.option.workdir == recipe.option.workdir and recipe.amended:  # what was learned about installs holds
            first = made(root, recipe.option).steps
            steps = (*recipe.steps, *(step for step in new.steps if step not in first))
        return replace(
            new, steps=steps, amended=(*recipe.amended, f"run {option.stated} instead of {recipe.option.stated}")
        )
    return None


def _python(recipe: Recipe, place: Path, output: str) -> Recipe | None:
    if not any("venv" in step.command for step in recipe.steps):
        return None
    modules = missing_modules(output)
    wanted = [package_of(name) for name in modules if not _is_own(place, name)]
    wanted += missing_plugins(output)
    new = [name for name in dict.fromkeys(wanted) if name and not _was_tried(recipe, name)]
    if new:
        listed = " ".join(shlex.quote(name) for name in new)
        step = Step(f"python -m pip install {listed}", "A run said that these were missing.")
        return _noted(replace(recipe, steps=(*recipe.steps, step)), f"install {listed}")
    older = _older_pytest(recipe, output)
    if older is not None:
        return older
    own = [name for name in modules if _is_own(place, name)]
    command = recipe.option.command
    if own and command.startswith("pytest"):
        return _noted(_command(recipe, f"python -m {command}"), "import from the repository's top")
    if own and (place / "src" / own[0]).exists() and "PYTHONPATH" not in recipe.boot_env:
        return _noted(
            replace(recipe, boot_env={**recipe.boot_env, "PYTHONPATH": "$AIDER_FSM_REPO_ROOT/src"}), "import from src"
        )
    return None


def _older_pytest(recipe: Recipe, output: str) -> Recipe | None:
    """With an older pytest, where the tests, or what they use, ask for something that a later one has removed."""
    if not _PYTEST_TOO_NEW.search(output):
        return None
    for bound in ("pytest<9", "pytest<8", "pytest<7"):
        step = Step(f"python -m pip install '{bound}'", "The tests use what later versions have removed.")
        found = _noted(replace(recipe, steps=(*recipe.steps, step)), f"install {bound}")
        if found is not None:
            return found
    return None


def _was_tried(recipe: Recipe, package: str) -> bool:
    return any(
        f"left out {package}" == note or (note.startswith("install ") and package in shlex.split(note[8:]))
        for note in recipe.amended
    )


def _is_own(place: Path, module: str) -> bool:
    folders = ("", "src/", "lib/", "tests/", "test/")
    names = (f"{folder}{module}{ending}" for folder in folders for ending in ("", ".py"))
    return module in ("tests", "test", "testing") or any(exists(place, name) for name in names)


def _command(recipe: Recipe, command: str) -> Recipe:
    return replace(recipe, option=replace(recipe.option, command=command))


def _node(recipe: Recipe, place: Path, output: str) -> Recipe | None:
    if not exists(place, "package.json"):
        return None
    packages = [name for name in missing_packages(output) if not _was_tried(recipe, name)]
    own = str(json_object(place, "package.json").get("name", ""))
    build = "build" in table(json_object(place, "package.json"), "scripts")
    if (
        build
        and not recipe.builds
        and (
            missing_files(output)
            or own in packages
            or re.search(r"\bdist/|\blib/|\bbuild/", " ".join(missing_files(output)))
        )
    ):
        return _noted(replace(recipe, builds=("npm run build",)), "build first")
    packages = [name for name in packages if name != own and re.fullmatch(r"(?:@[\w.-]+/)?[\w.-]+", name)]
    if packages and len(packages) <= 8:
        listed = " ".join(packages)
        step = Step(f"npm install --no-save --no-audit --no-fund {listed}", "A run said that these were missing.")
        return _noted(replace(recipe, steps=(*recipe.steps, step)), f"install {listed}")
    return _without_hooks(recipe, place, output)


def _without_hooks(recipe: Recipe, place: Path, output: str) -> Recipe | None:
    """The script that tests alone, where it did not come to it for what npm runs before it, as a linter."""
    called = _NPM_SCRIPT.fullmatch(recipe.option.command)
    before = f"pre{called[1] or 'test'}" if called else ""
    if before not in table(json_object(place, "package.json"), "scripts") or f" {before}\n" not in output:
        return None
    if re.search(rf"^> \S+ {before[3:]}$", output, re.MULTILINE):  # it did come to it
        return None
    return _noted(_command(recipe, f"{recipe.option.command} --ignore-scripts"), f"without {before}")


def _perl(recipe: Recipe, place: Path, output: str) -> Recipe | None:
    """With the repository's own top among the places where Perl looks, as it was before Perl 5.26."""
    own = [name for name in missing_libraries(output) if name.endswith(".pm") and exists(place, name)]
    if not own or "PERL_USE_UNSAFE_INC" in recipe.boot_env:
        return None
    return _noted(replace(recipe, boot_env={**recipe.boot_env, "PERL_USE_UNSAFE_INC": "1"}), "import from the top")


def _programs(recipe: Recipe, _place: Path, output: str) -> Recipe | None:
    names = [name for name in missing_programs(output) if name in _TOOLS]
    if not names:
        return None
    packages = " ".join(_TOOLS[name] for name in names)
    venv = any("venv" in step.command for step in recipe.steps)
    first = () if venv else (Step('test -x .aider_fsm/venv/bin/python || "$AIDER_FSM_PYTHON" -m venv .aider_fsm/venv'),)
    step = Step(f"python -m pip install {packages}", "A run said that these were missing.")
    env = recipe.boot_env if venv else {**recipe.boot_env, "PATH": ".aider_fsm/venv/bin:$PATH"}
    return _noted(replace(recipe, steps=(*recipe.steps, *first, step), boot_env=env), f"install {packages}")


def _arguments(recipe: Recipe, _place: Path, output: str) -> Recipe | None:
    """Without what makes a run stop at its first failure, or fail for another reason than its tests."""
    command = recipe.option.command
    if _STOPPED_EARLY.search(command) and re.search(r"stopping after|Interrupted|bail", output, re.IGNORECASE):
        return _noted(_command(recipe, _STOPPED_EARLY.sub("", command)), "run every test")
    if (
        "pytest" in command
        and "--no-cov" not in command
        and re.search(r"Required test coverage|Coverage failure|fail-under", output)
    ):
        return _noted(_command(recipe, f"{command} --no-cov"), "leave coverage out")
    if "pytest" in command and _WORKERS_DIFFER.search(output):
        return _noted(_command(recipe, f"{_WORKERS.sub('', command)} -n 0"), "run in one process")
    if recipe.builds and "Permission denied" in output and "./configure" in recipe.builds:
        builds = tuple(f"sh {line}" if line.startswith("./configure") else line for line in recipe.builds)
        return _noted(replace(recipe, builds=builds), "call configure with sh")
    return None


def _bootstrap(recipe: Recipe, root: Path, said: Said) -> Recipe | None:
    at = next((number for number, step in enumerate(recipe.steps) if step.command == said.command), None)
    if at is None:
        return None
    command = recipe.steps[at].command
    if f"{CONSTRAINTS} " in command:
        return _unlocked(recipe)
    for pattern, change in _INSTALLS:
        if re.search(pattern, command):
            new = change(command, said.output)
            break
    else:
        return _without(recipe, at)
    if isinstance(new, str) and new.startswith("file:"):
        return _relaxed(recipe, root, at, new.removeprefix("file:"))
    if not new or new == command:
        return _without(recipe, at)
    steps = (*recipe.steps[:at], replace(recipe.steps[at], command=new), *recipe.steps[at + 1 :])
    gone = _NO_DISTRIBUTION.findall(said.output)
    notes = [f"left out {name}" for pair in gone for name in pair if name]
    return _noted(replace(recipe, steps=steps, amended=(*recipe.amended, *notes)), f"{command} did not do; {new}")


def _unlocked(recipe: Recipe) -> Recipe | None:
    """Without the locked versions, which are perhaps none for this Python or machine."""
    pattern = re.compile(rf"-c \S*{re.escape(CONSTRAINTS)} ")
    steps = tuple(replace(step, command=pattern.sub("", step.command)) for step in recipe.steps)
    files = {name: text for name, text in recipe.files.items() if name != CONSTRAINTS}
    return _noted(replace(recipe, steps=steps, files=files), "without the locked versions")


def _without(recipe: Recipe, at: int) -> Recipe | None:
    """Without a step that cannot be taken; whether it was needed the tests will say."""
    command = recipe.steps[at].command
    if " -m venv " in command:
        return None
    given = [word for word in shlex.split(command)[2:] if not word.startswith("-")]
    given = shlex.split(command)[4:] if "pip install" in command else given if "npm install" in command else []
    names = [f"left out {name}" for name in given]
    steps = (*recipe.steps[:at], *recipe.steps[at + 1 :])
    return _noted(replace(recipe, steps=steps, amended=(*recipe.amended, *names)), f"left out: {command}")


def _relaxed(recipe: Recipe, root: Path, at: int, name: str) -> Recipe | None:
    """A requirement file without its pins, which may be of packages that do not build here."""
    lines = [
        line.partition(" #")[0].strip() for line in (read_text(root / recipe.option.workdir, name) or "").split("\n")
    ]
    names = [re.split(r"[\s<>=!~;@\\]", line)[0] for line in lines if re.match(r"[A-Za-z0-9]", line)]
    if not names:
        return _without(recipe, at)
    listed = " ".join(shlex.quote(each) for each in dict.fromkeys(names))
    step = Step(f"python -m pip install {listed}", f"What {name} names; its versions cannot be had here.")
    return _noted(
        replace(recipe, steps=(*recipe.steps[:at], step, *recipe.steps[at + 1 :])), f"{name} without its versions"
    )


def _npm(command: str, output: str) -> str:
    if command.startswith("npm ci"):
        return NPM_INSTALL
    if "ERESOLVE" in output and "--legacy-peer-deps" not in command:
        return f"{command} --legacy-peer-deps"
    gone = [f"{name}@latest" for name in dict.fromkeys(_NO_VERSION.findall(output)) if f" {name}@" not in command]
    if gone:  # the version that was asked for is no more; what is named here goes before package.json
        return " ".join((command, *(["--no-save"] if "--no-save" not in command else []), *gone))
    if _SCRIPT_FAILED.search(output) and "--ignore-scripts" not in command:
        return f"{command} --ignore-scripts"
    return f"{command} --legacy-peer-deps" if "--legacy-peer-deps" not in command else ""


def _other_manager(command: str, _output: str) -> str:
    for option in (" --frozen-lockfile", " --immutable"):
        if option in command:
            loose = (
                " --no-immutable"
                if option == " --immutable"
                else (" --no-frozen-lockfile" if command.startswith("pnpm") else "")
            )
            return command.replace(option, loose)
    return NPM_INSTALL


def _project(command: str, output: str) -> str:
    target = shlex.split(command)[-1]
    if " -e " in command and "editable" in output.lower():
        return command.replace(" -e ", " ")
    if "[" in target:
        return command.replace(shlex.quote(target), target.partition("[")[0])
    if " -e " in command:
        return command.replace(" -e ", " ")
    return f"{command} --no-build-isolation" if "--no-build-isolation" not in command else ""


def _packages(command: str, output: str) -> str:
    words = shlex.split(command)
    head, names = words[:4], words[4:]
    bad = {name.lower() for pair in _NO_DISTRIBUTION.findall(output) for name in pair if name}
    kept = [name for name in names if re.split(r"[\s<>=!~;@\[]", name)[0].lower() not in bad]
    if len(kept) == len(names):
        kept = list(dict.fromkeys(re.split(r"[\s<>=!~;@]", name)[0] for name in names))
    return " ".join((*head, *(shlex.quote(name) for name in kept))) if kept else ""


def _requirements(command: str, _output: str) -> str:
    return f"file:{shlex.split(command)[-1]}"


_INSTALLS: tuple[tuple[str, Callable[[str, str], str]], ...] = (
    (r"^npm (?:ci|install)(?! .*--prefix)", _npm),
    (r"^(?:yarn|pnpm|bun) install", _other_manager),
    (r"pip install (?:-e )?'?\.(?:\[|'|$| )", _project),
    (r"pip install -r ", _requirements),
    (r"pip install ", _packages),
)
"""How each kind of install is changed where it fails: the next command, or nothing."""
