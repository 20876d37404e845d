"""Scripts of Travis CI, AppVeyor, Cirrus CI, Drone, Woodpecker, Buildkite, SourceHut and Jenkins."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.hints.sources import script
from runner_env.hints.sources.cargo import implied
from runner_env.hints.sources.yamltext import Node

if TYPE_CHECKING:
    from runner_env.hints.model import Candidate
    from runner_env.hints.sources.tree import Tree

_SH = re.compile(
    r"""\b(sh|bat|stage)\s*\(?\s*(?:script\s*:\s*)?(?:'''(.*?)'''|\"\"\"(.*?)\"\"\"|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")""",
    re.DOTALL,
)


def find(tree: Tree) -> list[Candidate]:
    """The scripts of all of these services."""
    found: list[Candidate] = []
    for path in (".travis.yml", ".travis.yaml"):
        if tree.has(path):
            found += _travis(path, tree.document(path))
    for path in ("appveyor.yml", ".appveyor.yml"):
        if tree.has(path):
            found += _appveyor(path, tree.document(path))
    if tree.has(".cirrus.yml"):
        found += _cirrus(".cirrus.yml", tree.document(".cirrus.yml"))
    drone = r"\.(?:drone|woodpecker)\.ya?ml|\.woodpecker/[^/]+\.ya?ml"
    buildkite = r"\.buildkite/[^/]*pipeline[^/]*\.ya?ml"
    for path in tree.matching(f"{drone}|{buildkite}", 6, within=tree.ending("yml", "yaml")):
        found += _steps(path, tree.document(path))
    for path in tree.matching(r"\.builds?\.ya?ml|\.builds/[^/]+\.ya?ml", 4, within=tree.shallow):
        found += _sourcehut(path, tree.document(path))
    if tree.has("Jenkinsfile"):
        found += _jenkins("Jenkinsfile", tree.text("Jenkinsfile"))
    return found


def _travis(path: str, root: Node) -> list[Candidate]:
    variables = root.get("env")
    env = script.texts(variables.get("global"))
    cells = [*variables.items, *variables.get("jobs").items, *variables.get("matrix").items]
    env |= next((pairs for cell in cells if (pairs := script.assignments(cell.text) or script.texts(cell))), {})
    setup = [line.text for key in ("before_install", "install", "before_script") for line in script.flat(root.get(key))]
    found: list[Candidate] = []
    if lines := script.flat(root.get("script")):
        found.append(script.candidate(path, script.block(lines), "script", setup, env))
    jobs = [*root.get("jobs", "include").items, *root.get("matrix", "include").items]
    for job in jobs:
        own = env | script.texts(job.get("env")) | script.assignments(job.get("env").text)
        name = job.get("name").text or job.get("stage").text or "script"
        if lines := script.flat(job.get("script")):
            system = {"windows": "windows", "osx": "macos"}.get(job.get("os").text, "")
            made = script.candidate(path, script.block(lines), name, setup, own)
            found.append(replace(made, platform=system))
    default = _TRAVIS_DEFAULTS.get(root.get("language").text, "")
    if default and not found and not root.get("script").entries:
        found.append(replace(implied(default, path, root.get("language").line, 0.7), before=tuple(setup)))
    return found


_TRAVIS_DEFAULTS = {
    "go": "go test -v ./...",
    "rust": "cargo test --verbose",
    "ruby": "rake",
    "node_js": "npm test",
    "php": "phpunit",
    "perl": "make test",
    "groovy": "gradle check",
    "scala": "sbt test",
    "elixir": "mix test",
    "haskell": "cabal test",
    "crystal": "crystal spec",
    "clojure": "lein test",
}
"""What Travis CI runs for a language where no script is given (https://docs.travis-ci.com/user/languages)."""


def _appveyor(path: str, root: Node) -> list[Candidate]:
    lines: list[Node] = []
    image = " ".join(item.text for item in root.get("image").items)
    for key in ("test_script", "build_script"):
        for item in root.get(key).items:
            lines += [item] if item.text else [node for name, node in item.entries.items() if name != "ps"]
    made = script.candidate(path, script.block(lines), "test_script", (), script.texts(root.get("environment")))
    return [replace(made, platform="" if "ubuntu" in image.lower() else "windows")] if lines else []


def _cirrus(path: str, root: Node) -> list[Candidate]:
    found: list[Candidate] = []
    for name, task in root.entries.items():
        if not name.endswith("task"):
            continue
        env = script.texts(root.get("env")) | script.texts(task.get("env"))
        title = task.get("name").text or name.removesuffix("_task")
        before: list[str] = []
        for key, node in task.entries.items():
            lines = script.flat(node) if key.endswith("script") else []
            if lines:
                part = script.block(lines)
                stage = f"{title} > {key.removesuffix('_script')}"
                system = (
                    "windows"
                    if "windows_container" in task.entries
                    else "macos"
                    if "macos_instance" in task.entries
                    else ""
                )
                found.append(replace(script.candidate(path, part, stage, before, env), platform=system))
                before.append(part.text)
    return found


def _steps(path: str, root: Node) -> list[Candidate]:
    """`steps` with `command` or `commands`, a list or a mapping, as Drone, Woodpecker and Buildkite have them."""
    found: list[Candidate] = []
    for key in ("steps", "pipeline"):
        node = root.get(key)
        named = [(name, step) for name, step in node.entries.items()]
        for name, step in named or [("", item) for item in node.items]:
            lines = script.flat(step.get("commands")) or script.flat(step.get("command"))
            title = name or step.get("name").text or step.get("label").text
            env = script.texts(root.get("env")) | script.texts(step.get("env")) | script.texts(step.get("environment"))
            if lines:
                found.append(script.candidate(path, script.block(lines), title, (), env))
    return found


def _sourcehut(path: str, root: Node) -> list[Candidate]:
    found: list[Candidate] = []
    before: list[str] = []
    for item in root.get("tasks").items:
        for name, node in item.entries.items():
            if node.text:
                found.append(script.candidate(path, node, name, before, script.texts(root.get("environment"))))
                before.append(node.text)
    return found


def _jenkins(path: str, text: str) -> list[Candidate]:
    found: list[Candidate] = []
    stage = ""
    before: list[str] = []
    for match in _SH.finditer(text):
        command = next((group for group in match.groups()[1:] if group is not None), "")
        if match[1] == "stage":
            stage = command
        elif match[1] == "sh" and command.strip():
            begun = match.start() + match[0].index(command)
            lead = len(command) - len(command.lstrip())
            line = text.count("\n", 0, begun + lead) + 1
            body = "\n".join(part.strip() for part in command.strip().split("\n"))
            found.append(script.candidate(path, Node(body, line), stage, before))
            before.append(body)
    return found
