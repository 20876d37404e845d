"""Tasks that Python project managers keep in `pyproject.toml`: hatch, poe, taskipy, pdm, pixi, rye; and pipenv's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import join, quote
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.toml import mapping, read, strings, table_line

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_ARGUMENTS = re.compile(r"\{args(?::([^{}]*))?\}|\{posargs(?::([^{}]*))?\}|\$\{?@\}?|\"\$@\"")
_MOST_DEPTH = 4
_MOST_LINES = 20


def find(tree: Tree) -> list[Candidate]:
    """One candidate for each task of each manager."""
    found: list[Candidate] = []
    for path in tree.manifests("pyproject.toml"):
        text = tree.text(path)
        if "[tool." in text or "[tool]" in text:
            tool = mapping(read(tree, path), "tool")
            folder = path.rpartition("/")[0]
            found += _hatch(path, text, mapping(tool, "hatch", "envs"), "tool.hatch.envs.", folder)
            for runner in _RUNNERS:
                tasks = mapping(tool, *runner.table)
                found += _tasks(path, text, tasks, runner, folder)
    if tree.has("hatch.toml"):
        found += _hatch("hatch.toml", tree.text("hatch.toml"), mapping(read(tree, "hatch.toml"), "envs"), "envs.", "")
    if tree.has("pixi.toml"):
        runner = _Runner("pixi", "pixi run", ("tasks",), "")
        found += _tasks("pixi.toml", tree.text("pixi.toml"), mapping(read(tree, "pixi.toml"), "tasks"), runner, "")
    if tree.has("Pipfile"):
        runner = _Runner("pipenv", "pipenv run", ("scripts",), "")
        found += _tasks("Pipfile", tree.text("Pipfile"), mapping(read(tree, "Pipfile"), "scripts"), runner, "")
    return found


@dataclass(frozen=True, slots=True)
class _Runner:
    """A task runner.

    Attributes:
        name: its program.
        command: what is typed before a task's name.
        table: where its tasks are, below `tool`.
        prefix: of the table's name in the file.
    """

    name: str
    command: str
    table: tuple[str, ...]
    prefix: str = "tool."


_RUNNERS = (
    _Runner("poe", "poe", ("poe", "tasks")),
    _Runner("taskipy", "task", ("taskipy", "tasks")),
    _Runner("pdm", "pdm run", ("pdm", "scripts")),
    _Runner("pixi", "pixi run", ("pixi", "tasks")),
    _Runner("rye", "rye run", ("rye", "scripts")),
)


def _tasks(path: str, text: str, tasks: dict[str, object], runner: _Runner, folder: str) -> list[Candidate]:
    found: list[Candidate] = []
    for name, task in tasks.items():
        if name.startswith("_"):
            continue
        table = runner.prefix + ".".join(runner.table)
        resolved = tuple(_resolved(task, tasks, {name}))
        if not resolved:
            continue
        found.append(
            Candidate(
                f"{runner.command} {name}",
                path,
                table_line(text, table, name),
                Origin.TASK,
                name,
                _described(task),
                folder,
                resolved=resolved,
                env=_environment(task),
                runner=runner.name,
            )
        )
    return found


def _described(task: object) -> str:
    return (
        next((str(task[key]) for key in ("help", "description") if key in task), "") if isinstance(task, dict) else ""
    )


def _environment(task: object) -> dict[str, str]:
    return {key: value for key, value in mapping(task, "env").items() if isinstance(value, str)}


def _resolved(task: object, tasks: dict[str, object], seen: set[str]) -> list[str]:
    """What a task runs, tasks that it names followed, each once."""
    if isinstance(task, str):
        return _one(task, tasks, seen)
    if isinstance(task, list):
        return [command for item in task for command in _named(item, tasks, seen)]
    if not isinstance(task, dict):
        return []
    before: list[str] = []
    for key in ("deps", "depends-on", "depends_on"):
        for item in task[key] if isinstance(task.get(key), list) else strings(task.get(key)):
            before += _named(item["task"] if isinstance(item, dict) and "task" in item else item, tasks, seen)
    return before + _of_table(task, tasks, seen)


def _of_table(task: dict[str, object], tasks: dict[str, object], seen: set[str]) -> list[str]:
    command = task.get("cmd")
    if isinstance(command, list):
        return [join(strings(command))]
    for key in ("cmd", "shell"):
        if isinstance(value := task.get(key), str):
            return _one(value, tasks, seen)
    for key in ("sequence", "composite", "chain"):
        if isinstance(value := task.get(key), list):
            return [found for item in value for found in _named(item, tasks, seen)]
    if isinstance(value := task.get("ref"), str):
        return _named(value, tasks, seen)
    for key in ("script", "call"):
        if isinstance(value := task.get(key), str):
            module, _, function = value.partition(":")
            call = function or "main"
            called = call if call.endswith(")") else f"{call}()"
            return [f"python -c {quote(f'import {module}; {module}.{called}')}"]
    return []


def _named(item: object, tasks: dict[str, object], seen: set[str]) -> list[str]:
    """The task that an item of a sequence names, or the item itself."""
    if isinstance(item, str) and (name := item.split(maxsplit=1)[0] if item.split() else "") in tasks:
        return _once(name, tasks, seen)
    return _resolved(item, tasks, seen)


def _one(command: str, tasks: dict[str, object], seen: set[str]) -> list[str]:
    """A command line, whose first words may be a task of the same table."""
    text = _ARGUMENTS.sub(lambda match: match[1] or match[2] or "", command)
    text = "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in text.strip().split("\n") if line.strip())
    words = text.split()
    own = re.match(r"(?:poe|task|pdm run|pixi run|rye run|hatch run)\s+([\w:.-]+)$", text)
    name = own[1] if own else words[0] if len(words) == 1 else ""
    if name in tasks and tasks[name] != command:
        return _once(name, tasks, seen)
    return [text] if text else []


def _once(name: str, tasks: dict[str, object], seen: set[str]) -> list[str]:
    if name in seen:
        return []
    seen.add(name)
    return _resolved(tasks[name], tasks, seen)


def _hatch(path: str, text: str, environments: dict[str, object], prefix: str, folder: str) -> list[Candidate]:
    """The scripts of hatch environments; an environment inherits those of its template, by default `default`."""
    found: list[Candidate] = []
    for name in environments:
        if name == "hatch-test":
            line, commands = table_line(text, f"{prefix}hatch-test"), ("pytest tests",)
            found.append(
                Candidate("hatch test", path, line, Origin.TASK, name, "", folder, resolved=commands, runner="hatch")
            )
            continue
        scripts = _hatch_scripts(name, environments, 0)
        env = {key: value for key, value in mapping(environments, name, "env-vars").items() if isinstance(value, str)}
        for script in mapping(environments, name, "scripts"):
            resolved = tuple(_hatch_commands(script, scripts, 0))
            full = script if name == "default" else f"{name}:{script}"
            command = f"hatch run {full}"
            line = table_line(text, f"{prefix}{name}.scripts", script)
            if resolved:
                found.append(
                    Candidate(
                        command, path, line, Origin.TASK, full, "", folder, resolved=resolved, env=env, runner="hatch"
                    )
                )
    return found


def _hatch_scripts(name: str, environments: dict[str, object], depth: int) -> dict[str, object]:
    template = mapping(environments, name).get("template", "default")
    own = mapping(environments, name, "scripts")
    if name == template or not isinstance(template, str) or depth > _MOST_DEPTH:
        return own
    return _hatch_scripts(template, environments, depth + 1) | own


def _hatch_commands(script: str, scripts: dict[str, object], depth: int) -> list[str]:
    found: list[str] = []
    for line in strings(scripts.get(script))[:_MOST_LINES]:
        first, _, rest = line.removeprefix("- ").strip().partition(" ")
        if first in scripts and first != script and depth < _MOST_DEPTH:
            inner = _hatch_commands(first, scripts, depth + 1)
            # what follows the name of a script stands where that has its arguments, or behind it
            found += [*inner[:-1], f"{inner[-1]} {_arguments(rest)}".strip()] if inner else []
        elif text := _arguments(line.removeprefix("- ")):
            found.append(text)
    return found


def _arguments(text: str) -> str:
    return re.sub(r"[ \t]+", " ", _ARGUMENTS.sub(lambda match: match[1] or "", text)).strip()
