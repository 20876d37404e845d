"""Another try, with an older Python, for a command whose packages do not build on a new one."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.guest.programs.surroundings import OWN_FOLDER, truthy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner_env.guest.programs.normalising import Here

_BUILD_FAILED = re.compile(rb"(?i)failed building wheel|failed to build|subprocess-exited-with-error|greenlet")
_NEW_PYTHON = re.compile(rb"\bcp31[3-9]\b")
_DEFAULTS = ("3.12", "3.11")
_VERSION = re.compile(r"(?<![\d.])3\.\d{1,2}(?:\.\d+)?(?![\d.])")
_VENV_SECONDS = 300


def failed_to_build(output: bytes) -> bool:
    """Whether the output is that of a package which does not build on Python 3.13 or newer."""
    new = _NEW_PYTHON.search(output) is not None or sys.version_info >= (3, 13)
    return new and _BUILD_FAILED.search(output) is not None


def older_python(here: Here) -> Here | None:
    """The same surroundings with a virtual environment of an older Python, made by uv; None if there is none.

    AIDER_FSM_HINT_AUTO_UV=0 forbids it. AIDER_FSM_HINT_UV_VENV_DIR says where it is made.
    """
    env = here.env
    setting = env.get("AIDER_FSM_HINT_AUTO_UV") or env.get("AIDER_FSM_HINT_AUTO_UV_PY311") or "1"
    uv = here.program("uv")
    if not truthy(setting) or uv is None:
        return None
    venv = here.repo / (env.get("AIDER_FSM_HINT_UV_VENV_DIR") or f"{OWN_FOLDER}/venv_hints_py")
    for version in candidates(env, here.repo):
        command = [uv, "venv", "--seed", "--clear", "--python", version, str(venv)]
        sys.stdout.write(f"$ {' '.join(map(shlex.quote, command))}\n")
        if _succeeds(command, here):
            path = f"{venv / 'bin'}:{here.path}"
            changed = {**env, "VIRTUAL_ENV": str(venv), "PATH": path, "UV_PYTHON": version}
            return replace(here, env=changed, python=str(venv / "bin" / "python"), path=path)
    return None


def _succeeds(command: list[str], here: Here) -> bool:
    try:
        done = subprocess.run(
            command, cwd=here.repo, env=dict(here.env), stdin=subprocess.DEVNULL, timeout=_VENV_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def candidates(env: Mapping[str, str], repo: Path) -> list[str]:
    """Versions of Python to try, the best first: what is asked for, what the repository pins, then 3.12 and 3.11."""
    asked = [*_listed(env.get("AIDER_FSM_HINT_UV_PYTHON_CANDIDATES_JSON")), env.get("AIDER_FSM_HINT_UV_PYTHON", "")]
    stated = [*asked, env.get("UV_PYTHON", ""), *_pinned(repo), *_DEFAULTS]
    return list(dict.fromkeys(version for version in stated if version))


def _listed(text: str | None) -> list[str]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return []
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _pinned(repo: Path) -> Iterator[str]:
    """Versions below 3.13 that the repository's own files name."""
    for name, pattern in ((".python-version", ""), ("runtime.txt", "python-"), (".tool-versions", "python ")):
        try:
            text = Path(repo, name).read_text("utf-8", "replace")[:4096]
        except OSError:
            continue
        lines = [line for line in text.splitlines() if pattern in line]
        for version in _VERSION.findall("\n".join(lines)):
            if int(version.split(".")[1]) < 13:
                yield version
