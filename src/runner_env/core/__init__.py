"""Values that both doors share: frozen, typed, without I/O."""

from runner_env.core.ambient import Ambient
from runner_env.core.failure import FailureKind
from runner_env.core.finding import Finding, Span, Where
from runner_env.core.message import Message, Role
from runner_env.core.model import ModelKind, ModelRef
from runner_env.core.outcome import Capture, Ending, Outcome
from runner_env.core.usage import Usage, UsageSource
from runner_env.core.verdict import EXIT_BAD_INPUT, Verdict

__all__ = [
    "EXIT_BAD_INPUT",
    "Ambient",
    "Capture",
    "Ending",
    "FailureKind",
    "Finding",
    "Message",
    "ModelKind",
    "ModelRef",
    "Outcome",
    "Role",
    "Span",
    "Usage",
    "UsageSource",
    "Verdict",
    "Where",
]
