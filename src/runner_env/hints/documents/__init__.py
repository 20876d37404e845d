"""Commands that documents for people state: README, CONTRIBUTING and their like, in the usual markups."""

from runner_env.hints.documents.find import find

__all__ = ["find"]
