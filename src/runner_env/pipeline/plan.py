"""Which stages there are, which of them run now, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runner_env.contract.model import StageName
from runner_env.pipeline.values import PlanItem, StageRun, StageStatus

BEFORE_EVALUATION: tuple[StageName, ...] = (
    StageName.BOOTSTRAP,
    StageName.ACTIONS,
    StageName.AUTH,
    StageName.TESTS,
    StageName.DEPLOY_SETUP,
    StageName.DEPLOY_HEALTH,
    StageName.ROLLOUT,
)
"""What `rollout()` runs, in this order."""

EVALUATION: tuple[StageName, ...] = (StageName.EVALUATION, StageName.BENCHMARK)
"""What `evaluate()` adds."""

ORDER = (*BEFORE_EVALUATION, *EVALUATION, StageName.DEPLOY_TEARDOWN)
"""Every stage there is, in the order of a run."""

_NOT_REACHED = "not reached"


class Plan:
    """The declared stages of one run, each with what became of it."""

    def __init__(self, declared: frozenset[StageName]) -> None:
        self._items: dict[StageName, PlanItem] = {
            stage: PlanItem(stage, StageStatus.SKIPPED, _NOT_REACHED) for stage in ORDER if stage in declared
        }

    def __iter__(self) -> Iterator[PlanItem]:
        return iter(self._items.values())

    def __contains__(self, stage: StageName) -> bool:
        return stage in self._items

    @property
    def items(self) -> tuple[PlanItem, ...]:
        """The plan as it stands."""
        return tuple(self._items.values())

    def skip(self, stage: StageName, reason: str) -> None:
        """Say why a declared stage does not run; a stage that ran stays as it is."""
        item = self._items.get(stage)
        if item is not None and item.status is StageStatus.SKIPPED:
            self._items[stage] = replace(item, reason=reason)

    def skip_rest(self, reason: str, *, but: frozenset[StageName] = frozenset()) -> None:
        """Give `reason` to every stage that was not reached."""
        for stage, item in self._items.items():
            if item.reason == _NOT_REACHED and stage not in but:
                self.skip(stage, reason)

    def waiting(self, reason: str) -> tuple[PlanItem, ...]:
        """The plan as it stands, with `reason` for every stage that was not reached yet."""
        return tuple(replace(item, reason=reason) if item.reason == _NOT_REACHED else item for item in self)

    def ran(self, run: StageRun) -> None:
        """Note that a stage was executed."""
        self._items[run.stage] = PlanItem(run.stage, StageStatus.RUN, "", run.ok, run.duration_s)

    def broke_off(self, stage: StageName) -> None:
        """Note that a stage was begun, and that the runner itself could not carry it through."""
        self._items[stage] = PlanItem(stage, StageStatus.RUN, "broke off", ok=False)
