"""What a run tells while it goes on, to whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.skills.budget import Cost
    from runner_env.skills.plan import Trial
    from runner_env.skills.trial import TrialResult


@dataclass(frozen=True, slots=True)
class RunBegun:
    """The run exists; `carried` of its trials were taken over from an earlier one."""

    run_dir: Path
    trials: int
    carried: int


@dataclass(frozen=True, slots=True)
class TrialBegun:
    """A trial has begun."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial was recorded; `ended` have been by now, and all calls so far cost `cost`."""

    trial: Trial
    result: TrialResult
    ended: int
    cost: Cost


Observer = Callable[[RunBegun | TrialBegun | TrialEnded], None]
"""Called in the event loop's thread; what it raises ends the run."""
