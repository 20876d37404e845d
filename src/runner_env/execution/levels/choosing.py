"""Which levels to try: what the operator asks for, made stricter by what the contract asks for, never looser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from runner_env.errors import ExecutionError
from runner_env.execution.levels.model import Network
from runner_env.execution.levels.table import AUTO, RANK, find_level

_AUTO = "auto"
PROCESSES = 4096
LEAST_PROCESSES = 512
"""Kernels take no limit below 301, and each command needs a process besides its own."""


class NotContained(ExecutionError):
    """No level that was insisted on holds here; nothing was run."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a box is to be like.

    Attributes:
        requested: the level asked for, as the operator or else the contract wrote it.
        levels: those to try, in this order.
        least: no level of a lower rank will do.
        network: `host` or `none`.
        network_insisted: a level that cannot keep the network away will not do.
        by_contract: it is the contract that insists.
        processes: how many processes the box may have, where the kernel can limit that; at least `LEAST_PROCESSES`.
    """

    requested: str
    levels: tuple[str, ...]
    least: int = 0
    network: Network = "host"
    network_insisted: bool = False
    by_contract: bool = False
    processes: int = PROCESSES

    @classmethod
    def only(cls, level: str, network: Network = "host") -> Self:
        """One level and no other; raises `OptionError` for an unknown one."""
        return cls(level, (level,), RANK[find_level(level).name], network, network_insisted=network == "none")

    @classmethod
    def of(
        cls,
        operator: tuple[str, Network],
        contract: tuple[str | None, str | None] = (None, None),
        *,
        required: bool = False,
    ) -> Self:
        """The stricter of two wishes, each a level and a network.

        Args:
            operator: what must hold, unless it is `auto` and `host`.
            contract: what is only tried, unless it is required.
            required: whether the contract's wish must hold: its level, or, where it names none, any but `none`.
        """
        level, wish = operator[0], contract[0]
        named = None if wish in {None, _AUTO} else wish
        levels = AUTO if level == _AUTO else (level,)
        if named is not None and RANK[named] > max(RANK[one] for one in levels if one in RANK):
            levels = (named, *levels)
        contract_least = 0 if not required else 1 if named is None else RANK[named]
        least = max(0 if level == _AUTO else RANK[level], contract_least)
        network: Network = "none" if "none" in {operator[1], contract[1]} else "host"
        return cls(
            requested=named if level == _AUTO and named else level,
            levels=levels,
            least=least,
            network=network,
            network_insisted=operator[1] == "none" or (required and contract[1] == "none"),
            by_contract=required and (contract_least >= least or contract[1] == "none"),
        )

    @property
    def insists(self) -> bool:
        """Whether not every level will do."""
        return self.least > 0 or self.network_insisted

    def refusal(self, level: str, *, network_kept_away: bool) -> str:
        """Why a level that holds will not do all the same; empty if it will."""
        if RANK[level] < self.least:
            return f"{level} is weaker than what is required"
        if self.network_insisted and not network_kept_away:
            return f"{level} does not keep the network away"
        return ""
