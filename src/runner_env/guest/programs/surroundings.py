"""What a program is told by its environment, and where it writes."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SMOKE_LIMIT = 8
FULL_LIMIT = 64
OWN_FOLDER = ".aider_fsm"
_TRUE = frozenset({"1", "true", "yes", "y", "on"})


class Unusable(Exception):
    """The program cannot do its work; the message is for the person who started it."""


@dataclass(frozen=True)
class Place:
    """Where a program works.

    Attributes:
        repo: the workspace.
        artifacts: the stage's own folder.
        run_id: the run's id; empty if a person started the program.
        mode: `smoke` or `full`.
    """

    repo: Path
    artifacts: Path
    run_id: str = ""
    mode: str = "smoke"

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Place:
        """As AIDER_FSM_REPO_ROOT, AIDER_FSM_ARTIFACTS_DIR, AIDER_FSM_RUN_ID and AIDER_EVAL_MODE say.

        Raises:
            Unusable: the mode is neither `smoke` nor `full`.
        """
        repo = Path(env.get("AIDER_FSM_REPO_ROOT") or ".").resolve()
        artifacts = Path(env.get("AIDER_FSM_ARTIFACTS_DIR") or repo / OWN_FOLDER / "artifacts" / "by_hand").resolve()
        mode = env.get("AIDER_EVAL_MODE") or "smoke"
        if mode not in {"smoke", "full"}:
            raise Unusable(f"AIDER_EVAL_MODE must be smoke or full, not {mode!r}")
        return cls(repo, artifacts, env.get("AIDER_FSM_RUN_ID", ""), mode)

    def limit(self, env: Mapping[str, str]) -> int:
        """How many items to attempt: AIDER_EVAL_LIMIT, else 8 in `smoke` and 64 in `full`."""
        return whole_number(env, "AIDER_EVAL_LIMIT", SMOKE_LIMIT if self.mode == "smoke" else FULL_LIMIT)

    def shown(self, path: Path) -> str:
        """A path relative to the workspace, if it is inside."""
        try:
            return path.relative_to(self.repo).as_posix()
        except ValueError:
            return str(path)

    def stamp(self) -> dict[str, str]:
        """When this is, and in which run."""
        stamp = {"ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        return {**stamp, "run_id": self.run_id} if self.run_id else stamp


def whole_number(env: Mapping[str, str], name: str, default: int) -> int:
    """A whole number from 1 up in a variable; unset or blank gives the default.

    Raises:
        Unusable: it is something else.
    """
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise Unusable(f"{name} must be a whole number from 1 up, not {text!r}")
    return int(text)


def deadline(env: Mapping[str, str], started: float) -> float:
    """When to be done, on the monotonic clock, so that AIDER_FSM_MAX_CMD_SECONDS leaves time for writing; else never.

    Args:
        env: the variables.
        started: when the program began, on the same clock.

    Raises:
        Unusable: the variable is no whole number.
    """
    seconds = whole_number(env, "AIDER_FSM_MAX_CMD_SECONDS", 0)
    return started + seconds - max(2.0, min(10.0, seconds / 10)) if seconds else math.inf


def truthy(text: str) -> bool:
    """Whether a variable says yes: 1, true, yes, y or on, in any case."""
    return text.strip().lower() in _TRUE


def write_text(path: Path, text: str) -> None:
    """Write a file in one step; a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_bytes(text.encode("utf-8", "backslashreplace"))
    partial.replace(path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one JSON object."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_lines(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object in each line."""
    write_text(path, "".join(json.dumps(value, allow_nan=False) + "\n" for value in values))


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one if there is no file or something else is in it."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
