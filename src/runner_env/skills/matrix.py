"""All trials of a plan, side by side: each is recorded as it ends, and nothing but its verdict stays in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from runner_env.errors import EvidenceError, ProviderError, RunError
from runner_env.skills.asking import JUDGE_LANE, Asking, Log
from runner_env.skills.conversation import Conversing
from runner_env.skills.earlier import transcript_of
from runner_env.skills.totals import Brief
from runner_env.skills.trial import judge_trial, not_run, run_trial
from runner_env.skills.watching import TrialBegun, TrialEnded
from runner_env.workers import Job, LocalExecutor, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner_env.providers.model import Event, Provider
    from runner_env.skills.budget import Budget
    from runner_env.skills.plan import Plan, Trial
    from runner_env.skills.recording import Recorder
    from runner_env.skills.stored import StoredRun
    from runner_env.skills.trial import TrialResult
    from runner_env.skills.watching import Observer

JOBS = 4
"""Trials at the same time if nobody says how many: agent programs take hundreds of megabytes each."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """What the trials of a plan need.

    Attributes:
        plan: the trials.
        provider: answers.
        recorder: keeps the evidence.
        budget: what may be used.
        observer: told of each trial; None: nobody is.
        on_event: told of each tool event; None: nobody is.
        rejudged: the run whose transcripts are judged, instead of running skills.
    """

    plan: Plan
    provider: Provider
    recorder: Recorder
    budget: Budget
    observer: Observer | None = None
    on_event: Callable[[Trial, int, Event], None] | None = None
    rejudged: StoredRun | None = None

    @property
    def jobs(self) -> int:
        """Trials at the same time; one by one if the first failed call is to end the run."""
        config = self.plan.config
        return config.concurrency.jobs or (1 if config.abort else JOBS)


async def run_matrix(matrix: Matrix, carried: Mapping[int, Brief]) -> list[Brief | None]:
    """Run every trial that is not carried over.

    Returns:
        All trials in the order of the plan; None for those that never came to be because the run was aborted.

    Raises:
        ProviderError: a call failed, and the config says to abort.
        EvidenceError: the evidence could not be written.
    """
    briefs = [carried.get(index) for index in range(len(matrix.plan.trials))]
    work = _Work(matrix, briefs)
    limits = matrix.plan.config.concurrency.by_platform
    async with LocalExecutor(matrix.jobs, by_key=limits) as executor:
        work.cancel = executor.cancel
        async for _ in in_order(executor, work.jobs()):
            pass  # drawn in order, so that no more jobs wait than have to; each has put its result away itself
    if work.fatal is not None:
        raise work.fatal
    return briefs


class _Work:
    """The jobs of a run, and where their results go."""

    def __init__(self, matrix: Matrix, briefs: list[Brief | None]) -> None:
        config = matrix.plan.config
        judge = {} if config.concurrency.judge is None else {JUDGE_LANE: config.concurrency.judge}
        self.fatal: Exception | None = None
        self.cancel: Callable[[], None] = _nothing
        self._matrix = matrix
        self._briefs = briefs
        self._ended = sum(brief is not None for brief in briefs)
        self._asking = Asking(matrix.budget, judge, patient=not config.abort)

    def jobs(self) -> Iterator[Job[None]]:
        for index, trial in enumerate(self._matrix.plan.trials):
            if self._briefs[index] is None:
                yield Job(partial(self._perform, index, trial), trial.platform)

    async def _perform(self, index: int, trial: Trial) -> None:
        if self.fatal is not None:
            raise self.fatal
        try:
            await self._recorded(index, trial)
        except Exception as error:
            self.fatal = self.fatal or error
            self.cancel()
            raise

    async def _recorded(self, index: int, trial: Trial) -> None:
        matrix = self._matrix
        if matrix.observer is not None:
            matrix.observer(TrialBegun(trial))
        result = await self._result(trial)
        kept = matrix.recorder.keep(index + 1, trial, result)
        trouble = result.trouble.code if result.trouble else ""
        self._briefs[index] = Brief(result.verdict, kept, result.log.usage, result.log.cost, trouble)
        self._ended += 1
        if matrix.observer is not None:
            matrix.observer(TrialEnded(trial, result, self._ended, matrix.budget.cost))
        if matrix.plan.config.abort and isinstance(result.trouble, ProviderError):
            raise result.trouble

    async def _result(self, trial: Trial) -> TrialResult:
        matrix, config = self._matrix, self._matrix.plan.config
        on_event = partial(matrix.on_event, trial) if matrix.on_event else None
        needs = Conversing(matrix.provider, self._asking, config.judge_model, None, on_event, abort=config.abort)
        if matrix.rejudged is None:
            return await run_trial(trial, needs, spy=config.spy)
        try:
            talk = transcript_of(matrix.rejudged, trial)
        except (RunError, EvidenceError) as error:
            return not_run(trial, error)
        return await judge_trial(trial, talk, needs, Log())


def _nothing() -> None:
    """Nothing to cancel yet."""
