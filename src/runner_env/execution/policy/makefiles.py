"""What `make` would run: rules, variables and includes of a makefile, filled in as far as its text tells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from runner_env.execution.policy.markers import UNKNOWN, UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NAMES = ("GNUmakefile", "makefile", "Makefile")
_ASSIGNED = re.compile(r"\s*((?:(?:export|override|private)\s+)*)([\w.-]+)\s*(\?=|\+=|:::?=|:=|!=|=)\s*(.*)", re.DOTALL)
_RULE = re.compile(r"([^\s#:=][^:=#]*?)\s*&?::?(?![:=])([^;]*)(?:;(.*))?", re.DOTALL)
_INCLUDE = re.compile(r"\s*[-s]?include\s+(.*)")
_BRANCH = re.compile(r"\s*(ifn?eq|ifn?def|else|endif)\b")
_DEFINE = re.compile(r"\s*(?:override\s+)?define\s+([\w.-]+)")
_EXPORT = re.compile(r"\s*export\s*([\w\s.-]*)")
_PREFIX = re.compile(r"[@+\s-]*")
_SAYS = frozenset(("info", "warning", "error"))
_SAME = frozenset(("strip", "abspath", "realpath", "value"))
_STANDARD = {"MAKE": "make", "RM": "rm -f", "SHELL": "/bin/sh", "CC": "cc", "CXX": "g++", "AR": "ar", "MAKEFLAGS": ""}
_MAX_VALUE = 16_384
_MAX_DEPTH = 20
_MAX_FILES = 50


class Line(NamedTuple):
    """One piece of shell text and the place where it stands; `file` is as `load` was asked for it."""

    text: str
    file: str
    line: int


@dataclass(slots=True)
class _Rule:
    needs: list[str] = field(default_factory=list)
    recipe: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Makefile:
    """A makefile with all that it includes.

    Attributes:
        load: the text of a file by its name as the makefile has it; None if there is none.
        given: variables that are set from outside; those of the command line win over what the makefile says.
        inherited: variables of the environment.
        exported: names that recipes see as variables of the shell.
    """

    load: Callable[[str], str | None]
    given: Mapping[str, str] = field(default_factory=dict)
    inherited: Mapping[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    _values: dict[str, str] = field(default_factory=dict)
    _rules: dict[str, _Rule] = field(default_factory=dict)
    _asked: list[Line] = field(default_factory=list)  # what `$(shell …)` runs
    _files: int = 0
    _whole: bool = True  # whether every file that is included could be read
    _branches: int = 0
    _current: list[_Rule] = field(default_factory=list)
    _place: tuple[str, int] = ("", 0)

    def read(self, name: str) -> bool:
        """Take in a file; False if there is none."""
        text = self.load(name) if self._files < _MAX_FILES else None
        if text is None:
            return False
        self._files += 1
        defined: tuple[str, list[str]] | None = None
        for number, line in _logical(text):
            self._place = (name, number)
            if defined is not None:
                if line.strip() == "endef":
                    self._values.setdefault(defined[0], "\n".join(defined[1]))
                    defined = None
                else:
                    defined[1].append(line)
            elif (match := _DEFINE.match(line)) and not line.startswith("\t"):
                defined = (match[1], [])
            else:
                self._line(line)
        self._current = []
        return True

    def _line(self, line: str) -> None:
        if line.startswith("\t") and self._current:
            for rule in self._current:
                rule.recipe.append(Line(line, *self._place))
            return
        line = _uncommented(line)
        if match := _BRANCH.match(line):
            self._branches += {"i": 1, "e": 0}[match[1][0]] if match[1] != "endif" else -1
        elif match := _INCLUDE.fullmatch(line):
            self._include(match[1])
        elif match := _ASSIGNED.fullmatch(line):
            self._assign(match)
        elif match := _EXPORT.fullmatch(line):
            self.exported.update(match[1].split() or self._values)
        elif match := _RULE.fullmatch(line):
            self._rule(match)

    def _include(self, names: str) -> None:
        place, current = self._place, self._current
        for name in self.filled(names).split():
            self._whole = self.read(name) and self._whole
        self._place, self._current = place, current

    def _assign(self, match: re.Match[str]) -> None:
        words, name, operator, value = match.groups()
        if "export" in words:
            self.exported.add(name)
        if operator == "!=":
            value = f"$(shell {value})"
        if operator == "+=":
            self._values[name] = f"{self._values.get(name, '')} {value}"[:_MAX_VALUE]
        elif operator == "?=" or self._branches > 0:  # of two branches the first is taken
            self._values.setdefault(name, value)
        else:
            self._values[name] = self.filled(value) if ":" in operator else value

    def _rule(self, match: re.Match[str]) -> None:
        assigned = _ASSIGNED.fullmatch(match[2])
        if assigned:  # a variable for one target
            self._values.setdefault(assigned[2], assigned[4])
            return
        self._current = [self._rules.setdefault(name, _Rule()) for name in self.filled(match[1]).split()[:200]]
        for rule in self._current:
            rule.needs += self.filled(match[2]).replace("|", " ").split()
            if match[3]:
                rule.recipe.append(Line(match[3], *self._place))

    def filled(self, text: str, automatic: Mapping[str, str] | None = None, depth: int = 0) -> str:
        """`text` with its references filled in; markers stand for what is unknown or set by nothing."""
        pieces, at = list[str](), 0
        while (dollar := text.find("$", at)) >= 0 and dollar + 1 < len(text):
            pieces.append(text[at:dollar])
            inner, at = _reference(text, dollar + 1)
            pieces.append("$" if inner == "$" else self._value(inner, automatic or {}, depth))
        return "".join([*pieces, text[at:]])[:_MAX_VALUE]

    def _value(self, name: str, automatic: Mapping[str, str], depth: int) -> str:
        if depth > _MAX_DEPTH:
            return UNKNOWN
        function, _, rest = name.partition(" ")
        if rest:
            words = self.filled(rest, automatic, depth + 1)
            if function == "shell":
                self._asked.append(Line(words, *self._place))
            return "" if function in _SAYS else words if function in _SAME else UNKNOWN
        for values in (automatic, self.given):
            if name in values:
                return values[name]
        for values in (self._values, self.inherited, _STANDARD):
            if name in values:
                return self.filled(values[name], automatic, depth + 1)
        return UNSET if self._whole and re.fullmatch(r"[A-Za-z_]\w*", name) else UNKNOWN

    def commands(self, goals: list[str]) -> Iterator[Line]:
        """What `make GOALS` runs, in order: shell text of each recipe's line, filled in, with its place."""
        seen: set[str] = set()
        for goal in goals or self._default():
            yield from self._goal(goal, seen, 0)
        yield from self._asked

    def _default(self) -> list[str]:
        named = self.filled(self._values.get(".DEFAULT_GOAL", "")).split()
        first = (name for name in self._rules if (name[0] != "." or "/" in name) and "%" not in name)
        return named or list(first)[:1]

    def _goal(self, goal: str, seen: set[str], depth: int) -> Iterator[Line]:
        if goal in seen or depth > 60:
            return
        seen.add(goal)
        rule = self._rules.get(goal, _Rule())
        stem, recipe, needs = "", rule.recipe, list(rule.needs)
        if not recipe:
            stem, implied = self._pattern(goal)
            recipe = implied.recipe
            needs += [need.replace("%", stem, 1) for need in implied.needs]
        for need in needs:
            yield from self._goal(need, seen, depth + 1)
        automatic = {"@": goal, "<": needs[0] if needs else "", "^": " ".join(needs), "*": stem}
        for line in recipe:
            self._place = (line.file, line.line)
            for part in self.filled(line.text, automatic).splitlines():
                yield line._replace(text=_PREFIX.sub("", part, count=1))

    def _pattern(self, goal: str) -> tuple[str, _Rule]:
        for name, rule in self._rules.items():
            before, percent, after = name.partition("%")
            fits = goal.startswith(before) and goal.endswith(after) and len(goal) > len(before) + len(after)
            if percent and rule.recipe and fits:
                return goal[len(before) : len(goal) - len(after)], rule
        return "", _Rule()


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a makefile with the numbers where they begin, continued ones joined."""
    begun, parts = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        if not parts:
            begun = number
        continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        parts.append((line[:-1] if continued else line).lstrip("\t" if parts else ""))
        if not continued:
            yield begun, " ".join(parts)
            parts = []
    if parts:
        yield begun, " ".join(parts)


def _uncommented(line: str) -> str:
    return re.sub(r"(?<!\\)#.*$", "", line, flags=re.DOTALL).rstrip()


def _reference(text: str, at: int) -> tuple[str, int]:
    """What a `$` at `at - 1` refers to, and where that ends."""
    opening = text[at]
    if opening not in "({":
        return opening, at + 1
    closing, depth = {"(": ")", "{": "}"}[opening], 0
    for index in range(at, len(text)):
        depth += (text[index] == opening) - (text[index] == closing)
        if not depth:
            return text[at + 1 : index], index + 1
    return text[at + 1 :], len(text)
