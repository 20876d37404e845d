"""Every eval of a trial: judged, or counted, whatever became of the others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runner_env.errors import BudgetExhausted, ProviderError
from runner_env.providers.model import JudgeQuery
from runner_env.skills.asking import JUDGE_LANE
from runner_env.skills.conversation import wrong_type
from runner_env.skills.evals import score_boolean, score_calls, score_numeric, unscored
from runner_env.skills.values import BooleanEval, CallsEval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.core import Message
    from runner_env.errors import RunnerEnvError
    from runner_env.providers.model import MockCall
    from runner_env.skills.asking import Log
    from runner_env.skills.conversation import Conversing
    from runner_env.skills.plan import PlannedCase
    from runner_env.skills.values import Eval, EvalOutcome, NumericEval


async def judge_all(
    planned: PlannedCase,
    messages: Sequence[Message],
    calls: Sequence[MockCall] | None,
    needs: Conversing,
    log: Log,
) -> tuple[list[EvalOutcome], RunnerEnvError | None]:
    """What became of every eval of a case, in their order, and the first call that failed, if one did.

    An eval whose judge could not be had is unscored; the others are judged all the same, unless `needs.abort`.
    """
    outcomes: list[EvalOutcome] = []
    trouble: RunnerEnvError | None = None
    for item in planned.case.evals:
        try:
            outcomes.append(await _outcome(item, planned, messages, calls, needs, log))
        except (ProviderError, BudgetExhausted) as error:
            outcomes.append(unscored(item, error.message))
            trouble = trouble or error
            if needs.abort:
                outcomes += [unscored(other, error.message) for other in planned.case.evals[len(outcomes) :]]
                break
    return outcomes, trouble


def none_judged(planned: PlannedCase, why: str) -> list[EvalOutcome]:
    """Every eval of a case, unscored for the same reason."""
    return [unscored(item, why) for item in planned.case.evals]


async def _outcome(
    item: Eval,
    planned: PlannedCase,
    messages: Sequence[Message],
    calls: Sequence[MockCall] | None,
    needs: Conversing,
    log: Log,
) -> EvalOutcome:
    if isinstance(item, CallsEval):
        return score_calls(item, planned.mocks, calls)
    judge = partial(needs.provider.judge, needs.judge_model, _query(item), tuple(messages))
    verdict = await needs.asking.ask(log, "judge", needs.judge_model, JUDGE_LANE, judge)
    if isinstance(item, BooleanEval):
        if not isinstance(verdict.value, bool):
            raise wrong_type(verdict.value, "boolean")
        return score_boolean(item, verdict.value, verdict.reason)
    if isinstance(verdict.value, bool):
        raise wrong_type(verdict.value, "numeric")
    return score_numeric(item, verdict.value, verdict.reason)


def _query(item: BooleanEval | NumericEval) -> JudgeQuery:
    if isinstance(item, BooleanEval):
        return JudgeQuery.boolean(item.criterion)
    return JudgeQuery.numeric(item.criterion, item.minimum, item.maximum)
