"""The mean reward of a rollout's samples."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.surroundings import OWN_FOLDER, read_object

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.guest.programs.surroundings import Place


def mean_reward(place: Place) -> dict[str, Any]:
    """`score`, `reason` and `counts` of the samples that `.aider_fsm/rollout.json` names.

    Samples whose answers nobody can judge (`meta.judged` false) have no part in it, and a rollout of another run has no
    score here.
    """
    report = place.repo / OWN_FOLDER / "rollout.json"
    if not report.is_file():
        return _none("missing_rollout_json")
    value = read_object(report)
    paths = value.get("paths")
    path = paths.get("samples_jsonl") if isinstance(paths, dict) else None
    if not isinstance(path, str) or not path:
        return _none("rollout_json_missing_paths.samples_jsonl")
    if value.get("ok", True) is not True:
        return _none("rollout_ok_not_true")
    samples = place.repo / path
    if not samples.is_file():
        return _none(f"samples_jsonl_not_found: {path}")
    rewards, unjudged, bad = _read(samples)
    counts = {"samples": len(rewards), "unjudged": unjudged, "bad_lines": bad, "errors": _errors(value)}
    if not rewards:
        return _none("no_judged_samples" if unjudged else "samples_jsonl_has_no_valid_samples", counts)
    score = math.fsum(rewards) / len(rewards)
    return {"score": score, "reason": "reward_average", "counts": counts}


def _none(reason: str, counts: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"score": None, "reason": reason, "counts": counts or {"samples": 0, "bad_lines": 0}}


def _errors(report: dict[str, Any]) -> Any:  # noqa: ANN401 - handed on as it is
    counts = report.get("counts")
    return counts.get("errors", 0) if isinstance(counts, dict) else 0


def _read(path: Path) -> tuple[list[float], int, int]:
    """Rewards, samples that cannot be judged, and lines that are no samples."""
    rewards: list[float] = []
    unjudged = bad = 0
    with path.open("rb") as file:
        for line in filter(bytes.strip, file):
            try:
                sample = json.loads(line)
            except (ValueError, RecursionError):
                sample = None
            reward = _reward(sample)
            if reward is None:
                bad += 1
            elif isinstance(sample.get("meta"), dict) and sample["meta"].get("judged") is False:
                unjudged += 1
            else:
                rewards.append(reward)
    return rewards, unjudged, bad


def _reward(sample: object) -> float | None:
    if not isinstance(sample, dict) or not all(isinstance(sample.get(key), str) for key in ("prompt", "completion")):
        return None
    reward = sample.get("reward")
    if isinstance(reward, bool) or not isinstance(reward, (int, float)) or not math.isfinite(reward):
        return None
    return float(reward)
