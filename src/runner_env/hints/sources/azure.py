"""Steps of Azure Pipelines, templates of the same repository included."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources import script
from runner_env.hints.sources.expressions import platform_of
from runner_env.hints.sources.tree import folder_of, inside
from runner_env.hints.sources.yamltext import Node

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_FILES = r"\.?azure-pipelines[^/]*\.ya?ml|\.azure-pipelines/[^/]+\.ya?ml|\.azure/[^/]+\.ya?ml|\.ci/azure[^/]*\.ya?ml"
_MOST_FILES = 8
_MOST_DEPTH = 8
_MACRO = re.compile(r"\$\(([\w.]+)\)|\$\{\{\s*(?:parameters|variables)\.([\w.]+)\s*\}\}")
_FOLDERS = re.compile(
    r"^\$\((?:System\.DefaultWorkingDirectory|Build\.(?:SourcesDirectory|Repository\.LocalPath))\)/?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    name: str
    platform: str
    values: dict[str, tuple[str, ...]]
    before: list[str] = field(default_factory=list)
    budget: script.Budget = field(default_factory=script.Budget)
    depth: int = 0


def find(tree: Tree) -> list[Candidate]:
    """One candidate for each script of each job."""
    found: list[Candidate] = []
    for path in tree.matching(_FILES, _MOST_FILES, within=tree.ending("yml", "yaml")):
        root = tree.document(path)
        found += _walk(tree, root, _Place(path, "", platform_of(_pool(root)), _values(root)))
    return found


def _pool(node: Node) -> str:
    return node.get("pool", "vmImage").text or node.get("pool").text


def _values(node: Node) -> dict[str, tuple[str, ...]]:
    """Variables, defaults of parameters and what the cells of a matrix set."""
    found: dict[str, tuple[str, ...]] = {}
    found |= {key: (value,) for key, value in script.texts(node.get("variables")).items()}
    for item in [*node.get("variables").items, *node.get("parameters").items]:
        value = item.get("value").text or item.get("default").text
        if item.get("name").text and value:
            found[item.get("name").text] = (value,)
    found |= {key: (value,) for key, value in script.texts(node.get("parameters")).items()}
    cells = list(node.get("strategy", "matrix").entries.values())
    for cell in sorted(cells, key=lambda cell: bool(platform_of(" ".join(script.texts(cell).values())))):
        for key, value in script.texts(cell).items():
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), value)))
    return found


def _walk(tree: Tree, node: Node, place: _Place) -> list[Candidate]:
    """Everything below stages, jobs and steps, templates and conditional insertions included."""
    if place.depth > _MOST_DEPTH:
        return []
    found: list[Candidate] = []
    deeper = replace(place, depth=place.depth + 1)
    for key in ("stages", "jobs", "steps"):
        for item in node.get(key).items:
            found += _item(tree, item, deeper if key == "steps" else replace(deeper, before=[]))
    for key in ("deploy", "runOnce", "strategy"):
        if node.get(key).entries:
            found += _walk(tree, node.get(key), deeper)
    return found


def _item(tree: Tree, item: Node, place: _Place) -> list[Candidate]:
    if not place.budget.spend():
        return []
    if item.get("template").text:
        return _template(tree, item, place)
    inserted = [value for key, value in item.entries.items() if key.startswith("${{")]
    if inserted:
        found: list[Candidate] = []
        for value in inserted:
            for entry in value.items:
                found += _item(tree, entry, place)
        return found
    title = item.get("displayName").text or item.get("job").text or item.get("stage").text
    name = " > ".join(part for part in (place.name, title) if part)
    step = _step(item)
    if step:
        return _run(item, step, replace(place, name=name))
    values = place.values | _values(item)
    image = _MACRO.sub(lambda match: next(iter(values.get(match[1] or match[2], ())), ""), _pool(item))
    platform = platform_of(image) if image else place.platform
    return _walk(tree, item, replace(place, name=name, values=values, platform=platform))


def _template(tree: Tree, item: Node, place: _Place) -> list[Candidate]:
    stated = item.get("template").text
    path = inside("" if stated.startswith("/") else folder_of(place.path), stated.lstrip("/"))
    if not path or not tree.readable(path):
        return []
    root = tree.document(path)
    given = {key: (value,) for key, value in script.texts(item.get("parameters")).items()}
    values = place.values | _values(root) | given
    return _walk(tree, root, replace(place, path=path, values=values, depth=place.depth + 1))


def _step(item: Node) -> Node | None:
    """The command line of a step, or what a task of the service is documented to run."""
    for key in ("script", "bash", "pwsh", "powershell"):
        if item.get(key).text:
            return item.get(key)
    task, inputs = item.get("task").text.partition("@")[0], item.get("inputs")
    command = ""
    if task == "DotNetCoreCLI" and inputs.get("command").text == "test":
        projects = inputs.get("projects").text
        command = f"dotnet test {projects if '*' not in projects else ''} {inputs.get('arguments').text}"
    elif task == "Maven":
        command = f"mvn {inputs.get('goals').text or 'package'} {inputs.get('options').text}"
    elif task == "Gradle":
        command = f"./gradlew {inputs.get('tasks').text or 'build'}"
    elif task == "Npm" and inputs.get("command").text == "custom":
        command = f"npm {inputs.get('customCommand').text}"
    elif task in ("Bash", "CmdLine") and inputs.get("script").text:
        return inputs.get("script")
    return Node(command.strip(), item.line) if command else None


def _run(item: Node, step: Node, place: _Place) -> list[Candidate]:
    stated = item.get("workingDirectory").text or item.get("inputs", "workingDirectory").text
    folder = inside("", _FOLDERS.sub("", stated))
    if folder is None or "$" in folder or item.get("condition").text.startswith(("failed", "false")):
        return []
    env = {key: value for key, value in script.texts(item.get("env")).items() if "$(" not in value}
    values = {
        match[0]: place.values[match[1] or match[2]]
        for match in _MACRO.finditer("\n".join((*place.before, step.text)))
        if (match[1] or match[2]) in place.values
    }
    windows = "powershell" in item.entries or "windows" in item.get("condition").text.lower()
    text = Candidate(
        step.text,
        place.path,
        step.line,
        Origin.CI,
        place.name,
        workdir=folder,
        before=tuple(place.before),
        values=values,
        env=env,
        platform="windows" if windows else place.platform,
    )
    place.before.append(step.text)
    return [text]
