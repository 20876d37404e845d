"""A stated command in the form in which it can be run here, or the reason why it cannot."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.guest.programs.surroundings import truthy

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROMPT = re.compile(r"^\s*(?:>\s+)?(?:\$|>>>|\.\.\.)\s+")
_ALTERNATIVES = re.compile(r"\[([\w.+:/-]+)(?:\|[\w.+:/-]+)+\]")
_PLACEHOLDER = re.compile(r"(?:--?[\w-]+[= ])?<[A-Za-z][\w .:/|-]*>")
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_BRACKETS = re.compile(r"(?<![\w\"'*?.\]])\[(?!\[?\s)(?![\d,:\s.-]+\])[^\]'\"]*\]")
_ANGLES = re.compile(r"<[A-Za-z_][\w .-]*>")
_PIPED = re.compile(r"\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b")
_DENIED = re.compile(
    r"(?:^|[;&|(]\s*)(?:sudo|su|doas|mkfs\S*|dd|shutdown|reboot|poweroff|halt)\b"
    r"|\bdocker\s+(?:system|volume)\s+prune\b|\bbrew\s+uninstall\b"
    r"|\brm\s+(?:-\S+\s+)+(?:/|/\*|~/?|\$HOME/?|\"\$HOME\"/?)(?:\s|$|[;&|])"
)
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_PYTEST_WORKERS = re.compile(
    r"\s(?:-n(?:\s+|=)?(?:\d+|auto|logical)|--numprocesses[= ]\S+|--dist(?:\s+|=)\S+|--maxprocesses[= ]\S+)(?=\s|$)"
)
_VALUE = r"(?P<gap>\s+|=)(?P<value>\"[^\"]*\"|'[^']*'|[^\s;&|]+)"
_WORD = r"(?P<lead>^|[;&|(]\s*|(?:^|\s)(?:[A-Za-z_]\w*=\S*\s+)+|\b(?:env|exec|time)\s+)"
_DOTTED = re.compile(_WORD + r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?=\s|$)")
_NO_MODULE = re.compile(r"\.(?:sh|py|js|ts|mjs|rb|pl|bat|ps1|exe|jar|php|lua|r|jl|bash|zsh)$", re.IGNORECASE)


@dataclass(frozen=True)
class Normal:
    """A command as it is to be run; with a `skip` reason it is not to be."""

    command: str
    skip: str = ""


@dataclass(frozen=True)
class Here:
    """What normalising needs to know.

    Attributes:
        env: the variables.
        repo: the repository.
        python: the interpreter for `python`, `pip` and `pytest`: a path, or a name.
        path: where programs are looked for.
    """

    env: Mapping[str, str] = field(repr=False)
    repo: Path
    python: str
    path: str

    @classmethod
    def of(cls, env: Mapping[str, str], repo: Path) -> Here:
        """As AIDER_FSM_PYTHON or PYTHON say, relative to the repository if it is there."""
        python = env.get("AIDER_FSM_PYTHON") or env.get("PYTHON") or "python3"
        if "/" in python and not python.startswith("/") and (repo / python).exists():
            python = os.path.abspath(repo / python)  # noqa: PTH100 - `resolve` would follow the link that a venv's interpreter is
        return cls(env, repo, python, env.get("PATH", os.defpath))

    def program(self, name: str) -> str | None:
        """Where a program is, if it is on the PATH."""
        return shutil.which(name, path=self.path)


def normalised(raw: str, here: Here) -> Normal:
    """Fill in, clean and judge one stated command."""
    lines = [_PROMPT.sub("", line) for line in raw.replace("\\\n", " ").splitlines()]
    command = "\n".join(filter(None, (_COMMENT.sub("", line).strip() for line in lines)))
    if not command:
        return Normal("", "empty")
    command = _filled(command, here)
    command = "\n".join(filter(None, (re.sub(r"[ \t]+", " ", line).strip() for line in command.splitlines())))
    reason = _unusable(command)
    if reason:
        return Normal(command, reason)
    command = _with_modules(command, here)
    if "/" in here.python:
        command = _with_python(command, here.python)
    if not _is_off(here.env, "AIDER_FSM_HINT_STRIP_PYTEST_N") and re.search(r"\bpytest\b", command):
        command = _PYTEST_WORKERS.sub("", command)
    return Normal(command)


def _is_off(env: Mapping[str, str], name: str) -> bool:
    return bool(env.get(name, "").strip()) and not truthy(env[name])


def _filled(command: str, here: Here) -> str:
    env = here.env
    command = _ALTERNATIVES.sub(lambda match: match[1], command)
    command = _EXPRESSION.sub(_expression, command)
    model = env.get("AIDER_LLM_MODEL") or env.get("OPENAI_MODEL") or ""
    base = env.get("OPENAI_API_BASE") or env.get("OPENAI_BASE_URL") or ""
    for option, value in (("--model", model), ("--base-url", base), ("--base_url", base)):
        if value:
            pattern = re.compile(rf"(?<=\s){re.escape(option)}{_VALUE}")
            command = pattern.sub(partial(_given, option, value), command)
    return _PLACEHOLDER.sub("", command)


def _expression(match: re.Match[str]) -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}" if "python" in match[1].lower() else ""


def _given(option: str, value: str, match: re.Match[str]) -> str:
    return option + match["gap"] + shlex.quote(value)


def _led(by: str, match: re.Match[str]) -> str:
    return match["lead"] + by


def _unusable(command: str) -> str:
    if not command:
        return "empty_after_sanitize"
    if _BRACKETS.search(command):
        return "unresolved_brackets"
    if _ANGLES.search(command):
        return "unresolved_angle_placeholders"
    if _PIPED.search(command):
        return "blocked_pipe_to_bash"
    denied = _DENIED.search(command)
    return f"blocked_by_default_safe_deny: {denied[0].strip(' ;&|(')}" if denied else ""


def _with_modules(command: str, here: Here) -> str:
    """`pkg.mod args` as `python -m pkg.mod args`, if there is no such program."""

    def replaced(match: re.Match[str]) -> str:
        name = match["module"]
        if _NO_MODULE.search(name) or here.program(name) or (here.repo / name).exists():
            return match[0]
        return f"{match['lead']}{shlex.quote(here.python)} -m {name}"

    return _DOTTED.sub(replaced, command)


def _with_python(command: str, python: str) -> str:
    quoted = shlex.quote(python)
    for words, by in (
        (r"python3?(?:\.\d+)?", quoted),
        (r"pip3?", f"{quoted} -m pip"),
        (r"(?:pytest|py\.test)", f"{quoted} -m pytest"),
    ):
        command = re.sub(rf"{_WORD}{words}(?=\s|$)", partial(_led, by), command, flags=re.MULTILINE)
    return command
