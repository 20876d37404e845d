"""What identifies a plan: whether a run that goes on is still the one that was begun."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.formats.canonical import canonical
from runner_env.formats.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.skills.config import Config
    from runner_env.skills.plan import Plan

_WHAT = ("provider", "platforms", "models", "judge_model", "max_turns", "spy", "judge", "repeat")
"""The settings on which results depend; the others say how fast, how far, and what it may cost."""


def config_digest(config: Config) -> str:
    """SHA-256 of the settings on which results depend."""
    settings = {name: plain(getattr(config, name)) for name in _WHAT}
    settings["mocks"] = plain([replace(mock, where=None) for mock in config.mocks])
    return hashlib.sha256(canonical(settings)).hexdigest()


def case_digests(plan: Plan) -> dict[str, str]:
    """For each case, by its key, the SHA-256 of it and of its skill."""
    return {one.key: f"{one.case.sha256}:{one.skill.sha256}" for one in plan.cases}


def changes(stated: Mapping[str, object], plan: Plan) -> list[str]:
    """What is not as it was when the run with the opening `stated` was begun; empty if nothing is."""
    found = []
    if stated.get("config_sha256") != config_digest(plan.config):
        found.append("the config")
    before, now = stated.get("cases"), case_digests(plan)
    before = before if isinstance(before, dict) else {}
    found += [f"the case `{key}`" for key in {**before, **now} if before.get(key) != now.get(key)]
    return found
