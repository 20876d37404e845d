"""No containment: the keeper is an ordinary process of the same user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.execution.levels.model import Facts, Guarantee, Guarantees, Network, Places, Start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOT = Guarantee("none", "level")


class NoLevel:
    """Only promises that processes end, as far as they do not fight against it."""

    name = "none"

    def missing(self, environ: Mapping[str, str]) -> str:  # noqa: ARG002
        """Nothing is needed."""
        return ""

    def start(
        self,
        keeper: Sequence[str],
        places: Places | None,
        network: Network,  # noqa: ARG002
        environ: Mapping[str, str],  # noqa: ARG002
    ) -> Start:
        """The command line itself."""
        return Start(tuple(keeper), str(places.tmp) if places else "", (("level", self.name),))

    def judge(self, facts: Facts, places: Places | None, network: Network) -> Guarantees:  # noqa: ARG002
        """Nothing is contained."""
        ends = Guarantee("best_effort", "subreaper")
        changes = Guarantee("detected", "hashes") if places else _NOT
        return Guarantees(_NOT, _NOT, changes, _NOT, _NOT, _NOT, ends, _NOT, _NOT, _NOT, _NOT, _NOT)

    def hint(self) -> str:
        """It always holds."""
        return ""
