"""Targets of makefiles, resolved through variables, prerequisites and includes; `make` itself is never run."""

from __future__ import annotations

import re
from collections import ChainMap
from dataclasses import dataclass, field
from posixpath import basename, dirname
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.tree import inside, numbered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.hints.sources.tree import Tree

_NAMES = ("GNUmakefile", "makefile", "Makefile")
_MOST_TARGETS = 200
_MOST_COMMANDS = 60
_MOST_DEPTH = 12
_MOST_INCLUDES = 20
_MOST_TEXT = 5_000
_ASSIGNMENT = re.compile(r"\s*(?:(?:export|override)\s+)*([A-Za-z_.][\w.-]*)\s*(\?=|\+=|:::?=|:=|!=|=)\s*(.*)")
_RULE = re.compile(r"([^\s#:=][^:=#]*)::?(?![:=])\s*([^#;]*)(?:;\s*(.*?))?(?:#.*)?")
_DIRECTIVE = re.compile(r"\s*(ifeq|ifneq|ifdef|ifndef|else|endif|include|-include|sinclude|define|endef)\b\s*(.*)")
_REFERENCE = re.compile(r"\$(?:\(([^()$]*)\)|\{([^{}$]*)\}|([@<^?*%+|A-Za-z]))")
_RECIPE_PREFIX = re.compile(r"^[@+-]+\s*")
_SUBSTITUTED = re.compile(r"@(\w+)@")
_PLAIN_TARGET = re.compile(r"[A-Za-z0-9_][\w./:-]*")
_FILE_LIKE = re.compile(r".*\.[A-Za-z]{1,4}$|.*/.*")
_NO_MAKEFILE = re.compile(r"\.(?:[dochS]|cc|cpp|cxx|hpp|dep|py|sh|lua|ll?|yy?|rs|go)$")
_HELP = re.compile(r"##\s*(.*)$")
_STANDARD = {
    "MAKE": "make",
    "CURDIR": ".",
    "PWD": ".",
    "SHELL": "sh",
    "RM": "rm -f",
    "CC": "cc",
    "CXX": "c++",
    "OS": "Linux",
    "MAKEFLAGS": "",
}


@dataclass(slots=True)
class _Rule:
    """A target: where it is named, what it needs and runs."""

    line: int
    path: str
    needs: list[str] = field(default_factory=list)
    recipe: list[str] = field(default_factory=list)
    help: str = ""


@dataclass(slots=True)
class _Makefile:
    """What a makefile and those that it includes say."""

    rules: dict[str, _Rule] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    phony: set[str] = field(default_factory=set)
    expanded: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    """For targets that were asked for: what they need and what they run, variables filled in."""


def find(tree: Tree) -> list[Candidate]:
    """`make TARGET` for every target of the makefile that `make` would read, at the root or else one folder deep."""
    found: list[Candidate] = []
    for path in _makefiles(tree):
        makefile = _Makefile()
        _Reader(tree, makefile).read(path)
        folder = dirname(path)
        for name, rule in list(makefile.rules.items())[:_MOST_TARGETS]:
            if name == ".PHONY" or not _PLAIN_TARGET.fullmatch(name):
                continue
            if _FILE_LIKE.fullmatch(name) and name not in makefile.phony:
                continue
            resolved = _resolved(makefile, name, set(), 0)
            if resolved:
                found.append(
                    Candidate(
                        f"make {name}",
                        rule.path,
                        rule.line,
                        Origin.TASK,
                        name,
                        rule.help,
                        folder,
                        ("./configure",) if path.endswith(".in") else (),
                        resolved=tuple(resolved[:_MOST_COMMANDS]),
                        runner="make",
                    )
                )
    return found


def _makefiles(tree: Tree) -> list[str]:
    """One for each folder; `Makefile.in` of the root stands for the one that `./configure` makes of it."""
    paths = tree.manifests(*_NAMES, depth=1, most=8)
    if not paths and all("/" in path for path in tree.shallow):
        paths = tree.manifests(*_NAMES, depth=2, most=8)  # everything is in one folder
    chosen: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: _NAMES.index(basename(path))):
        chosen.setdefault(dirname(path), path)
    if not chosen and tree.has("Makefile.in") and not tree.has("Makefile.am"):
        return ["Makefile.in"]
    return list(chosen.values())


class _Reader:
    def __init__(self, tree: Tree, makefile: _Makefile) -> None:
        self.tree = tree
        self.makefile = makefile
        self.seen: set[str] = set()
        self.current: list[_Rule] = []
        self.branches: list[bool] = []
        self.comment = ""
        self.pattern_rule = False

    def read(self, path: str) -> None:
        """Takes in the file at `path` and what it includes."""
        defining = False
        begun = 0
        pending = ""
        text = self.tree.text(path)
        if path.endswith(".in"):
            text = _SUBSTITUTED.sub(lambda match: "." if "dir" in match[1] else f"$${match[1]}", text)
        for number, raw in numbered(text):
            begun = begun if pending else number
            line = pending + (raw.lstrip() if pending else raw)
            if line.endswith("\\") and not line.lstrip().startswith("#"):
                pending = line[:-1].rstrip() + " "
                continue
            pending = ""
            if defining or line.startswith(("define ", "endef")):
                defining = not line.startswith("endef")
                continue
            self._line(path, begun, line)

    def _line(self, path: str, number: int, line: str) -> None:
        if line.startswith("\t"):
            self._recipe(line[1:])
            return
        if line.lstrip().startswith("#"):
            self.comment = line.lstrip("# \t").strip()
            return
        if match := _DIRECTIVE.fullmatch(line):
            self._directive(path, match[1], match[2])
        elif match := _ASSIGNMENT.fullmatch(line):
            self._assign(match[1], match[2], match[3])
        elif match := _RULE.fullmatch(line):
            self._rule(path, number, match, line)
        if not line.strip():
            self.comment = ""

    def _recipe(self, text: str) -> None:
        text = text.strip()
        if text and not text.startswith("#"):
            for rule in self.current:
                rule.recipe.append(text)

    def _directive(self, path: str, word: str, rest: str) -> None:
        if word.startswith("if"):
            self.branches.append(True)
        elif word == "else" and self.branches:
            self.branches[-1] = False
        elif word == "endif" and self.branches:
            self.branches.pop()
        elif "include" in word:
            for name in _expand(rest, self.makefile.variables).split():
                other = inside(dirname(path), name)
                fresh = other and other not in self.seen and not _NO_MAKEFILE.search(other)
                if other and fresh and len(self.seen) < _MOST_INCLUDES and self.tree.readable(other):
                    self.seen.add(other)
                    self.read(other)

    def _assign(self, name: str, operator: str, value: str) -> None:
        variables = self.makefile.variables
        value = re.sub(r"\s+#.*$", "", value).strip()
        if operator == "+=":
            variables[name] = f"{variables.get(name, '')} {value}".strip()[:_MOST_TEXT]
        elif operator == "!=":
            variables.setdefault(name, f"$(shell {value})")
        elif operator == "?=" or False in self.branches:
            variables.setdefault(name, value)
        else:
            variables[name] = _expand(value, variables) if operator != "=" else value

    def _rule(self, path: str, number: int, match: re.Match[str], line: str) -> None:
        self.current = []
        names = _expand(match[1], self.makefile.variables).split()
        needs = match[2].replace("|", " ")
        if re.match(r"\s*[A-Za-z_][\w.-]*\s*[:+?]?=", match[2]):
            return
        help_text = _HELP.search(line)
        for name in names[:50]:
            if name == ".PHONY":
                self.makefile.phony.update(_expand(needs, self.makefile.variables).split())
                continue
            if "%" in name:
                continue
            rule = self.makefile.rules.setdefault(name, _Rule(number, path))
            if not rule.recipe and (match[3] or not rule.needs):
                rule.line, rule.path = number, path
            rule.needs += needs.split()
            rule.help = rule.help or (help_text[1] if help_text else self.comment)
            if match[3]:
                rule.recipe.append(match[3])
            # branches of a condition are alternatives, of which the first one is taken
            if not (rule.recipe and False in self.branches):
                self.current.append(rule)
        self.comment = ""


def _resolved(makefile: _Makefile, name: str, seen: set[str], depth: int) -> list[str]:
    """The commands of a target after those of what it needs, each target once."""
    rule = makefile.rules.get(name)
    if rule is None or name in seen or depth > _MOST_DEPTH:
        return []
    seen.add(name)
    found: list[str] = []
    needs, recipe = _filled(makefile, name, rule)
    for need in needs[:40]:
        found += _resolved(makefile, need, seen, depth + 1)
    for text in recipe:
        again = re.fullmatch(r"\$?\(?make\)?(?:\s+--?[\w-]+)*\s+([\w./-]+)", text)
        if again and again[1] in makefile.rules:
            found += _resolved(makefile, again[1], seen, depth + 1)
        else:
            found.append(text)
        if len(found) > _MOST_COMMANDS:
            break
    return found


def _filled(makefile: _Makefile, name: str, rule: _Rule) -> tuple[list[str], list[str]]:
    """What a target needs and the lines of its recipe, with variables filled in."""
    if name not in makefile.expanded:
        needs = _expand(" ".join(rule.needs), makefile.variables).split()
        automatic = dict.fromkeys("*?%+|", "") | {"@": name, "<": needs[0] if needs else "", "^": " ".join(needs)}
        variables = ChainMap(automatic, makefile.variables)
        lines = [_RECIPE_PREFIX.sub("", _expand(line, variables).strip()) for line in rule.recipe]
        makefile.expanded[name] = needs, [text for line in lines if (text := re.sub(r"[ \t]{2,}", " ", line).strip())]
    return makefile.expanded[name]


def _expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` with variables filled in; calls of functions that cannot be told stay as they are written."""
    text = text.replace("$$", "\0")
    for _ in range(_MOST_DEPTH):
        replaced = _REFERENCE.sub(lambda match: _value(match, variables), text)
        if replaced == text or len(replaced) > _MOST_TEXT:
            break
        text = replaced
    return text.replace("\1", "$").replace("\0", "$")


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    inner = match[1] if match[1] is not None else match[2] if match[2] is not None else match[3]
    name, _, rest = inner.strip().partition(" ")
    if not rest and re.fullmatch(r"[\w.@<^?*%+|-]+", name):
        return variables.get(name, _STANDARD.get(name, ""))[:_MOST_TEXT].replace("$$", "\0")
    if name == "or":
        return next((part.strip() for part in rest.split(",") if part.strip()), "")
    if name in ("strip", "firstword", "sort", "abspath", "realpath", "call", "info", "warning", "foreach", "value"):
        return {
            "firstword": " ".join(rest.split()[:1]),
            "call": "",
            "info": "",
            "warning": "",
            "foreach": "",
            "value": "",
        }.get(name, rest.strip())
    if re.fullmatch(r"[A-Za-z_]\w*:[^=]*=.*", inner):
        return variables.get(inner.partition(":")[0], "")
    if name == "shell" and re.match(r"(command -v|which)\s+\S+", rest):
        return rest.split()[2] if rest.startswith("command") else rest.split()[1]
    return f"\1({inner})"
