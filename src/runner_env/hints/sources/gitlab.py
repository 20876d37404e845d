"""Jobs of GitLab CI: `extends`, `!reference`, `default`, anchors and local includes followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.hints.sources import script
from runner_env.hints.sources.yamltext import Node

if TYPE_CHECKING:
    from runner_env.hints.model import Candidate
    from runner_env.hints.sources.tree import Tree

_FILE = ".gitlab-ci.yml"
_RESERVED = frozenset(
    {"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script", "pages"}
    | {"after_script", "spec"}
)
_MOST_JOBS = 120
_MOST_DEPTH = 6
_MOST_BASES = 5


def find(tree: Tree) -> list[Candidate]:
    """One candidate for the script of each job."""
    jobs: dict[str, Node] = {}
    files: dict[str, str] = {}
    defaults = Node({}, 1)
    for path in _files(tree):
        root = tree.document(path)
        for name, job in root.entries.items():
            if name not in _RESERVED and job.entries:
                jobs.setdefault(name, job)
                files.setdefault(name, path)
        if path == _FILE:
            defaults = root
    found: list[Candidate] = []
    for name, job in list(jobs.items())[:_MOST_JOBS]:
        if name.startswith("."):
            continue
        lines = _lines(_key(job, "script", jobs, 0), jobs, 0)
        before = _key(job, "before_script", jobs, 0)
        if not before.value:
            before = defaults.get("default", "before_script")
        if not before.value:
            before = defaults.get("before_script")
        env = script.texts(defaults.get("variables")) | _variables(job, jobs, 0)
        env |= _matrix(job)
        if lines:
            earlier = [line.text for line in _lines(before, jobs, 0)]
            found.append(script.candidate(files[name], script.block(lines), name, earlier, env))
    return found


def _files(tree: Tree) -> list[str]:
    if not tree.has(_FILE):
        return []
    found = [_FILE]
    included = tree.document(_FILE).get("include")
    for item in included.items or ([included] if included.entries else []):
        local = item.get("local").text or item.text
        for path in (local.lstrip("/").removeprefix("./"),):
            if path not in found and tree.readable(path):
                found.append(path)
    return found


def _bases(job: Node, jobs: dict[str, Node]) -> list[Node]:
    """What a job extends, the strongest first."""
    return [jobs[item.text] for item in reversed(job.get("extends").items[:_MOST_BASES]) if item.text in jobs]


def _key(job: Node, key: str, jobs: dict[str, Node], depth: int) -> Node:
    if key in job.entries or depth > _MOST_DEPTH:
        return job.get(key)
    for base in _bases(job, jobs):
        value = _key(base, key, jobs, depth + 1)
        if value.value:
            return value
    return Node("", 1)


def _variables(job: Node, jobs: dict[str, Node], depth: int) -> dict[str, str]:
    found: dict[str, str] = {}
    if depth <= _MOST_DEPTH:
        for base in reversed(_bases(job, jobs)):
            found |= _variables(base, jobs, depth + 1)
    return found | script.texts(job.get("variables"))


def _matrix(job: Node) -> dict[str, str]:
    """The first value of each variable of `parallel: matrix`."""
    found: dict[str, str] = {}
    for cell in job.get("parallel", "matrix").items:
        for name, values in cell.entries.items():
            if values.items:
                found.setdefault(name, values.items[0].text)
    return found


def _lines(node: Node, jobs: dict[str, Node], depth: int, budget: script.Budget | None = None) -> list[Node]:
    """The command lines under `node`, `!reference [job, key]` followed."""
    budget = budget or script.Budget()
    if not budget.spend():
        return []
    if node.tag == "reference" and depth < _MOST_DEPTH:
        keys = [item.text for item in node.items]
        job = jobs.get(keys[0]) if keys else None
        return _lines(job.get(*keys[1:]), jobs, depth + 1, budget) if job else []
    if isinstance(node.value, list):
        return [line for item in node.value for line in _lines(item, jobs, depth, budget)]
    return script.flat(node)
