"""Is each artifact present, of this run, inside the repository, a regular file, well-formed and finite?"""

from runner_env.verification.aside import Aside, restore, set_aside
from runner_env.verification.metrics import check_metrics
from runner_env.verification.model import Claim, Context, Stored, Verified
from runner_env.verification.rollout import check_rollout, claimed_usage
from runner_env.verification.runtime_env import check_runtime_env
from runner_env.verification.samples import BadLine, SamplesReport, read_samples
from runner_env.verification.started import Started

__all__ = [
    "Aside",
    "BadLine",
    "Claim",
    "Context",
    "SamplesReport",
    "Started",
    "Stored",
    "Verified",
    "check_metrics",
    "check_rollout",
    "check_runtime_env",
    "claimed_usage",
    "read_samples",
    "restore",
    "set_aside",
]
