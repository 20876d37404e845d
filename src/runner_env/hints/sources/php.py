"""PHP: scripts of `composer.json`, PHPUnit and Pest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.cargo import below, implied
from runner_env.hints.sources.node import load
from runner_env.hints.sources.toml import mapping, strings
from runner_env.hints.sources.tree import folder_of, line_of

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_EVENT = re.compile(
    r"(?:pre|post)-(?:install|update|status|archive|autoload|root|create|package|file|command|operations)\b.*"
)
_OWN_COMMANDS = frozenset({"install", "update", "check", "validate", "outdated", "require", "audit", "status", "show"})
_TESTS = r"(?:.*/)?[^/]+(?:Test|Spec)\.php|(?:.*/)?[^/]+\.phpt"
_MOST_DEPTH = 4
_MOST_LINES = 20


def find(tree: Tree) -> list[Candidate]:
    """`composer NAME` for each script; PHPUnit or Pest where its configuration and tests are there."""
    found: list[Candidate] = []
    for path in tree.manifests("composer.json"):
        text = tree.text(path)
        scripts = mapping(load(text), "scripts")
        described = mapping(load(text), "scripts-descriptions")
        for name in scripts:
            resolved = tuple(_resolved(name, scripts, set(), 0))
            if resolved and not _EVENT.fullmatch(name):
                command = f"composer run-script {name}" if name in _OWN_COMMANDS else f"composer {name}"
                line = line_of(text, r'"scripts"\s*:', rf'"{re.escape(name)}"\s*:')
                context = str(described.get(name, ""))
                found.append(
                    Candidate(
                        command,
                        path,
                        line,
                        Origin.TASK,
                        name,
                        context,
                        folder_of(path),
                        resolved=resolved,
                        runner="composer",
                    )
                )
    for path in tree.manifests("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml")[:1]:
        if below(tree, folder_of(path), _TESTS, 1):
            pest = '"pestphp/pest"' in tree.text("composer.json")
            line = line_of(tree.text(path), r"<testsuites?\b")
            found.append(implied("vendor/bin/pest" if pest else "vendor/bin/phpunit", path, line, 0.7, "phpunit"))
    return found


def _resolved(name: str, scripts: dict[str, object], seen: set[str], depth: int) -> list[str]:
    if name in seen or depth > _MOST_DEPTH:
        return []
    found: list[str] = []
    for line in strings(scripts.get(name))[:_MOST_LINES]:
        text = line.strip()
        called = re.match(r"@(?:composer\s+(?:run-script\s+|run\s+)?)?([\w:.-]+)(?:\s+--(?=\s))?(.*)", text)
        if called and called[1] in scripts:
            inner = _resolved(called[1], scripts, seen | {name}, depth + 1)
            found += [*inner[:-1], f"{inner[-1]}{called[2]}"] if inner and called[2] else inner
        elif not re.fullmatch(r"[\w\\]+::\w+", text) and not text.startswith(("@putenv", "Composer\\Config")):
            found.append(re.sub(r"^@(php|composer)\b", r"\1", text))
    return found
