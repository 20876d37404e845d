"""Official commands: what a repository's own files say about testing, evaluating and benchmarking it."""

from runner_env.hints.find import find_hints
from runner_env.hints.model import Candidate, Hint, Origin, Purpose

__all__ = ["Candidate", "Hint", "Origin", "Purpose", "find_hints"]
