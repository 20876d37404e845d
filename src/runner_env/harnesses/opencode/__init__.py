"""OpenCode by its server's HTTP API: one that runs elsewhere, or one that is started here, kept warm and stopped."""

from runner_env.harnesses.opencode.harness import OpenCode

__all__ = ["OpenCode"]
