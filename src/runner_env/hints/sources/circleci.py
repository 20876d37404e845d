"""Jobs of CircleCI, with the commands of the same file in place of their names; orbs are left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources import script
from runner_env.hints.sources.expressions import platform_of
from runner_env.hints.sources.tree import inside
from runner_env.hints.sources.yamltext import Node

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_FILES = (".circleci/config.yml", ".circleci/config.yaml", ".circleci/continue_config.yml", ".circleci/test.yml")
_PARAMETER = re.compile(r"<<\s*(?:pipeline\.)?(?:parameters|matrix)\.([\w-]+)\s*>>")
_MOST_DEPTH = 4
_Values = dict[str, tuple[str, ...]]


def find(tree: Tree) -> list[Candidate]:
    """One candidate for each `run` of each job."""
    found: list[Candidate] = []
    for path in _FILES:
        if tree.has(path):
            root = tree.document(path)
            given = _given(root)
            for name, job in root.get("jobs").entries.items():
                found += _job(path, root, name, job, given.get(name, {}))
    return found


def _given(root: Node) -> dict[str, _Values]:
    """For each job what workflows hand to it, matrices included."""
    found: dict[str, _Values] = {}
    for workflow in root.get("workflows").entries.values():
        for item in workflow.get("jobs").items:
            for name, call in item.entries.items():
                values = found.setdefault(name, {})
                for key, value in [*call.entries.items(), *call.get("matrix", "parameters").entries.items()]:
                    texts = tuple(entry.text for entry in value.items if entry.text and "<<" not in entry.text)
                    if texts:
                        values[key] = tuple(dict.fromkeys((*values.get(key, ()), *texts)))
    return found


def _defaults(node: Node) -> _Values:
    return {
        key: (value.get("default").text,)
        for key, value in node.get("parameters").entries.items()
        if "default" in value.entries
    }


def _job(path: str, root: Node, name: str, job: Node, given: _Values) -> list[Candidate]:
    executor = job.get("executor").text or job.get("executor", "name").text
    mac = "macos" if root.get("executors", executor, "macos").entries else ""
    machine = f"{executor} {' '.join(job.entries)} {mac}"
    env = script.texts(job.get("environment"))
    values = _defaults(root) | _defaults(job) | given
    workdir = job.get("working_directory").text
    steps = _Steps(path, root, env, platform_of(machine), name, workdir if not workdir.startswith(("~", "/")) else "")
    steps.walk(job.get("steps"), values, 0)
    return steps.found


class _Steps:
    """The steps of one job, in order."""

    def __init__(self, path: str, root: Node, env: dict[str, str], platform: str, name: str, workdir: str) -> None:
        self.path, self.root, self.env, self.platform = path, root, env, platform
        self.name, self.workdir = name, workdir
        self.found: list[Candidate] = []
        self.budget = script.Budget()

    def walk(self, steps: Node, values: _Values, depth: int) -> None:
        """Takes in `steps`, in which a command of the file stands for its own steps."""
        for step in steps.items:
            if not self.budget.spend():
                return
            if step.text and depth < _MOST_DEPTH:
                command = self.root.get("commands", step.text)
                self.walk(command.get("steps"), values | _defaults(command), depth + 1)
            for key, node in step.entries.items():
                if key == "run":
                    self._run(node, values)
                elif key in ("when", "unless") and depth < _MOST_DEPTH:
                    self.walk(node.get("steps"), values, depth + 1)
                elif key in self.root.get("commands").entries and depth < _MOST_DEPTH:
                    command = self.root.get("commands", key)
                    given = {name: (value.text,) for name, value in node.entries.items() if value.text}
                    self.walk(command.get("steps"), values | _defaults(command) | given, depth + 1)

    def _run(self, node: Node, values: _Values) -> None:
        command = node if node.text else node.get("command")
        stated = node.get("working_directory").text
        folder = inside("", re.sub(r"^(?:~/(?:project|repo)/?|\./)", "", stated or self.workdir))
        shell = node.get("shell").text
        if not command.text or folder is None or node.get("when").text == "on_fail":
            return
        env = self.env | script.texts(node.get("environment"))
        title = node.get("name").text
        written = {match[0]: values.get(match[1], ()) for match in _PARAMETER.finditer(command.text)}
        self.found.append(
            Candidate(
                command.text,
                self.path,
                command.line,
                Origin.CI,
                f"{self.name} > {title}" if title else self.name,
                workdir=folder,
                before=tuple(candidate.text for candidate in self.found),
                values={key: value for key, value in written.items() if value} | script.used(env, command.text),
                env=env,
                platform="windows" if "powershell" in shell or "cmd.exe" in shell else self.platform,
            )
        )
