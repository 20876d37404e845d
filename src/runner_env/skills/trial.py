"""One trial, from its first message to its verdict. A call that fails makes it unscored and nothing else."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from runner_env.core import Verdict
from runner_env.errors import BudgetExhausted, ProviderError
from runner_env.providers.model import MockRules
from runner_env.skills import report as r
from runner_env.skills.asking import Log
from runner_env.skills.conversation import Conversation, converse
from runner_env.skills.judged import judge_all, none_judged
from runner_env.skills.mocks import compiled, deciding, wants_recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner_env.core import Message, Usage
    from runner_env.errors import RunnerEnvError
    from runner_env.providers.model import MockCall
    from runner_env.skills.asking import Call
    from runner_env.skills.conversation import Conversing
    from runner_env.skills.plan import PlannedCase, Trial
    from runner_env.skills.values import EvalOutcome


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What became of a trial.

    Attributes:
        report: as the report has it.
        verdict: of the trial.
        complete: whether the conversation came to its end, so that it can be judged again.
        log: every call.
        trouble: why it is unscored, if a call failed or was not made.
    """

    report: r.TrialReport
    verdict: Verdict
    complete: bool
    log: Log
    trouble: RunnerEnvError | None = None


async def run_trial(trial: Trial, needs: Conversing, *, spy: bool = False) -> TrialResult:
    """Hold the conversation of a trial and judge it.

    Args:
        trial: which.
        needs: how; `rules` is settled here.
        spy: whether tool calls are recorded even if the case does not ask for it.
    """
    log, talk = Log(), Conversation()
    with _rules(trial.planned, spy=spy) as rules:
        try:
            await converse(trial, replace(needs, rules=rules), log, talk)
        except (ProviderError, BudgetExhausted) as error:
            evals = none_judged(trial.planned, error.message)
            return _result(trial, talk, log, evals, error)
    return await judge_trial(trial, talk, needs, log)


async def judge_trial(trial: Trial, talk: Conversation, needs: Conversing, log: Log) -> TrialResult:
    """Judge a conversation that came to its end."""
    evals, trouble = await judge_all(trial.planned, talk.messages, talk.mock_calls, needs, log)
    return _result(trial, talk, log, evals, trouble)


def not_run(trial: Trial, error: RunnerEnvError) -> TrialResult:
    """The result of a trial that was not begun, because of `error`."""
    return _result(trial, Conversation(), Log(), none_judged(trial.planned, error.message), error)


@contextmanager
def _rules(planned: PlannedCase, *, spy: bool) -> Iterator[MockRules | None]:
    """The rules for tool calls, and while they are in use the directory in which stub sequences count."""
    if not wants_recording(planned.case, planned.mocks, spy=spy):
        yield None
        return
    if all(mock.is_spy for mock in planned.mocks):
        yield MockRules(None)
        return
    if not any(len(mock.stub) > 1 for mock in planned.mocks):
        yield MockRules(compiled(planned.mocks, ""))
        return
    counters = tempfile.mkdtemp(prefix="runner-env-stubs-")
    try:
        yield MockRules(compiled(planned.mocks, counters))
    finally:
        shutil.rmtree(counters, ignore_errors=True)


def _result(
    trial: Trial, talk: Conversation, log: Log, evals: Sequence[EvalOutcome], trouble: RunnerEnvError | None
) -> TrialResult:
    verdict = _verdict(evals, trouble)
    case, skill = trial.planned.case, trial.planned.skill
    report = r.TrialReport(
        case=case.name,
        skill=skill.path,
        platform=trial.platform,
        model=trial.model,
        passed=verdict is Verdict.PASSED,
        turns=talk.turns,
        evals=tuple(r.EvalReport(one.label, one.passed, one.detail, one.reason) for one in evals),
        transcript=r.TranscriptReport(tuple(map(_message, talk.messages))),
        usage=usage_report(log.usage),
        history_command=talk.history_command,
        mock_calls=_mock_calls(talk.mock_calls, trial.planned),
        verdict=verdict_name(verdict),
        error=trouble_report(trouble) if trouble else None,
        repeat=trial.repeat,
        seconds=round(sum(call.seconds for call in log.calls), 3),
        origin=str(case.origin) if case.origin else None,
        id=trial.id,
        calls=tuple(map(_call, log.calls)),
    )
    return TrialResult(report, verdict, talk.complete, log, trouble)


def verdict_name(verdict: Verdict) -> Literal["passed", "failed", "unscored"]:
    """The verdict as reports spell it."""
    match verdict:
        case Verdict.PASSED:
            return "passed"
        case Verdict.FAILED:
            return "failed"
        case Verdict.UNSCORED:
            return "unscored"


def usage_report(usage: Usage) -> r.UsageReport | None:
    """What was reported; None if nothing was."""
    if usage.is_empty:
        return None
    return r.UsageReport(usage.input_tokens, usage.output_tokens, usage.cost_usd)


def trouble_report(error: RunnerEnvError) -> r.TroubleReport:
    """Why a trial is unscored."""
    if isinstance(error, ProviderError):
        kind = error.kind.value if error.kind else None
        return r.TroubleReport(error.code, error.message, kind, error.context, error.hint)
    return r.TroubleReport(error.code, error.message, hint=error.hint)


def _verdict(evals: Sequence[EvalOutcome], trouble: RunnerEnvError | None) -> Verdict:
    if trouble is not None or any(one.passed is None for one in evals):
        return Verdict.UNSCORED
    return Verdict.PASSED if all(one.passed for one in evals) else Verdict.FAILED


def _message(message: Message) -> r.MessageReport:
    return r.MessageReport(message.role.value, message.content, message.events)


def _mock_calls(calls: Sequence[MockCall] | None, planned: PlannedCase) -> tuple[r.MockCallReport, ...] | None:
    if calls is None:
        return None
    return tuple(
        r.MockCallReport(call.tool, call.input, call.action, call.rule, deciding(call, planned.mocks)) for call in calls
    )


def _call(call: Call) -> r.CallReport:
    error = call.error.code if call.error else None
    usage = usage_report(call.usage) if call.usage else None
    return r.CallReport(call.op, call.model, round(call.seconds, 3), usage, error)
