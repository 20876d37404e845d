"""The generic evaluation: the score of a stated command, or the mean reward of a rollout where none is stated.

Reads AIDER_FSM_HINTS_JSON, runs at most AIDER_FSM_HINT_MAX_ATTEMPTS of its commands for at most
AIDER_FSM_HINT_TIMEOUT_SECONDS each, and takes the first score that one really computed. Writes
`.aider_fsm/hints_run.json`, `.aider_fsm/hints_used.json` and AIDER_FSM_METRICS_PATH (`.aider_fsm/metrics.json`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.attempts import run_hints
from runner_env.guest.programs.hints import expected_anchors, stated_commands
from runner_env.guest.programs.rewards import mean_reward
from runner_env.guest.programs.surroundings import OWN_FOLDER, Place, Unusable, truthy, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

OK, FAILED, REQUIRED_FAILED = 0, 1, 2


def run(env: Mapping[str, str]) -> int:
    """Evaluate; returns the exit code."""
    place = Place.of(env)
    commands = stated_commands(env)
    required = truthy(env.get("AIDER_FSM_REQUIRE_HINTS", ""))
    if commands or required:
        result = run_hints(commands, expected_anchors(env, commands), place, env)
        _write_hints(place, result)
        found = {"score": result["score"], "reason": result["reason"], "command": result["chosen_command"]}
    else:
        found = mean_reward(place)
    ok = found["score"] is not None
    metrics = {"ok": ok, **found, **place.stamp()}
    path = Path(env.get("AIDER_FSM_METRICS_PATH") or f"{OWN_FOLDER}/metrics.json")
    write_json(place.repo / path, metrics)
    said = f"score {found['score']:.6g}" if ok else "no score"
    sys.stdout.write(f"{said}: {found['reason']}\n")
    return OK if ok else REQUIRED_FAILED if required else FAILED


def _write_hints(place: Place, result: Mapping[str, Any]) -> None:
    """What the check of stated commands reads."""
    chosen = result["chosen_command"]
    used = {
        "ok": result["ok"],
        "used_anchors": result["used_anchors"],
        "commands": [chosen] if chosen else [],
        "reason": result["reason"],
    }
    write_json(place.repo / OWN_FOLDER / "hints_run.json", {**result, **place.stamp()})
    write_json(place.repo / OWN_FOLDER / "hints_used.json", {**used, **place.stamp()})


def main() -> int:
    """Run on this process's environment.

    Returns:
        0 with a score, 2 if stated commands are required and gave none, else 1.
    """
    try:
        return run(os.environ)
    except (Unusable, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
