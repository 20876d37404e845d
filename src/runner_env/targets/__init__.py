"""Where a repository comes from and exactly which revision it is."""

from runner_env.targets.address import GitTarget, LocalTarget, parse_target
from runner_env.targets.fetch import Checkout, Revision, fetch
from runner_env.targets.tracked import TrackedState, changed_tracked, diff, is_tracked

__all__ = [
    "Checkout",
    "GitTarget",
    "LocalTarget",
    "Revision",
    "TrackedState",
    "changed_tracked",
    "diff",
    "fetch",
    "is_tracked",
    "parse_target",
]
