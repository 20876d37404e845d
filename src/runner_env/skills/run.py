"""A skill run as a whole: the plan, its evidence, its report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from runner_env.core import Ambient, Finding, Usage, Verdict
from runner_env.errors import RunnerEnvError
from runner_env.formats.versions import versions
from runner_env.providers.host import Host
from runner_env.providers.model import Event, Provider
from runner_env.settings import Settings
from runner_env.skills import report as r
from runner_env.skills.budget import Budget
from runner_env.skills.config import CommandConfig
from runner_env.skills.earlier import carry, refuse_changes, run_dir_for
from runner_env.skills.matrix import Matrix, run_matrix
from runner_env.skills.plan import Trial
from runner_env.skills.prices import AS_OF
from runner_env.skills.recording import Conclusion, Recorder, masker_for
from runner_env.skills.stored import StoredRun, StoredTrials
from runner_env.skills.totals import Brief, Totals, findings_of
from runner_env.skills.trial import verdict_name
from runner_env.skills.watching import Observer, RunBegun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.skills.config import Config
    from runner_env.skills.plan import Plan


@dataclass(frozen=True, slots=True)
class How:
    """The surroundings of a run.

    Attributes:
        settings: where runs are kept, and the environment of the provider.
        cwd: where the provider's commands start.
        provider: answers; None: the one that the config describes.
        observer: told what goes on.
        on_event: told of each tool event as it happens, with its trial and turn.
        resume: the directory of a run that is to go on.
        rejudge: the directory of a run whose transcripts are judged again.
        inputs: what the plan was made of, for the record.
        ambient: clock and randomness.
    """

    settings: Settings
    cwd: Path
    provider: Provider | None = None
    observer: Observer | None = None
    on_event: Callable[[Trial, int, Event], None] | None = None
    resume: Path | None = None
    rejudge: Path | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    ambient: Ambient = field(default_factory=Ambient)


async def run_plan(plan: Plan, how: How) -> r.SkillReport:
    """Run a plan, or what is missing of it.

    Every trial is recorded as it ends; if the run is cancelled or killed, `resume` goes on with it.

    Raises:
        ProviderError: a call failed, and the config says to abort.
        RunError: the run to go on with, or to judge again, cannot be used.
        EvidenceError: evidence could not be read or written.
    """
    resumed = StoredRun.read(how.resume) if how.resume else None
    rejudged = StoredRun.read(how.rejudge) if how.rejudge else None
    if resumed is not None:
        refuse_changes(resumed, plan)
    masker = masker_for(how.settings.environ, plan.config.judge.api_key_env if plan.config.judge else None)
    with run_dir_for(how.settings.runs_dir, how.ambient, resumed) as run_dir:
        recorder = Recorder(run_dir, masker, how.ambient)
        recorder.begin(plan, how.inputs, resumed_from=_name(resumed), rejudged_from=_name(rejudged))
        budget = Budget(plan.config.caps, plan.config.prices, time.monotonic)
        carried = carry(resumed, plan, recorder, budget) if resumed else {}
        if how.observer is not None:
            how.observer(RunBegun(run_dir.path, len(plan.trials), len(carried)))
        provider = how.provider or provider_for(plan.config, Host(how.cwd, how.settings.environ, how.ambient))
        matrix = Matrix(plan, provider, recorder, budget, how.observer, how.on_event, rejudged)
        try:
            briefs = await run_matrix(matrix, carried)
        except RunnerEnvError as error:
            _conclude_aborted(recorder, plan, how, error)
            raise
        finally:
            if how.provider is None:
                with anyio.CancelScope(shield=True):
                    await provider.aclose()
        return _report(matrix, how, briefs, _about(matrix, how, resumed, rejudged, len(carried)))


def provider_for(config: Config, host: Host) -> Provider:
    """The provider that a config describes."""
    provider = _responder(config, host)
    if config.judge is None:
        return provider
    from runner_env.providers.api_judge import ApiJudgeProvider
    from runner_env.providers.split import SplitProvider

    return SplitProvider(provider, ApiJudgeProvider(config.judge, host))


def _responder(config: Config, host: Host) -> Provider:
    from runner_env.providers.oneharness_options import OneharnessOptions

    if isinstance(config.provider, OneharnessOptions):
        from runner_env.providers.oneharness import OneharnessProvider

        return OneharnessProvider(config.provider, host)
    if isinstance(config.provider, CommandConfig):
        from runner_env.providers.command import CommandProvider

        return CommandProvider(config.provider.command, host, timeout_s=config.provider.timeout_s)
    from runner_env.providers.scripted import ScriptedProvider

    return ScriptedProvider()


def _conclude_aborted(recorder: Recorder, plan: Plan, how: How, error: RunnerEnvError) -> None:
    from runner_env.errors import EvidenceError

    if isinstance(error, EvidenceError):
        return  # where the evidence cannot be written, no record can
    finding = Finding(error.code, error.message, hint=error.hint, verdict=Verdict.UNSCORED, stage="trials")
    recorder.conclude(plan, how.inputs, Conclusion(Verdict.UNSCORED, None, (finding,), Usage()))


def _report(matrix: Matrix, how: How, briefs: Sequence[Brief | None], about: r.RunReport) -> r.SkillReport:
    plan, totals = matrix.plan, Totals.of(matrix.plan, briefs)
    suite = totals.suite
    score = None if suite.verdict is Verdict.UNSCORED else suite.share
    conclusion = Conclusion(suite.verdict, score, findings_of(totals, briefs), totals.usage)
    matrix.recorder.conclude(plan, how.inputs, conclusion)
    notes = [finding.message for finding in plan.config.notes]
    notes += [f"{one.skill.path}: SKILL.md has no frontmatter: {one.skill.trouble}" for one in _troubled(plan)]
    notes += [matrix.budget.doubt] if matrix.budget.doubt else []
    return r.SkillReport(
        passed=suite.verdict is Verdict.PASSED,
        summary=totals.summary(plan),
        runs=StoredTrials([brief.kept for brief in briefs if brief is not None]),
        verdict=verdict_name(suite.verdict),
        cells=totals.cell_reports(),
        notes=tuple(notes),
        run=about,
    )


def _troubled(plan: Plan) -> list[Any]:
    found = {one.skill.path: one for one in plan.cases if one.skill.trouble}
    return list(found.values())


def _about(
    matrix: Matrix, how: How, resumed: StoredRun | None, rejudged: StoredRun | None, carried: int
) -> r.RunReport:
    config, recorder = matrix.plan.config, matrix.recorder
    return r.RunReport(
        id=recorder.run_dir.run_id,
        dir=str(recorder.run_dir.path),
        started_at=recorder.started_at,
        seconds=round(recorder.seconds, 3),
        judge="caller" if how.provider else (f"api:{config.judge.vendor}" if config.judge else "provider"),
        judge_model=config.judge_model,
        carried=carried,
        versions=versions(),
        prices_as_of=AS_OF,
        resumed_from=_name(resumed),
        rejudged_from=_name(rejudged),
    )


def _name(run: StoredRun | None) -> str | None:
    return run.path.name if run else None
