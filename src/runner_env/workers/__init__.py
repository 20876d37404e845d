"""Run many independent jobs at the same time; what a job is, is the caller's business."""

from runner_env.workers.executor import Executor, Handle, Job, Result, in_order
from runner_env.workers.local import LocalExecutor
from runner_env.workers.throttle import RateLimited, Throttle

__all__ = [
    "Executor",
    "Handle",
    "Job",
    "LocalExecutor",
    "RateLimited",
    "Result",
    "Throttle",
    "in_order",
]
