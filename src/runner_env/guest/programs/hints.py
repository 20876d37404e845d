"""The stated commands that the runner hands over, the order to try them in, and their anchors."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.surroundings import truthy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HINTS = "AIDER_FSM_HINTS_JSON"
ANCHORS = "AIDER_FSM_HINT_ANCHORS_JSON"
MOST_HINTS = 20
MOST_ANCHORS = 12

_GENERIC = frozenset(
    [
        "cd",
        "bash",
        "sh",
        "zsh",
        "import",
        "from",
        "python",
        "python3",
        "pip",
        "pip3",
        "uv",
        "conda",
        "poetry",
        "make",
        "npm",
        "node",
        "docker",
        "git",
        "sudo",
    ]
)
_BORING = frozenset(
    [
        "install",
        "uninstall",
        "run",
        "start",
        "stop",
        "setup",
        "build",
        "download",
        "clone",
        "create",
        "remove",
        "update",
        "upgrade",
    ]
)
_REQUIREMENTS = re.compile(r"requirements.*\.txt")
_MODULE = re.compile(r"(?:^|\s)-m\s+([A-Za-z_][\w.-]*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


def stated_commands(env: Mapping[str, str]) -> list[str]:
    """The commands in AIDER_FSM_HINTS_JSON, the surest first, each once.

    A JSON list of commands, or of the objects that `runner-env hints --json` prints.
    """
    commands = [_command(item) for item in _listed(env, HINTS)]
    return list(dict.fromkeys(filter(None, commands)))[:MOST_HINTS]


def expected_anchors(env: Mapping[str, str], commands: Sequence[str]) -> list[str]:
    """The anchors in AIDER_FSM_HINT_ANCHORS_JSON; without it those of the commands."""
    handed = [item for item in _listed(env, ANCHORS) if isinstance(item, str) and item]
    return handed or anchors_of(commands)


def _listed(env: Mapping[str, str], name: str) -> list[Any]:
    try:
        value = json.loads(env.get(name) or "[]")
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else []


def _command(item: object) -> str:
    if isinstance(item, str):
        return item.strip()
    if not isinstance(item, dict) or not isinstance(item.get("command"), str):
        return ""
    env = item.get("env")
    return shell_line(item["command"], str(item.get("workdir") or ""), env if isinstance(env, dict) else {})


def shell_line(command: str, workdir: str, env: Mapping[str, str]) -> str:
    """A command with the folder and the variables that it is to have, as one line of shell."""
    assigned = "".join(f"{name}={shlex.quote(str(value))} " for name, value in env.items())
    moved = f"cd {shlex.quote(workdir)} && " if workdir and workdir != "." else ""
    return f"{moved}{assigned}{command.strip()}"


def anchors_of(commands: Sequence[str]) -> list[str]:
    """Words by which a command is recognised in what was run: its module, program or script; at most twelve."""
    found = [anchor for command in commands for line in command.splitlines() for anchor in _anchors(line)]
    return list(dict.fromkeys(found))[:MOST_ANCHORS]


def _anchors(line: str) -> list[str]:
    module = _MODULE.search(line)
    if module and len(module[1]) >= 6:
        head = module[1].partition(".")[0]
        return [module[1], *([head] if len(head) >= 5 and head != module[1] else [])]
    words = [word for word in _split(line) if not _ASSIGNMENT.fullmatch(word)]
    if not words:
        return []
    first = words[0].removeprefix("./")
    if first in _GENERIC:
        return _telling(words[1:6])[:1] or (
            [" ".join(words[:2])] if len(words) > 1 and first in {"npm", "make"} else []
        )
    name = first.rpartition("/")[2]
    if "/" in words[0] and len(name) >= 4:
        return [name]
    if not first[:1].isalpha() or len(first) < 5:
        return []
    head = first.partition(".")[0]
    return [first, *([head] if "." in first and len(head) >= 5 else [])]


def _telling(words: Sequence[str]) -> list[str]:
    return [
        word
        for word in words
        if not word.startswith("-") and word not in _BORING and not _REQUIREMENTS.fullmatch(word) and len(word) >= 6
    ]


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


_WEIGHTS = (
    (re.compile(r"\bpytest\b"), 50),
    (re.compile(r"(?i)\beval(?:uate|uation)?\b|[._/-]eval"), 20),
    (re.compile(r"(?i)\bbench(?:mark)?s?\b"), 10),
    (re.compile(r"\bvllm\b|\banthropic\b|\bbedrock\b|\bgoogle\b"), -5),
    (re.compile(r"\bollama\b"), -3),
)
_INSTALL = re.compile(r"\b(?:pip3?|poetry|conda|uv pip|npm|yarn|pnpm)\s+(?:-\S+\s+)*(?:install|ci|add|sync)\b")
_DOCKER_BUILD = re.compile(r"\bdocker\s+(?:buildx\s+)?build\b")
_EVALUATES = re.compile(r"(?i)eval|bench|pytest|test")
_OPENAI = re.compile(r"--backend[= ]openai\b")


def weight(command: str, env: Mapping[str, str]) -> int:
    """How promising a command looks; of two alike the one that was handed over first comes first."""
    total = sum(points for pattern, points in _WEIGHTS if pattern.search(command))
    if not _EVALUATES.search(command):
        total -= 10 * bool(_INSTALL.search(command)) + 5 * bool(_DOCKER_BUILD.search(command))
    if truthy(env.get("AIDER_FSM_PREFER_OFFLINE_HINTS", "")):
        return total + 15 * ("--samples" in command) - 30 * bool(_OPENAI.search(command))
    return total + 20 * bool(_OPENAI.search(command)) + 3 * command.startswith("docker")


def kind_of(command: str) -> str:
    """`pytest`, `install`, `docker` or empty: of each of these kinds one is tried before a second one."""
    if re.search(r"\bpytest\b", command):
        return "pytest"
    if _INSTALL.search(command):
        return "install"
    return "docker" if command.startswith("docker") else ""
