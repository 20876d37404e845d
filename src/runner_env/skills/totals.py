"""From trials to the report: counts, cells, intervals, one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.core import Finding, Usage, Verdict
from runner_env.scoring import Cell, CellKey, Interval, ScoredTrial, SuiteScore, cells_of, score_suite
from runner_env.skills import report as r
from runner_env.skills.budget import Cost
from runner_env.skills.trial import usage_report, verdict_name

if TYPE_CHECKING:
    from runner_env.skills.plan import Plan, Trial
    from runner_env.skills.recording import Kept


@dataclass(frozen=True, slots=True)
class Brief:
    """As much of a trial as is kept in memory.

    Attributes:
        verdict: of it.
        kept: where the rest is.
        usage: sum over its calls.
        cost: likewise.
        trouble: code of what made it unscored; empty otherwise.
    """

    verdict: Verdict
    kept: Kept
    usage: Usage
    cost: Cost
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """What all trials amount to."""

    suite: SuiteScore
    cells: tuple[Cell, ...]
    usage: Usage
    cost: Cost

    @classmethod
    def of(cls, plan: Plan, briefs: Sequence[Brief | None]) -> Totals:
        """Count; `briefs` are in the order of the plan, None for a trial that never came to be."""
        keys = [_key(trial) for trial in plan.trials]
        ended = [(key, one) for key, one in zip(keys, briefs, strict=True) if one is not None]
        cells = cells_of(keys, [ScoredTrial(key, one.verdict) for key, one in ended])
        suite = score_suite(cells, min_coverage=plan.config.min_coverage)
        usage = Usage.total(one.usage for _, one in ended)
        return cls(suite, cells, usage, sum((one.cost for _, one in ended), Cost()))

    def summary(self, plan: Plan) -> r.SummaryReport:
        """The counts as the report has them."""
        return r.SummaryReport(
            cases=len({one.case.name for one in plan.cases}),
            runs=self.suite.planned,
            passed=self.suite.passed,
            failed=self.suite.failed,
            usage=usage_report(self.usage),
            unscored=self.suite.unscored,
            coverage=self.suite.coverage,
            interval=_interval(self.suite.interval),
            cost_usd=self.cost.known,
            unpriced_calls=self.cost.unpriced,
        )

    def cell_reports(self) -> tuple[r.CellReport, ...]:
        """The cells as the report has them."""
        return tuple(map(_cell, self.cells))


def findings_of(totals: Totals, briefs: Iterable[Brief | None]) -> tuple[Finding, ...]:
    """What the record says about a run that did not pass."""
    suite, found = totals.suite, []
    if suite.failed:
        message = f"{suite.failed} of {suite.planned} trials failed."
        found.append(Finding("trials_failed", message, hint="The report tells each.", stage="trials"))
    if suite.unscored:
        codes = sorted({one.trouble for one in briefs if one is not None and one.trouble})
        why = f" ({', '.join(codes)})" if codes else ""
        message = f"{suite.unscored} of {suite.planned} trials are unscored{why}."
        hint = "`runner-env skill run --resume` runs what is missing."
        verdict = Verdict.UNSCORED if suite.verdict is Verdict.UNSCORED else Verdict.PASSED
        found.append(Finding("trials_unscored", message, hint=hint, verdict=verdict, stage="trials"))
    return tuple(found)


def _key(trial: Trial) -> CellKey:
    return CellKey(trial.planned.key, trial.platform, trial.model)


def _cell(cell: Cell) -> r.CellReport:
    return r.CellReport(
        case=cell.key.case,
        platform=cell.key.platform,
        model=cell.key.model,
        verdict=verdict_name(cell.verdict),
        planned=cell.planned,
        passed=cell.passed,
        failed=cell.failed,
        unscored=cell.unscored,
        coverage=cell.coverage,
        interval=_interval(cell.interval),
    )


def _interval(interval: Interval | None) -> r.IntervalReport | None:
    return None if interval is None else r.IntervalReport(interval.share, interval.low, interval.high)
