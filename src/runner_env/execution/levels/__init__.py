"""How a box is contained: the levels, what each needs to know, and which of them truly holds here."""

from runner_env.execution.levels.choosing import LEAST_PROCESSES, NotContained, Wanted
from runner_env.execution.levels.model import Guarantee, Guarantees, Level, Network, Places, Sandbox
from runner_env.execution.levels.table import AUTO, LEVELS, RANK, find_level

__all__ = [
    "AUTO",
    "LEAST_PROCESSES",
    "LEVELS",
    "RANK",
    "Guarantee",
    "Guarantees",
    "Level",
    "Network",
    "NotContained",
    "Places",
    "Sandbox",
    "Wanted",
    "find_level",
]
