"""One command in one box: what is asked, what became of it, and the sure end of everything it started."""

from runner_env.execution.box import Box
from runner_env.execution.cancel import Cancel
from runner_env.execution.request import Limits, Observation, Request, Sink, StageEnd
from runner_env.execution.stage import StageScope
from runner_env.guest.messages import NOT_STARTED

__all__ = ["NOT_STARTED", "Box", "Cancel", "Limits", "Observation", "Request", "Sink", "StageEnd", "StageScope"]
