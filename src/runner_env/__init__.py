"""A score nobody has to take on trust.

    s = runner_env.setup("path/or/git-url")
    s.rollout(llm="model-id")
    result = s.evaluate()

Importing this package loads nothing heavy; the two public names are loaded when first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would take ten times as long to load as all the rest
if TYPE_CHECKING:
    from runner_env.session import EnvSession, setup

__all__ = ["EnvSession", "setup"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from runner_env import session

        return getattr(session, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("runner-env")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
