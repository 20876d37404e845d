"""Every level by name, the strictest last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.errors import OptionError
from runner_env.execution.levels.bwrap import Bwrap
from runner_env.execution.levels.docker import Docker
from runner_env.execution.levels.landlock import Landlock
from runner_env.execution.levels.none import NoLevel

if TYPE_CHECKING:
    from runner_env.execution.levels.model import Level

LEVELS: tuple[Level, ...] = (NoLevel(), Landlock(), Bwrap(), Docker())
RANK = {level.name: rank for rank, level in enumerate(LEVELS)}
AUTO = ("bwrap", "landlock", "none")
"""What `auto` tries, in this order. Not docker: an image is another machine, with other tools."""


def find_level(name: str) -> Level:
    """The level of that name.

    Raises:
        OptionError: there is none.
    """
    for level in LEVELS:
        if level.name == name:
            return level
    known = ", ".join(level.name for level in LEVELS)
    raise OptionError("unknown_level", f"There is no sandbox level {name!r}.", hint=f"Known levels: auto, {known}.")
