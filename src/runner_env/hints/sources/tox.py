"""Environments of tox: `tox.ini`, `setup.cfg`, `tox.toml` and both forms inside `pyproject.toml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice, product
from shlex import join, quote
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources import ini
from runner_env.hints.sources.script import Budget
from runner_env.hints.sources.toml import mapping, read, strings, table_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_env.hints.sources.tree import Tree

_MOST_ENVIRONMENTS = 40
_MOST_DEPTH = 6
_MOST_TEXT = 5_000
_MOST_REFERENCES = 5_000
_FACTORS = re.compile(r"([\w!{},.-]+(?:\s*,\s*[\w!{},.-]+)*)\s*:\s+(.*)")
_SUBSTITUTION = re.compile(r"\{([^{}]*)\}")
_PYTHON_FACTOR = re.compile(r"(py|pypy|python)?[\d.]*")
_NAMES = {
    "envpython": "python",
    "envbindir": "",
    "basepython": "python",
    "toxinidir": ".",
    "tox_root": ".",
    "changedir": ".",
    "envtmpdir": ".tox/tmp",
    "env_tmp_dir": ".tox/tmp",
    "envdir": ".tox/env",
    "env_dir": ".tox/env",
    "toxworkdir": ".tox",
    "work_dir": ".tox",
    "envlogdir": ".tox/log",
    "packagedir": ".",
    "homedir": "~",
    "/": "/",
    ":": ":",
}


def find(tree: Tree) -> list[Candidate]:
    """`tox` for the default environment and `tox -e NAME` for every named one."""
    found: list[Candidate] = []
    for path, core in (("tox.ini", "tox"), ("setup.cfg", "tox:tox")):
        if tree.has(path) and "testenv" in tree.text(path):
            found += _from_ini(path, ini.parse(tree.text(path)), core)
    if tree.has("pyproject.toml"):
        found += _from_pyproject(tree, "pyproject.toml")
    if tree.has("tox.toml"):
        found += _native("tox.toml", tree.text("tox.toml"), read(tree, "tox.toml"), "")
    return found


def _from_pyproject(tree: Tree, path: str) -> list[Candidate]:
    text = tree.text(path)
    if "[tool.tox" not in text and "[tool.tox]" not in text:
        return []
    tool = mapping(mapping(read(tree, path), "tool"), "tox")
    legacy = tool.get("legacy_tox_ini")
    if isinstance(legacy, str):
        begun = text.find("legacy_tox_ini")
        line = text.count("\n", 0, max(begun, 0)) + 2
        return _from_ini(path, ini.parse(legacy, line), "tox")
    return _native(path, text, tool, "tool.tox.")


@dataclass(frozen=True, slots=True)
class _Ini:
    """A file's sections, and how its values are read for one environment."""

    sections: ini.Sections
    budget: Budget

    def commands(self, name: str) -> list[tuple[int, str]]:
        """Each command of an environment with its line; its own keys win over those of `[testenv]`."""
        found: list[tuple[int, str]] = []
        for key in ("commands_pre", "commands", "commands_post"):
            entry = self.entry(name, key)
            if entry and key != "commands_post":
                found += self._lines(entry, name, 0)
        return found

    def entry(self, name: str, key: str) -> ini.Entry | None:
        """The value that holds for an environment: from its own section, or from `[testenv]`."""
        for section in (f"testenv:{name}", "testenv"):
            entry = self.sections.get(section, {}).get(key)
            if entry:
                return entry
        return None

    def _lines(self, entry: ini.Entry, name: str, depth: int) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        pending, begun = "", 0
        for number, text in entry.lines:
            begun = begun if pending else number
            pending = f"{pending} {text}".strip()
            if pending.endswith("\\"):
                pending = pending[:-1].strip()
                continue
            found += self._line(begun, pending, name, depth)
            pending = ""
        return found

    def _line(self, number: int, text: str, name: str, depth: int) -> list[tuple[int, str]]:
        if not self.budget.spend():
            return []
        match = _FACTORS.fullmatch(text)
        if match and not text.startswith("{posargs"):
            if not _fits(match[1], name):
                return []
            text = match[2]
        whole = re.fullmatch(r"\{\[([^\]]+)\]([\w-]+)\}", text)
        if whole and depth < _MOST_DEPTH:
            other = self.sections.get(whole[1], {}).get(whole[2].lower())
            return self._lines(other, name, depth + 1) if other else []
        # the marks let a command fail, or want it to
        command = self.filled(text, name).lstrip("-! ")
        return [(number, command)] if command else []

    def filled(self, text: str, name: str) -> str:
        """`text` with its substitutions made."""
        for _ in range(8):
            replaced = _SUBSTITUTION.sub(lambda match: self._substitute(match[1], name), text)
            if replaced == text or len(replaced) > _MOST_TEXT:
                break
            text = replaced
        return re.sub(r"[ \t]+", " ", text.replace("\0", "{").replace("\1", "}")).strip()

    def _substitute(self, inner: str, name: str) -> str:
        if not self.budget.spend():
            return ""
        if inner.startswith("["):
            section, _, key = inner[1:].partition("]")
            entry = self.sections.get(section, {}).get(key.strip().lower())
            return " ".join(entry.text.split())[:_MOST_TEXT] if entry else ""
        word, colon, default = inner.partition(":")
        if word in ("posargs", "tty", "env"):
            return default if word == "posargs" else default.partition(":")[2]
        if word in ("envname", "env_name"):
            return name
        if inner in _NAMES or (word in _NAMES and not colon):
            return _NAMES[inner] if inner in _NAMES else _NAMES[word]
        entry = self.entry(name, word)
        return " ".join(entry.text.split())[:_MOST_TEXT] if entry and not colon else f"\0{inner}\1"


def _from_ini(path: str, sections: ini.Sections, core: str) -> list[Candidate]:
    config = _Ini(sections, Budget(_MOST_REFERENCES))
    head = sections.get(core, {}) or sections.get("tox", {})
    listed = head.get("envlist") or head.get("env_list")
    names = [name for name in expand(listed.text if listed else "") if name]
    own = [name for section in sections if section.startswith("testenv:") for name in expand(section[8:])]
    found: list[Candidate] = []
    if "commands" in sections.get("testenv", {}):
        # an environment of the list that does not bring commands of its own is what `[testenv]` is for
        plain = next((name for name in names if f"testenv:{name}" not in sections), "py")
        found += _ini_candidate(config, path, plain, "tox", "testenv")
    shown = dict.fromkeys([*own, *(name for name in names if not _is_python(name))])
    seen = {candidate.resolved for candidate in found}
    for name in [*shown][:_MOST_ENVIRONMENTS]:
        for candidate in _ini_candidate(config, path, name, f"tox -e {name}", name):
            # environments that differ by what is installed run the same
            if candidate.resolved not in seen or f"testenv:{name}" in sections:
                found.append(candidate)
            seen.add(candidate.resolved)
    return found


def _is_python(name: str) -> bool:
    """Whether an environment differs from others by the Python alone."""
    return _PYTHON_FACTOR.fullmatch(name) is not None


def _ini_candidate(config: _Ini, path: str, name: str, text: str, shown: str) -> list[Candidate]:
    commands = config.commands(name)
    if not commands:
        return []
    described = config.entry(name, "description")
    variables = config.entry(name, "setenv") or config.entry(name, "set_env")
    changed = config.entry(name, "changedir") or config.entry(name, "change_dir")
    own = config.sections.get(f"testenv:{name}", {}).get("commands")
    resolved = tuple(command for _, command in commands)
    if changed and (folder := config.filled(changed.text, name)) not in ("", "."):
        resolved = (f"cd {quote(folder.removeprefix('./'))}", *resolved)
    line = (own or config.entry(name, "commands") or ini.Entry([], commands[0][0])).line
    return [
        Candidate(
            text,
            path,
            line,
            Origin.TASK,
            name=shown,
            context=" ".join(described.text.split()) if described and f"testenv:{name}" in config.sections else "",
            resolved=resolved,
            env=_variables(config, variables, name),
            runner="tox",
        )
    ]


def _variables(config: _Ini, entry: ini.Entry | None, name: str) -> dict[str, str]:
    """What `setenv` sets, as far as it concerns the commands and not where tox keeps its files."""
    found: dict[str, str] = {}
    for _, line in entry.lines if entry else []:
        match = re.fullmatch(r"([A-Za-z_]\w*)\s*=\s*(.*)", line)
        value = config.filled(match[2], name) if match else ""
        if match and "{" not in value and ".tox" not in value:
            found[match[1]] = value
    return found


def expand(text: str) -> list[str]:
    """The names of an environment list: `py{39,310}-{a,b}, lint` are five."""
    found: list[str] = []
    for line in text.split("\n"):
        for item in re.split(r",(?![^{]*\})|\s+(?![^{]*\})", line.strip()):
            parts = re.split(r"\{([^}]*)\}", item)
            choices = [_choices(part) if number % 2 else [part] for number, part in enumerate(parts)]
            found += ["".join(chosen) for chosen in islice(product(*choices), 200) if item]
    return found


def _choices(text: str) -> list[str]:
    span = re.fullmatch(r"\s*(\d+)-(\d+)\s*", text)
    if span and int(span[2]) - int(span[1]) < 50:
        return [str(number) for number in range(int(span[1]), int(span[2]) + 1)]
    return [part.strip() for part in text.split(",")]


def _fits(factors: str, name: str) -> bool:
    """Whether a line's condition (`py39,py310-!cov`) holds for an environment."""
    own = set(name.split("-"))
    if name.startswith("py"):
        own |= {"py", "py3"}
    return any(
        all((part[1:] not in own) if part.startswith("!") else part in own for part in option.split("-"))
        for option in expand(factors)
    )


def _native(path: str, text: str, tool: dict[str, object], prefix: str) -> list[Candidate]:
    base = mapping(tool, "env_run_base")
    environments = mapping(tool, "env")
    found: list[Candidate] = []
    if commands := _native_commands(base.get("commands"), tool):
        line = table_line(text, f"{prefix}env_run_base", "commands")
        context = str(base.get("description", ""))
        found.append(
            Candidate("tox", path, line, Origin.TASK, "env_run_base", context, resolved=commands, runner="tox")
        )
    for name in list(environments)[:_MOST_ENVIRONMENTS]:
        own = mapping(environments, name)
        commands = _native_commands(own.get("commands"), tool)
        if commands:
            line = table_line(text, f"{prefix}env.{name}", "commands")
            context = str(own.get("description", ""))
            found.append(
                Candidate(f"tox -e {name}", path, line, Origin.TASK, name, context, resolved=commands, runner="tox")
            )
    return found


def _native_commands(value: object, tool: dict[str, object], depth: int = 0) -> tuple[str, ...]:
    found: list[str] = []
    for command in value if isinstance(value, list) else []:
        if isinstance(command, list):
            found.append(_ini_less(join(_native_words(command))))
        elif isinstance(command, dict) and command.get("replace") == "ref" and depth < 4:
            target: object = tool
            for part in strings(command.get("of")):
                target = target.get(part) if isinstance(target, dict) else None
            found += _native_commands(target, tool, depth + 1)
    return tuple(command for command in found if command)


def _native_words(command: list[object]) -> list[str]:
    words: list[str] = []
    for word in command:
        if isinstance(word, str):
            words.append(_SUBSTITUTION.sub(lambda match: _native_name(match[1]), word))
        elif isinstance(word, dict):
            default = word.get("default", [])
            words += strings(default) if word.get("replace") in ("posargs", "env") else []
    filled: Callable[[str], str] = str.strip
    return [word for word in map(filled, words) if word]


def _native_name(inner: str) -> str:
    word, _, default = inner.partition(":")
    return default if word == "posargs" else _NAMES.get(word, f"{{{inner}}}")


def _ini_less(command: str) -> str:
    """The command without the marks that let it fail."""
    return command.removeprefix("- ").removeprefix("! ").strip()
