"""How strongly a box is contained. One level so far: none, which only promises that processes end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner_env.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Level(Protocol):
    """A way to start the keeper, so that all it starts is contained."""

    name: str

    def wrap(self, keeper: Sequence[str]) -> list[str]:
        """The command line that starts the keeper at this level; descriptors stay open across it."""


class NoLevel:
    """No containment: the keeper is an ordinary process of the same user."""

    name = "none"

    def wrap(self, keeper: Sequence[str]) -> list[str]:
        """The command line itself."""
        return list(keeper)


_LEVELS: tuple[Level, ...] = (NoLevel(),)


def find_level(name: str) -> Level:
    """The level of that name.

    Raises:
        OptionError: there is none.
    """
    for level in _LEVELS:
        if level.name == name:
            return level
    known = ", ".join(level.name for level in _LEVELS)
    raise OptionError("unknown_level", f"There is no sandbox level {name!r}.", hint=f"Known levels: {known}.")
