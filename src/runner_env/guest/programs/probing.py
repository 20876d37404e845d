"""Whether a command can be expected to start here, found out without running it."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner_env.guest.programs.surroundings import truthy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.guest.programs.normalising import Here

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_BUILTINS = frozenset(
    [
        "bash",
        "sh",
        "zsh",
        "dash",
        "cd",
        "export",
        "source",
        ".",
        "set",
        "eval",
        "exec",
        "test",
        "[",
        "[[",
        "echo",
        "printf",
        "true",
        "false",
        "if",
        "for",
        "while",
        "(",
        "{",
        "pushd",
        "ulimit",
        "unset",
        "env",
        "time",
    ]
)
_PYTHON = re.compile(r"(?:.*/)?python(?:\d(?:\.\d+)?)?")
_BACKEND = re.compile(r"--backend[= ](\S+)")
_BASE_URL = re.compile(r"--base[-_]url[= ](\S+)")
_SAMPLES = re.compile(r"(?<=\s)--samples[= ](\S+)")
_DOCKER_SECONDS = 20
_PROBE_SECONDS = 20


@dataclass(frozen=True)
class Probe:
    """What was found out: `ok` is None where only running it would tell."""

    ok: bool | None
    reason: str = ""

    @property
    def rank(self) -> int:
        """What can run comes first, what cannot last."""
        return {True: 0, None: 1, False: 2}[self.ok]


_CAN, _UNKNOWN = Probe(ok=True), Probe(ok=None)


def _cannot(reason: str) -> Probe:
    return Probe(ok=False, reason=reason)


def incompatible(command: str, env: Mapping[str, str]) -> str:
    """Why a command is for another model than the one in use; empty if it is not known to be.

    AIDER_FSM_HINT_STRICT_COMPAT=0 asks nothing.
    """
    setting = env.get("AIDER_FSM_HINT_STRICT_COMPAT", "").strip()
    if setting and not truthy(setting):
        return ""
    backend, samples = _BACKEND.search(command), "--samples" in command
    if backend and env.get("AIDER_LLM_KIND") == "remote" and backend[1].strip("\"'") != "openai" and not samples:
        return f"incompatible_hint: backend_mismatch:{backend[1]}"
    base = env.get("OPENAI_API_BASE") or env.get("OPENAI_BASE_URL") or ""
    stated = _BASE_URL.search(command)
    if stated and base and _origin(stated[1].strip("\"'")) != _origin(base):
        return f"incompatible_hint: base_url_mismatch:{stated[1]}"
    return ""


def _origin(url: str) -> tuple[str | None, int | None, str]:
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port, parts.path.rstrip("/")
    except ValueError:
        return None, None, url


def docker_trouble(here: Here) -> str:
    """Why docker cannot be used; empty if it can."""
    program = here.program("docker")
    if program is None:
        return "docker_unavailable: docker is not on the PATH"
    try:
        done = subprocess.run(
            [program, "info"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_DOCKER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"docker_unavailable: {error}"
    said = done.stderr.decode("utf-8", "replace").strip()[-200:]
    return f"docker_unavailable: {said or 'docker info failed'}" if done.returncode else ""


def probe(command: str, here: Here) -> Probe:
    """Look at the first program of a command, its module and its samples."""
    if "\n" in command:
        return _UNKNOWN
    folder, words = _start(command, here.repo)
    if not words:
        return _UNKNOWN
    samples = _SAMPLES.search(command)
    if samples and not Path(folder, samples[1].strip("\"'")).exists():
        return _cannot(f"samples_not_found:{samples[1]}")
    return _program(words, folder, here)


def _program(words: list[str], folder: Path, here: Here) -> Probe:
    first = words[0]
    if first in _BUILTINS:
        return _UNKNOWN
    if _PYTHON.fullmatch(first) and len(words) > 2 and words[1] == "-m":
        return _module(first, words[2], folder)
    if "/" in first:
        return _CAN if (folder / first).exists() else _cannot(f"path_not_found:{first}")
    return _CAN if here.program(first) else _cannot(f"binary_not_found:{first}")


def _start(command: str, repo: Path) -> tuple[Path, list[str]]:
    """Where a command's first program starts, and its words without the variables before it."""
    folder = repo
    for part in re.split(r"\s*(?:&&|;)\s*", command):
        try:
            words = shlex.split(part)
        except ValueError:
            return folder, []
        while words and (_ASSIGNMENT.match(words[0]) or words[0] == "env"):
            words = words[1:]
        if len(words) == 2 and words[0] == "cd":
            folder /= words[1]
            continue
        return folder, words
    return folder, []


def _module(python: str, name: str, folder: Path) -> Probe:
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
    try:
        done = subprocess.run(
            [python, "-c", code, name],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return _cannot(f"binary_not_found:{python}")
    except (OSError, subprocess.TimeoutExpired):
        return _UNKNOWN
    return _CAN if done.returncode == 0 else _cannot(f"module_not_found:{name}")
