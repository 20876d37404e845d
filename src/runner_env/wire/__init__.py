"""Bodies and replies of model APIs as plain values. Standard library only, Python >= 3.9, no sockets, no prompts."""

from runner_env.wire.model import ApiProblem, Completion, Exchange

__all__ = ["ApiProblem", "Completion", "Exchange"]
