"""Recipes of justfiles and tasks of `Taskfile.yml`, resolved through what they depend on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.tree import folder_of, inside, numbered
from runner_env.hints.sources.yamltext import Node

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

JUSTFILES = ("justfile", "Justfile", ".justfile", "JUSTFILE")
TASKFILES = (
    "Taskfile.yml",
    "taskfile.yml",
    "Taskfile.yaml",
    "taskfile.yaml",
    "Taskfile.dist.yml",
    "Taskfile.dist.yaml",
)
_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)")
_LITERAL = re.compile(r"(?:env(?:_var_or_default)?\([^,]*,\s*)?['\"]([^'\"]*)['\"]\)?")
_IMPORT = re.compile(r"import\??\s+[\"']([^\"']+)[\"']")
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s+[^:]*)?):(?!=)\s*(.*)")
_PARAMETER = re.compile(r"[*+$]*([A-Za-z_][\w-]*)(?:=(?:'([^']*)'|\"([^\"]*)\"|(\S+)))?")
_BRACES = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_MOST_DEPTH = 8
_MOST_COMMANDS = 60


@dataclass(slots=True)
class _Recipe:
    """A recipe or task: where it is, what it needs and runs."""

    line: int
    needs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    help: str = ""
    after: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Add a line, or the rest of one that a backslash continues."""
        if self.lines and self.lines[-1].endswith("\\"):
            self.lines[-1] = f"{self.lines[-1][:-1].rstrip()} {line}"
        else:
            self.lines.append(line)

    def unlisted(self) -> _Recipe:
        """The same as another file sees it: there to be resolved, but its line is none of that file."""
        return _Recipe(0, self.needs, self.lines, self.values)


def find(tree: Tree) -> list[Candidate]:
    """`just NAME` and `task NAME`."""
    found: list[Candidate] = []
    for path in tree.manifests(*JUSTFILES, depth=1):
        recipes, variables = _justfile(tree, path, 0)
        found += _candidates(path, "just", recipes, variables)
    for path in tree.manifests(*TASKFILES, depth=1):
        recipes, variables = _taskfile(tree, path, 0)
        found += _candidates(path, "task", recipes, variables)
    return found


def _candidates(path: str, runner: str, recipes: dict[str, _Recipe], variables: dict[str, str]) -> list[Candidate]:
    found: list[Candidate] = []
    for name, recipe in recipes.items():
        resolved = _resolved(name, recipes, variables, set(), 0)
        hidden = name.startswith("_")
        if resolved and not hidden and recipe.line:
            commands = tuple(resolved[:_MOST_COMMANDS])
            text, folder = f"{runner} {name}", folder_of(path)
            found.append(
                Candidate(
                    text, path, recipe.line, Origin.TASK, name, recipe.help, folder, resolved=commands, runner=runner
                )
            )
    return found


def _resolved(
    name: str, recipes: dict[str, _Recipe], variables: dict[str, str], seen: set[str], depth: int
) -> list[str]:
    recipe = recipes.get(name)
    if recipe is None or name in seen or depth > _MOST_DEPTH:
        return []
    seen.add(name)
    found: list[str] = []
    for need in recipe.needs:
        found += _resolved(need, recipes, variables, seen, depth + 1)
    values = variables | recipe.values
    for line in recipe.lines:
        text = _filled(line, values).lstrip("@-").strip()
        again = re.fullmatch(r"(?:just|task)\s+([\w:.-]+)(?:\s.*)?", text)
        if again and again[1] in recipes:
            found += _resolved(again[1], recipes, variables, seen, depth + 1)
        elif text:
            found.append(text)
    for need in recipe.after:
        found += _resolved(need, recipes, variables, seen, depth + 1)
    return found


def _filled(text: str, values: dict[str, str]) -> str:
    """`text` with what is in braces filled in; what cannot be told becomes nothing if it is arguments, else stays."""

    def value(match: re.Match[str]) -> str:
        inner = match[1].removeprefix(".").strip()
        if inner in ("CLI_ARGS", "args", "ARGS"):
            return values.get(inner, "")
        if re.fullmatch(r"'[^']*'|\"[^\"]*\"", inner):
            return inner[1:-1]
        return values.get(inner, match[0] if inner not in values else "")

    for _ in range(4):
        replaced = _BRACES.sub(value, text)
        if replaced == text:
            break
        text = replaced
    return re.sub(r"[ \t]{2,}", " ", text).strip()


def _justfile(tree: Tree, path: str, depth: int) -> tuple[dict[str, _Recipe], dict[str, str]]:
    recipes: dict[str, _Recipe] = {}
    variables: dict[str, str] = {
        "just_executable()": "just",
        "justfile_directory()": ".",
        "invocation_directory()": ".",
    }
    recipe: _Recipe | None = None
    comment = ""
    for number, line in numbered(re.sub(r"\\\n\s*", " ", tree.text(path)) if depth else tree.text(path)):
        if line[:1] in (" ", "\t"):
            if recipe and line.strip() and not line.strip().startswith("#"):
                recipe.take(line.strip())
            continue
        if imported := _IMPORT.match(line):
            other = inside(folder_of(path), imported[1])
            if other and depth < 3 and tree.readable(other):
                more, values = _justfile(tree, other, depth + 1)
                recipes |= {name: one.unlisted() for name, one in more.items() if name not in recipes}
                variables |= values
        elif line.startswith("#"):
            comment = line.lstrip("# ").strip()
            continue
        elif assigned := _VARIABLE.fullmatch(line.strip()):
            literal = _LITERAL.fullmatch(assigned[2].strip())
            variables[assigned[1]] = literal[1] if literal else ""
        elif line.startswith("[") or not line.strip():
            comment = comment if line.strip() else ""
            continue
        elif (match := _RECIPE.fullmatch(line)) and not line.startswith(("set ", "alias ", "export ", "mod ")):
            recipe = recipes[match[1]] = _just_recipe(number, match, comment)
        comment = ""
    return recipes, variables


def _just_recipe(number: int, match: re.Match[str], comment: str) -> _Recipe:
    values = {
        found[1]: found[2] or found[3] or found[4] or "" for found in _PARAMETER.finditer(match[2].strip()) if found[1]
    }
    before, _, after = re.sub(r"\([^\s()]+([^()]*)\)", lambda call: call[0].strip("()").split()[0], match[3]).partition(
        "&&"
    )
    before = before.partition("#")[0]
    return _Recipe(number, before.split(), [], values, comment, after.partition("#")[0].split())


def _taskfile(tree: Tree, path: str, depth: int) -> tuple[dict[str, _Recipe], dict[str, str]]:
    root = tree.document(path)
    variables = _variables(root.get("vars"))
    recipes: dict[str, _Recipe] = {}
    for name, task in root.get("tasks").entries.items():
        recipes[name] = _task(task)
    for prefix, include in root.get("includes").entries.items():
        stated = include.text or include.get("taskfile").text
        other = inside(folder_of(path), stated)
        choices = [other, *(f"{other}/{name}" for name in TASKFILES)] if other else []
        file = next(filter(tree.readable, choices), "")
        if file and depth < 2:
            more, values = _taskfile(tree, file, depth + 1)
            variables = values | variables
            recipes |= {f"{prefix}:{name}": one.unlisted() for name, one in more.items()}
    return recipes, variables


def _task(task: Node) -> _Recipe:
    commands = task.items or task.get("cmds").items or task.get("cmd").items
    recipe = _Recipe(
        task.line, values=_variables(task.get("vars")), help=task.get("desc").text or task.get("summary").text
    )
    recipe.line = max(1, task.line - (0 if task.text else 1))
    for need in task.get("deps").items:
        recipe.needs.append(need.text or need.get("task").text)
    for command in commands:
        called = command.get("task").text
        text = command.text or command.get("cmd").text or (f"task {called}" if called else "")
        recipe.lines += [text] if text else []
    folder = task.get("dir").text
    if folder and folder != "." and recipe.lines:
        recipe.lines.insert(0, f"cd {folder.removeprefix('./')}")
    return recipe


def _variables(node: Node) -> dict[str, str]:
    return {key: value.text for key, value in node.entries.items() if isinstance(value.value, str)}
