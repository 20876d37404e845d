"""Programs that run what a file of the repository says: `make`, the scripts of package.json, `just`."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from runner_env.core import Where
from runner_env.execution.policy.makefiles import NAMES, Line, Makefile
from runner_env.execution.policy.markers import HOME, UNKNOWN, literal, unsure
from runner_env.execution.policy.places import absolute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runner_env.execution.policy.files import Files
    from runner_env.execution.policy.interpreter import Interpreter
    from runner_env.execution.policy.invocation import Invocation
    from runner_env.execution.policy.state import State

_IDLE = frozenset(
    ("-n", "--dry-run", "--just-print", "--recon", "-q", "--question", "-p", "-v", "--version", "-h", "--help")
)
_FOLDER = ("-C", "--directory", "--prefix", "--cwd", "--dir", "-w", "--workspace", "-d", "--working-directory")
_FILE = ("-f", "--file", "--makefile", "--justfile")
_VALUED = (*_FOLDER, *_FILE, "-I", "-o", "-W", "--include-dir", "--loglevel", "--filter")
_ASSIGNED = re.compile(r"([A-Za-z_][\w.-]*)(?:::?|\?|\+)?=(.*)", re.DOTALL)
_SHORT = {"t": "test", "tst": "test", "i": "install", "ci": "install", "add": "install", "": "install"}
_RUN = frozenset(("run", "run-script", "rum", "urn"))
_HOOKED = {"install": ("preinstall", "install", "postinstall", "prepare")}
_OWN = frozenset(("test", "start", "stop", "restart", "install"))
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s+[^:]*)?):(?!=)([^#]*)")
_SHELL = re.compile(r"#!\S*(?:/env\s+(?:-\S+\s+)*)?\S*?(?:ba|da|z|k)?sh\b")
_JUSTFILES = ("justfile", "Justfile", ".justfile")


@dataclass(slots=True)
class Tasks:
    """Follows the task runners of one reading; each task is read once."""

    reading: Interpreter
    files: Files
    seen: set[tuple[str, str]] = field(default_factory=set)

    def run(self, inv: Invocation, state: State) -> bool:
        """Read what `inv` would run; False if it is no task runner."""
        runner = self._RUNNERS.get(inv.name)
        if runner is None:
            return False
        folder = absolute(literal(_value(inv, _FOLDER) or "."), state.cwd)
        if folder is not None and not unsure(folder) and not _IDLE & set(inv.args):
            runner(self, inv, state, folder)
        return True

    def _load(self, folder: str, names: Iterable[str], state: State) -> tuple[str, str] | None:
        """The first of the named files that is there: its path and text."""
        for name in names:
            path = absolute(name, folder)
            text = None if path is None else self.files.text(path, state)
            if path is not None and text is not None:
                return path, text
        return None

    def _follow(self, lines: Iterable[Line], state: State, folder: str) -> None:
        saved, self.reading.in_task = self.reading.in_task, True
        try:
            for line in lines:
                child = state.child(None, ())
                child.cwd, child.feed = folder, None
                self.reading.run(line.text, child, fixed=Where(self.reading.scripts.name(line.file), line.line))
        finally:
            self.reading.in_task = saved

    def _new(self, path: str, goals: Iterable[str]) -> list[str]:
        fresh = [goal for goal in goals if (path, goal) not in self.seen]
        self.seen.update((path, goal) for goal in fresh)
        return fresh

    def _make(self, inv: Invocation, state: State, folder: str) -> None:
        named = _value(inv, _FILE)
        found = self._load(folder, (literal(named),) if named else NAMES, state)
        if found is None:
            return
        words = [literal(word) for word in inv.subcommands(_VALUED)]
        given = {match[1]: match[2] for word in words if (match := _ASSIGNED.fullmatch(word))}
        goals = [word for word in words if not _ASSIGNED.fullmatch(word)] or [""]
        goals = self._new(f"{found[0]} {sorted(given.items())}", goals)
        if not goals:
            return

        def load(name: str) -> str | None:
            return self.files.text(absolute(literal(name), folder) or name, state)

        environment = {name: state.variables[name] for name in state.exported if state.variables.get(name)}
        makefile = Makefile(load, given, {"CURDIR": folder, "PWD": folder, "HOME": HOME, **environment})
        makefile.read(found[0])
        shell = state.fork()
        for name in {*makefile.exported, *given}:
            shell.variables[name] = makefile.filled(f"$({name})")
            shell.exported.add(name)
        lines = makefile.commands([goal for goal in goals if goal])
        self._follow((line._replace(file=absolute(line.file, folder) or line.file) for line in lines), shell, folder)

    def _scripts(self, inv: Invocation, state: State, folder: str) -> None:
        verbs = [*inv.subcommands(_VALUED), ""]
        task = _SHORT.get(verbs[0], verbs[0])
        if verbs[0] in _RUN:
            task = verbs[1]
        elif inv.name == "npm" and task not in _OWN:
            return
        rest = inv.args[inv.args.index("--") + 1 :] if "--" in inv.args else ()
        self._named(folder, _HOOKED.get(task, (f"pre{task}", task, f"post{task}")), state, rest)

    def _several(self, inv: Invocation, state: State, folder: str) -> None:
        self._named(folder, inv.subcommands(), state, ())

    def _named(self, folder: str, names: Iterable[str], state: State, rest: tuple[str, ...]) -> None:
        """Follow scripts of package.json."""
        found = self._load(folder, ("package.json",), state)
        if found is None:
            return
        scripts = _scripts_of(found[1])
        for name in self._new(found[0], [name for name in names if name in scripts]):
            text = scripts[name] if not rest else f"{scripts[name]} {shlex.join(map(literal, rest))}"
            before = found[1].partition(json.dumps(name))[0]
            self._follow([Line(text, found[0], before.count("\n") + 1)], state, folder)

    def _just(self, inv: Invocation, state: State, folder: str) -> None:
        named = _value(inv, _FILE)
        found = self._load(folder, (literal(named),) if named else _JUSTFILES, state)
        if found is None:
            return
        recipes = _recipes(found[1], found[0])
        pending = [*inv.subcommands(_VALUED), *recipes][:1]
        while pending:
            for name in self._new(found[0], [pending.pop(0)]):
                needs, lines = recipes.get(name, ((), ()))
                pending += needs
                self._follow(lines, state, folder)

    _RUNNERS: ClassVar[dict[str, Callable[[Tasks, Invocation, State, str], None]]] = {
        **dict.fromkeys(("make", "gmake"), _make),
        **dict.fromkeys(("npm", "pnpm", "yarn", "bun"), _scripts),
        **dict.fromkeys(("run-s", "run-p", "npm-run-all"), _several),
        "just": _just,
    }


def _value(inv: Invocation, options: tuple[str, ...]) -> str | None:
    """The value of the first of these options that is given: `-C x`, `-Cx`, `--directory=x`."""
    for index, word in enumerate(inv.args):
        if word in options:
            return inv.args[index + 1] if index + 1 < len(inv.args) else None
        for option in options:
            start = f"{option}=" if option.startswith("--") else option
            if word.startswith(start):
                return word.removeprefix(start)
    return None


def _scripts_of(text: str) -> dict[str, str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    scripts = document.get("scripts") if isinstance(document, dict) else None
    if not isinstance(scripts, dict):
        return {}
    return {name: value for name, value in scripts.items() if isinstance(value, str)}


def _recipes(text: str, file: str) -> dict[str, tuple[list[str], list[Line]]]:
    """Recipes of a justfile: what each needs, and its lines; one that begins with `#!` for a shell is one text."""
    found: dict[str, tuple[list[str], list[Line]]] = {}
    lines: list[Line] = []
    for number, raw in enumerate(text.split("\n"), 1):
        if raw[:1] in {" ", "\t"}:
            body = re.sub(r"\{\{.*?\}\}", UNKNOWN, raw.strip())
            if lines and lines[0].text.startswith("#!"):
                lines[0] = lines[0]._replace(text=f"{lines[0].text}\n{body}")
            elif body:
                lines.append(Line(body.lstrip("@-"), file, number))
        elif match := _RECIPE.fullmatch(raw.rstrip()):
            lines = []
            found[match[1]] = (re.findall(r"[A-Za-z_][\w-]*", match[3]), lines)
        elif raw.strip():
            lines = []
    return {name: (needs, list(_runnable(body))) for name, (needs, body) in found.items()}


def _runnable(lines: list[Line]) -> Iterator[Line]:
    """The lines that a shell runs: not those of a recipe in another language."""
    for line in lines:
        if not line.text.startswith("#!") or _SHELL.match(line.text):
            yield line
