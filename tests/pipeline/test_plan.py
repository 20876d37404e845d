"""The plan: every declared stage once, in order, each with what became of it."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runner_env.contract.model import StageName
from runner_env.core import Finding
from runner_env.pipeline.plan import ORDER, Plan
from runner_env.pipeline.values import StageRun, StageStatus

STAGES = st.sampled_from(ORDER)
REASONS = st.sampled_from(["asked", "policy", "failed"])


def stage_run(stage: StageName, *, ok: bool = True) -> StageRun:
    """A stage as it was executed."""
    findings = () if ok else (Finding("x", "x"),)
    return StageRun(stage, (), findings, "2026-01-01T00:00:00.000Z", 1.5)


class PlanMachine(RuleBasedStateMachine):
    """Stages are skipped and run in any order."""

    @initialize(declared=st.frozensets(STAGES))
    def begin(self, declared: frozenset[StageName]) -> None:
        """Declare some stages."""
        self.declared = declared
        self.plan = Plan(declared)
        self.executed: dict[StageName, bool] = {}
        self.skipped: dict[StageName, str] = {}

    @rule(stage=STAGES, reason=REASONS)
    def skip(self, stage: StageName, reason: str) -> None:
        """Skip one; what ran stays."""
        self.plan.skip(stage, reason)
        if stage in self.declared and stage not in self.executed:
            self.skipped[stage] = reason

    @rule(reason=REASONS, but=st.frozensets(STAGES))
    def skip_rest(self, reason: str, but: frozenset[StageName]) -> None:
        """Skip all that have no reason yet, with exceptions."""
        self.plan.skip_rest(reason, but=but)
        for stage in self.declared - set(self.executed) - but:
            self.skipped.setdefault(stage, reason)

    @precondition(lambda self: self.declared)
    @rule(data=st.data(), ok=st.booleans())
    def run(self, data: st.DataObject, ok: bool) -> None:
        """Run a declared one."""
        stage = data.draw(st.sampled_from(sorted(self.declared)))
        self.plan.ran(stage_run(stage, ok=ok))
        self.executed[stage] = ok

    @rule(reason=REASONS)
    def look_ahead(self, reason: str) -> None:
        """What waits is shown with a reason, and the plan itself stays as it is."""
        before = self.plan.items
        waiting = self.plan.waiting(reason)
        assert self.plan.items == before
        for old, new in zip(before, waiting, strict=True):
            assert new.reason == (reason if old.reason == "not reached" else old.reason)

    @invariant()
    def every_declared_stage_once_in_order(self) -> None:
        """Nothing is lost, added, or out of order."""
        assert [item.stage for item in self.plan] == [stage for stage in ORDER if stage in self.declared]
        assert all((stage in self.plan) is (stage in self.declared) for stage in StageName)

    @invariant()
    def each_says_what_became_of_it(self) -> None:
        """Run with its end, or skipped with a reason that is never empty."""
        for item in self.plan.items:
            if item.stage in self.executed:
                assert (item.status, item.reason) == (StageStatus.RUN, "")
                assert (item.ok, item.duration_s) == (self.executed[item.stage], 1.5)
            else:
                expected = self.skipped.get(item.stage, "not reached")
                assert (item.status, item.reason) == (StageStatus.SKIPPED, expected)
                assert (item.ok, item.duration_s) == (None, None)


PlanMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
TestPlan = PlanMachine.TestCase


def test_order_has_every_stage_once() -> None:
    """B030: every stage has its place in the order, the teardown the last one."""
    assert sorted(ORDER) == sorted(StageName)
    assert ORDER[-1] is StageName.DEPLOY_TEARDOWN


def test_a_stage_that_broke_off_was_begun() -> None:
    """It counts as run, and not as having come to a good end."""
    plan = Plan(frozenset({StageName.TESTS}))
    plan.broke_off(StageName.TESTS)
    plan.skip_rest("failed")
    [item] = plan
    assert (item.status, item.reason, item.ok) == (StageStatus.RUN, "broke off", False)
