"""Commands of GitHub Actions workflows, composite actions and reusable workflows of the same repository."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.expressions import (
    combinations,
    condition_platform,
    filled,
    platform_of,
    scope_of,
    values_in,
)
from runner_env.hints.sources.script import Budget
from runner_env.hints.sources.tree import inside
from runner_env.hints.sources.yamltext import Node

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_WORKFLOW = r"\.github/workflows/[^/]+\.ya?ml"
_MOST_WORKFLOWS = 24
_MOST_STEPS = 400
_MOST_NESTING = 4
_FIRST = re.compile(r"test|ci|build|check|main|unit|python|node|go|rust|bench|eval", re.IGNORECASE)
_LAST = re.compile(r"release|publish|deploy|docs?|lint|stale|label|codeql|triage|dependabot|scorecard", re.IGNORECASE)
_OTHER_SHELLS = re.compile(r"^(pwsh|powershell|cmd)\b")
_NO_SHELLS = re.compile(r"^(python|perl|node|ruby|Rscript|julia|nu|deno)\b")


@dataclass(frozen=True, slots=True)
class _Place:
    """What holds for the steps of a job or composite action."""

    path: str
    name: str
    workdir: str
    shell: str
    platform: str
    env: dict[str, str]
    scope: dict[str, tuple[str, ...]]
    nesting: int = 0
    before: list[str] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)


def find(tree: Tree) -> list[Candidate]:
    """The `run` blocks of all jobs, and what well-known actions run."""
    paths = sorted(
        tree.matching(_WORKFLOW, within=tree.ending("yml", "yaml")),
        key=lambda path: (bool(_LAST.search(path)), not _FIRST.search(path), path),
    )
    workflows = {path: tree.document(path) for path in paths[:_MOST_WORKFLOWS]}
    callers = _callers(workflows)
    found: list[Candidate] = []
    for path, root in workflows.items():
        found += _workflow(tree, path, root, callers.get(path, {}))
    return found[:_MOST_STEPS]


def _callers(workflows: dict[str, Node]) -> dict[str, dict[str, tuple[str, ...]]]:
    """For each reusable workflow the inputs that jobs of this repository hand to it."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for root in workflows.values():
        for job in root.get("jobs").entries.values():
            uses = job.get("uses").text
            if uses.startswith("./"):
                inputs = found.setdefault(uses[2:], {})
                scope = scope_of(combinations(job.get("strategy", "matrix")))
                for key, node in job.get("with").entries.items():
                    value = filled(node.text, scope)
                    if value is not None:
                        inputs[f"inputs.{key}"] = (*inputs.get(f"inputs.{key}", ()), value)
    return found


def _workflow(tree: Tree, path: str, root: Node, given: dict[str, tuple[str, ...]]) -> list[Candidate]:
    scope = {
        **_defaults(root.get("on", "workflow_dispatch", "inputs")),
        **_defaults(root.get("on", "workflow_call", "inputs")),
    }
    scope |= given
    name = root.get("name").text or path.rpartition("/")[2]
    found: list[Candidate] = []
    for key, job in root.get("jobs").entries.items():
        place = _job_place(path, root, job, scope, f"{name} > {job.get('name').text or key}")
        if place:
            found += _steps(tree, job.get("steps"), place)
    return found


def _job_place(path: str, root: Node, job: Node, scope: dict[str, tuple[str, ...]], name: str) -> _Place | None:
    where = condition_platform(job.get("if").text)
    if where is None or job.get("uses").text:
        return None
    env = _texts(root.get("env")) | _texts(job.get("env"))
    scope = scope | scope_of(combinations(job.get("strategy", "matrix")))
    scope |= {f"env.{key}": (value,) for key, value in env.items()}
    runs_on = job.get("runs-on")
    label = " ".join(item.text for item in runs_on.items) or runs_on.get("labels").text
    defaults = [node.get("defaults", "run") for node in (job, root)]
    return _Place(
        path,
        _shown(name, scope),
        next((node.get("working-directory").text for node in defaults if node.get("working-directory").text), ""),
        next((node.get("shell").text for node in defaults if node.get("shell").text), ""),
        platform_of(filled(label, scope) or "") or where,
        env,
        scope,
    )


def _shown(name: str, scope: dict[str, tuple[str, ...]]) -> str:
    return filled(name, scope) or re.sub(r"\s*\$\{\{.*?\}\}", "", name)


def _defaults(inputs: Node) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, node in inputs.entries.items():
        options = tuple(item.text for item in node.get("options").items)
        default = node.get("default")
        values = tuple(dict.fromkeys((*((default.text,) if "default" in node.entries else ()), *options)))
        if values:
            found[f"inputs.{key}"] = values
    return found


def _texts(node: Node) -> dict[str, str]:
    return {key: value.text for key, value in node.entries.items() if isinstance(value.value, str)}


def _steps(tree: Tree, steps: Node, place: _Place) -> list[Candidate]:
    found: list[Candidate] = []
    for step in steps.items:
        where = condition_platform(step.get("if").text)
        if where is None or not place.budget.spend():
            continue
        here = replace(place, platform=where or place.platform)
        uses = step.get("uses").text
        if uses.startswith("./"):
            found += _composite(tree, uses, step, here)
            continue
        new = _known_action(uses, step, here) if uses else _run(step, here, step.get("run"))
        if where in ("", place.platform):
            place.before.extend(candidate.text for candidate in new)
        found += new
    return found


def _composite(tree: Tree, uses: str, step: Node, place: _Place) -> list[Candidate]:
    folder = inside("", uses)
    choices = [] if folder is None else [f"{folder}/{name}".lstrip("/") for name in ("action.yml", "action.yaml")]
    path = next(filter(tree.readable, choices), "")
    root = tree.document(path) if path else Node("", 1)
    if root.get("runs", "using").text != "composite" or place.nesting >= _MOST_NESTING:
        return []
    given = {
        f"inputs.{key}": values_in(node.text, place.scope).get(node.text) or (node.text,)
        for key, node in step.get("with").entries.items()
    }
    scope = place.scope | _defaults(root.get("inputs")) | given
    name = f"{place.name} > {step.get('name').text or root.get('name').text}"
    return _steps(
        tree,
        root.get("runs", "steps"),
        replace(place, path=path, name=name, scope=scope, nesting=place.nesting + 1, workdir=""),
    )


def _run(step: Node, place: _Place, run: Node) -> list[Candidate]:
    shell = step.get("shell").text or place.shell
    env = place.env | _texts(step.get("env"))
    scope = place.scope | {f"env.{key}": (value,) for key, value in env.items()}
    stated = filled(step.get("working-directory").text or place.workdir, scope)
    workdir = None if stated is None else inside("", _relative(stated))
    if not run.text or workdir is None or _NO_SHELLS.match(shell):
        return []
    name = step.get("name").text
    return [
        Candidate(
            run.text,
            place.path,
            run.line,
            Origin.CI,
            name=f"{place.name} > {_shown(name, scope)}" if name else place.name,
            workdir=workdir,
            before=tuple(place.before),
            values=values_in("\n".join((*place.before, run.text)), scope),
            env={key: value for key, text in env.items() if (value := filled(text, scope)) is not None},
            platform="windows" if _OTHER_SHELLS.match(shell) and place.platform != "macos" else place.platform,
        )
    ]


def _relative(folder: str) -> str:
    return re.sub(r"^(\$\{?GITHUB_WORKSPACE\}?/?|\./)*", "", folder)


def _known_action(uses: str, step: Node, place: _Place) -> list[Candidate]:
    """What an action of others is known to run: its documented inputs are command lines."""
    action, given = uses.partition("@")[0].lower(), step.get("with")
    command = ""
    if action == "actions-rs/cargo":
        command = f"cargo {given.get('command').text} {given.get('args').text}"
    elif action in ("gradle/gradle-build-action", "gradle/actions/setup-gradle", "eskatos/gradle-command-action"):
        command = f"./gradlew {given.get('arguments').text}" if given.get("arguments").text else ""
    elif action == "borales/actions-yarn":
        command = f"yarn {given.get('cmd').text}"
    elif action == "julia-actions/julia-runtest":
        command = "julia --project -e 'using Pkg; Pkg.test()'"
    elif action.endswith(("xvfb-action", "setup-xvfb")):
        command = given.get("run").text
    elif action in (
        "nick-fields/retry",
        "nick-invision/retry",
        "wandalen/wretry.action",
        "reactivecircus/android-emulator-runner",
    ):
        command = given.get("command").text or given.get("script").text
    if not command.strip():
        return []
    node = next(
        (given.get(key) for key in ("run", "command", "script", "cmd", "arguments") if given.get(key).text), given
    )
    line = node.line if command.startswith(node.text or "\0") else step.line
    return _run(step, place, Node(command.strip(), line))
