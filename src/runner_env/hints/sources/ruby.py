"""Ruby: tasks of Rakefiles, RSpec and Minitest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.cargo import implied
from runner_env.hints.sources.tree import numbered

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_RAKEFILES = ("Rakefile", "rakefile", "Rakefile.rb", "rakefile.rb")
_TASK = re.compile(
    r"\s*(?:(?:Rake|Minitest)::(TestTask)|(?:RSpec::Core|Spec::Rake)::(RakeTask|SpecTask)|(?:Cucumber::Rake::)?(?:Task|task|multitask))"
    r"(?:\.(?:new|create|define))?\b\s*\(?\s*(.*)"
)
_NAME = re.compile(r"""[:'"]?([A-Za-z_]\w*(?::\w+)*)['"]?""")
_NEEDS = re.compile(r"(?:=>|^['\"]?[\w:]+['\"]?:\s)\s*(?:%[iwIW])?(\[[^\]]*\]|[:'\"][\w:]+)")
_SHELL = re.compile(r"""\s*(?:sh|system|ruby)\s*\(?\s*(?:"([^"]*)"|'([^']*)')""")
_DESCRIPTION = re.compile(r"""\s*desc\s*\(?\s*(?:"([^"]*)"|'([^']*)')""")
_NAMESPACE = re.compile(r"(\s*)namespace\s*\(?\s*[:'\"](\w+)")
_RUNS = {"TestTask": "ruby -Itest", "RakeTask": "rspec", "SpecTask": "rspec"}
_DEFAULT_NAMES = {"TestTask": "test", "RakeTask": "spec", "SpecTask": "spec"}


@dataclass(slots=True)
class _Task:
    """A rake task, as far as a line-wise look at a Rakefile tells."""

    line: int
    help: str = ""
    needs: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)


def find(tree: Tree) -> list[Candidate]:
    """`rake NAME` for each task of the Rakefile, and what a folder of specs or tests implies."""
    found: list[Candidate] = []
    bundle = "bundle exec " if tree.has("Gemfile") else ""
    for path in tree.manifests(*_RAKEFILES, depth=0):
        found += _rakefile(tree, path, bundle)
    specs = tree.matching(r"spec/.*_spec\.rb", 1, within=tree.ending("rb"))
    minitests = tree.matching(r"test/.*(?:_test|/test_[^/]*|/tc_[^/]*)\.rb", 1, within=tree.ending("rb"))
    if specs:
        path = tree.first(".rspec", "Gemfile", *specs)
        found.append(implied(f"{bundle}rspec", path, 1, 0.7, "rspec"))
    elif tree.has("bin/rails") and minitests:
        found.append(implied("bin/rails test", "bin/rails", 1, 0.8))
    elif minitests and tree.first(*_RAKEFILES) and not any(candidate.name == "test" for candidate in found):
        found.append(implied(f"{bundle}rake test", tree.first(*_RAKEFILES), 1, 0.5, "test"))
    return found


def _rakefile(tree: Tree, path: str, bundle: str) -> list[Candidate]:
    tasks = _tasks(tree.text(path))
    found: list[Candidate] = []
    for name, task in tasks.items():
        resolved = tuple(_resolved(name, tasks, set()))
        if resolved:
            text = f"{bundle}rake" if name == "default" else f"{bundle}rake {name}"
            found.append(
                Candidate(text, path, task.line, Origin.TASK, name, task.help, resolved=resolved, runner="rake")
            )
    return found


def _tasks(text: str) -> dict[str, _Task]:
    tasks: dict[str, _Task] = {}
    spaces: list[tuple[int, str]] = []
    described = ""
    current: _Task | None = None
    for number, line in numbered(text):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        while spaces and indent <= spaces[-1][0]:
            spaces.pop()
        if match := _NAMESPACE.match(line):
            spaces.append((len(match[1]), match[2]))
        elif match := _DESCRIPTION.match(line):
            described = match[1] or match[2] or ""
        elif (match := _SHELL.match(line)) and current:
            current.runs.append(match[1] or match[2] or "")
        elif match := _TASK.match(line):
            current = _take(tasks, number, match, [name for _, name in spaces])
            current.help, described = current.help or described, ""
    return tasks


def _take(tasks: dict[str, _Task], number: int, match: re.Match[str], spaces: list[str]) -> _Task:
    """The task that a line declares, or adds to."""
    kind = match[1] or match[2] or ""
    rest = re.split(r"\s+do\b|\{", match[3])[0].strip().rstrip(")").strip()
    name = _NAME.match(rest)
    title = ":".join([*spaces, name[1] if name else _DEFAULT_NAMES.get(kind, "test")])
    task = tasks.setdefault(title, _Task(number))
    if kind:
        task.runs.append(_RUNS[kind])
    for needs in _NEEDS.findall(rest):
        task.needs += re.findall(r"[A-Za-z_][\w:]*", needs)
    return task


def _resolved(name: str, tasks: dict[str, _Task], seen: set[str]) -> list[str]:
    if name not in tasks or name in seen:
        return []
    seen.add(name)
    task = tasks[name]
    return [command for need in task.needs for command in _resolved(need, tasks, seen)] + task.runs
